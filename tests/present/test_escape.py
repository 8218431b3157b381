"""Names and answers from outside cannot steer the terminal."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ambivox.present.escape import escaped
from ambivox.present.tables import Cell, Column, Group, Line, Table
from ambivox.present.text.plain import plain
from ambivox.present.text.table import Footnotes, print_table

HOSTILE = "[red]a[/] \x1b[31mb \x9b1m \u202egnp.wav \u2066c\u2069 \x07\r\n\t :smile: \u2028d \ud800"
SHOWN = r"[red]a[/] \x1b[31mb \x9b1m \u202egnp.wav \u2066c\u2069 \x07\r\n\t :smile: \u2028d \ud800"


def printed(*what: object) -> str:
    file = io.StringIO()
    Console(file=file, width=400, force_terminal=False).print(*what)
    return file.getvalue()


def test_markup_is_shown_and_controls_are_escaped() -> None:
    assert escaped(HOSTILE) == SHOWN
    assert printed(plain(HOSTILE)) == SHOWN + "\n"


@given(st.text())
def test_what_is_escaped_can_be_shown_and_told_apart(text: str) -> None:
    shown = escaped(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert not set(shown) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert escaped(shown) == shown


@pytest.mark.parametrize("text", ["café", "日本語", "👩\u200d🚀", "می\u200cخواهم", "a b", ""])
def test_words_of_any_language_stay_as_they_are(text: str) -> None:
    assert escaped(text) == text


def test_every_place_of_a_table_is_escaped() -> None:
    cell = Cell(HOSTILE, detail=HOSTILE, notes=(HOSTILE,), detail_notes=(HOSTILE,))
    column = Column(HOSTILE, kind="line", detail_title=HOSTILE)
    table = Table(HOSTILE, (column, column), (Group(HOSTILE, (Line((cell, cell)),)),), notes=(HOSTILE,))
    file = io.StringIO()
    console, notes = Console(file=file, width=3000), Footnotes()
    print_table(console, table, notes, caption=True)
    notes.show(console)
    found = file.getvalue()
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Cf", "Zl") for c in found.replace("\n", ""))
    # caption, title, two titles of details; heading; two cells with details; the footnote
    assert found.count(SHOWN) == 10
