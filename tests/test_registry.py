"""Parts by name: built in, added, and from entry points of other packages."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ambivox.errors import AmbivoxError, UsageError
from ambivox.registry import Registry

Install = Callable[..., Registry[object]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install made-up packages with entry points of the group ambivox.shapes."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(package: str, code: str, **names: str) -> Registry[object]:
        (tmp_path / f"{package}.py").write_text(code)
        folder = tmp_path / f"{package}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {package}:{target}" for name, target in names.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[ambivox.shapes]", *lines, ""]))
        monkeypatch.delitem(sys.modules, package, raising=False)
        return Registry("shape", group="ambivox.shapes")

    return add


def test_a_part_of_another_package_is_found_by_its_name(install: Install) -> None:
    shapes = install("squares_of_mine", "SQUARE = 'square'", square="SQUARE")
    assert "square" in shapes
    assert list(shapes) == ["square"]
    assert shapes["square"] == "square"


def test_another_package_is_not_imported_before_it_is_asked_for(install: Install) -> None:
    shapes = install("lazy_of_mine", "ROUND = object()", round="ROUND")
    shapes.add("own", 1)
    assert list(shapes) == ["own", "round"]
    assert "lazy_of_mine" not in sys.modules
    assert shapes["round"] is shapes["round"]
    assert "lazy_of_mine" in sys.modules


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module_at_all", "No module named"),
        ("OTHER = 1", "has no attribute"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two"),
        ("SHAPE = (", "SyntaxError"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_said_in_one_line(install: Install, code: str, said: str) -> None:
    shapes = install("broken_of_mine", code, square="SHAPE")
    with pytest.raises(AmbivoxError, match="shape 'square': its package cannot be loaded") as error:
        shapes["square"]
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_broken_package_does_not_stop_the_others(install: Install) -> None:
    install("broken_of_mine", "raise RuntimeError", square="SHAPE")
    shapes = install("whole_of_mine", "ROUND = 'o'", round="ROUND")
    assert shapes["round"] == "o"


def test_two_packages_with_one_name_are_refused(install: Install) -> None:
    install("one_of_mine", "A = 1", square="A")
    shapes = install("two_of_mine", "A = 2", square="A")
    with pytest.raises(
        UsageError, match=r"'square' is registered twice, by \w+_of_mine:A and by \w+_of_mine:A"
    ):
        shapes["square"]


def test_a_package_that_takes_a_built_in_name_is_refused(install: Install) -> None:
    shapes = install("one_of_mine", "A = 1", square="A")
    shapes.add("square", "own")
    with pytest.raises(UsageError, match="registered twice, by ambivox and by one_of_mine:A"):
        list(shapes)


def test_a_name_is_added_once() -> None:
    shapes = Registry[str]("shape", group="ambivox.shapes")
    shapes.add("round", "o")
    with pytest.raises(UsageError, match="shape 'round' is registered twice"):
        shapes.add("round", "O")
    assert shapes["round"] == "o"


def test_the_decorator_gives_the_part_back() -> None:
    shapes = Registry[Callable[[], int]]("shape", group="ambivox.shapes")

    @shapes.register("one")
    def one() -> int:
        return 1

    assert shapes["one"] is one
    assert one() == 1


def test_an_unknown_name_suggests_the_nearest() -> None:
    shapes = Registry[str]("shape", group="ambivox.shapes")
    shapes.add("round", "o")
    assert "rond" not in shapes
    with pytest.raises(UsageError, match=r"unknown shape 'rond': did you mean 'round'\? \(known: round\)"):
        shapes["rond"]


def test_an_empty_registry_knows_none() -> None:
    with pytest.raises(UsageError, match=r"unknown shape 'x': \(known: none\)"):
        Registry[str]("shape", group="ambivox.shapes")["x"]
