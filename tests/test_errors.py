"""Errors that the user can fix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.errors import AmbivoxError, AudioError, UsageError, first_line, unknown_name


@pytest.mark.parametrize(("error", "code"), [(AmbivoxError, 1), (AudioError, 1), (UsageError, 2)])
def test_exit_codes(error: type[AmbivoxError], code: int) -> None:
    assert error.exit_code == code
    assert issubclass(error, AmbivoxError)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrod", "unknown prompt 'wrod': did you mean 'word'? (known: letter, word)"),
        ("WORD", "unknown prompt 'WORD': did you mean 'word'? (known: letter, word)"),
        ("zzz", "unknown prompt 'zzz': (known: letter, word)"),
        ("", "unknown prompt '': (known: letter, word)"),
    ],
)
def test_an_unknown_name_lists_the_known_and_the_nearest(name: str, said: str) -> None:
    assert str(unknown_name("prompt", name, ["word", "letter"])) == said


@given(st.text(), st.lists(st.text(max_size=5), max_size=4))
def test_any_name_gives_an_error(name: str, known: list[str]) -> None:
    assert repr(name) in str(unknown_name("prompt", name, known))


@given(st.text())
def test_the_first_line_is_one_line(text: str) -> None:
    assert len(first_line(ValueError(text)).splitlines()) <= 1


def test_an_error_without_words_is_called_by_its_type() -> None:
    assert first_line(OSError()) == "OSError"
