"""Parts by name: built in, added, and from entry points of other packages."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ambivox.errors import AmbivoxError, UsageError
from ambivox.registry import Registry
from tests.installed import install

Install = Callable[..., Registry[str]]


def accept_text(name: str, item: object) -> str:
    if item is None:
        raise TypeError("nothing to be had")
    if not isinstance(item, str):
        raise ValueError(f"expected text, not {item!r}")
    return item


def registry(**built_in: str) -> Registry[str]:
    return Registry("shape", group="ambivox.shapes", accept=accept_text, built_in=built_in)


@pytest.fixture
def shapes_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Install:
    """Install made-up packages with entry points of the group ambivox.shapes."""
    # What another library does to logging in this process is none of this test's business.
    for name in ("ambivox", "ambivox.registry"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    caplog.set_level(logging.WARNING, logger="ambivox.registry")
    monkeypatch.syspath_prepend(tmp_path)

    def add(package: str, code: str, **names: str) -> Registry[str]:
        install(tmp_path, package, code, shapes=names)
        monkeypatch.delitem(sys.modules, package, raising=False)
        return registry(round="o")

    return add


def test_a_part_of_another_package_is_found_by_its_name(shapes_of: Install) -> None:
    shapes = shapes_of("squares_of_mine", "SQUARE = 'square'", square="SQUARE")
    assert "square" in shapes
    assert shapes["square"] == "square"
    assert list(shapes) == ["round", "square"]


def test_another_package_is_not_imported_before_it_is_asked_for(shapes_of: Install) -> None:
    shapes = shapes_of("lazy_of_mine", "SQUARE = 'square'", square="SQUARE")
    assert "square" in shapes
    assert shapes["round"] == "o"
    assert "lazy_of_mine" not in sys.modules
    assert shapes["square"] is shapes["square"]
    assert "lazy_of_mine" in sys.modules


BROKEN = [
    ("import no_such_module_at_all", "No module named"),
    ("def (", "SyntaxError: invalid syntax"),
    ("OTHER = 1", "has no attribute"),
    ("raise RuntimeError('two\\nlines')", "RuntimeError: two"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("SQUARE = 4", "expected text, not 4"),
    ("SQUARE = None", "TypeError: nothing to be had"),
]


@pytest.mark.parametrize(("code", "said"), BROKEN)
def test_what_is_wrong_with_a_part_is_one_line_that_names_it(
    shapes_of: Install, code: str, said: str
) -> None:
    shapes = shapes_of("broken_of_mine", code, square="SQUARE")
    for _ in range(2):
        with pytest.raises(AmbivoxError, match="shape 'square' cannot be ") as error:
            shapes["square"]
        assert "from broken_of_mine:SQUARE" in str(error.value)
        assert said in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("code", "said"), BROKEN)
def test_a_wrong_part_is_left_out_and_told_once(
    shapes_of: Install, caplog: pytest.LogCaptureFixture, code: str, said: str
) -> None:
    shapes_of("broken_of_mine", code, square="SQUARE")
    shapes = shapes_of("whole_of_mine", "TALL = '|'", tall="TALL")
    assert list(shapes) == list(shapes) == ["round", "tall"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message.startswith("left out: shape 'square' cannot be ")
    assert said in record.message
    assert "\n" not in record.message


def test_a_name_that_two_packages_claim_is_nobodys(
    shapes_of: Install, caplog: pytest.LogCaptureFixture
) -> None:
    shapes_of("one_of_mine", "A = '1'", square="A")
    shapes = shapes_of("two_of_mine", "A = '2'", square="A")
    assert list(shapes) == ["round"]
    (record,) = caplog.records
    assert "shape 'square' is registered twice, by one_of_mine:A and by two_of_mine:A" in record.message
    with pytest.raises(UsageError, match="registered twice, by one_of_mine:A and by two_of_mine:A"):
        shapes["square"]


def test_a_package_that_takes_a_built_in_name_is_left_out_and_told(
    shapes_of: Install, caplog: pytest.LogCaptureFixture
) -> None:
    shapes = shapes_of("one_of_mine", "A = 'theirs'", round="A")
    assert list(shapes) == ["round"]
    assert shapes["round"] == "o"
    (record,) = caplog.records
    assert record.message.startswith("left out: shape 'round' of one_of_mine:A: ambivox has one of that name")


def test_a_name_is_added_once() -> None:
    shapes = registry(round="o")
    shapes.add("tall", "|")
    for name in ("round", "tall"):
        with pytest.raises(UsageError, match=f"shape '{name}' is registered twice"):
            shapes.add(name, "O")
    assert (shapes["round"], shapes["tall"]) == ("o", "|")


def test_what_is_added_is_checked_like_what_is_installed() -> None:
    with pytest.raises(UsageError, match="shape 'square': expected text, not 4"):
        registry().add("square", 4)


def test_an_unknown_name_suggests_the_nearest() -> None:
    shapes = registry(round="o")
    assert "rond" not in shapes
    with pytest.raises(UsageError, match=r"unknown shape 'rond': did you mean 'round'\? \(known: round\)"):
        shapes["rond"]


def test_an_empty_registry_knows_none() -> None:
    with pytest.raises(UsageError, match=r"unknown shape 'x': \(known: none\)"):
        registry()["x"]
