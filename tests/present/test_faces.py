"""The terminal and the page show the same numbers, because both are drawn from one table."""

import io
import re

import pytest
from rich.console import Console

from ambivox.present.html.clips import Browser
from ambivox.present.html.html import render_page
from ambivox.present.html.packed import packed
from ambivox.present.numbers import number
from ambivox.present.scores import score_table
from ambivox.present.tables import Cell, Column, Group, Line, Table, footnote, missing
from ambivox.present.text.table import Footnotes, print_table
from ambivox.reasons import Reason
from ambivox.scoring import ScoringOptions, score
from tests.present.pages import Page
from tests.present.runs import Made, make_run

TEMPLATE = "corpus.html.j2"


def in_a_terminal(table: Table, width: int = 400) -> str:
    console = Console(file=io.StringIO(), width=width)
    notes = Footnotes()
    print_table(console, table, notes)
    notes.show(console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def on_a_page(table: Table) -> Page:
    found = {"corpus": "c", "licence": "l", "load_issues": ()}
    browser = Browser("clips-0", "votes", (), packed({}), None)
    context = {"facts": [], "votes": [], "labels": table, "figures": [], "options": None, "splits": table}
    return Page(render_page(TEMPLATE, found=found, shares=[], browser=browser, **context))


def numbers_in(text: str) -> list[str]:
    return re.findall(r"[+-]?\d+\.\d{3}", text)


def test_both_faces_show_every_number_of_the_score_table(tmp_path):
    run = make_run(tmp_path / "run", Made(clips=24, controls=("clip", "silence")))
    scores = score(run, ScoringOptions(cluster="clip", n_draws=100))
    table = score_table(scores, "crema-d")
    cells = [cell for line in table.lines for cell in line.cells[1:]]
    expected = [found for cell in cells for found in numbers_in(f"{cell.text} {cell.detail}")]
    assert len(expected) > 100
    rows = [row for row in in_a_terminal(table).splitlines() if not re.match(r"[¹²³⁴⁵⁶⁷⁸⁹⁰]", row)]
    in_text = [found for row in rows for found in numbers_in(row)]
    page = on_a_page(table)
    written = [row for row in page.rows if len(row) == len(table.columns)][1 : 1 + len(table.lines)]
    on_page = [found for row in written for cell in row[1:] for found in numbers_in(cell)]
    assert in_text == on_page == expected
    row = next(row for row in scores.rows if row.of_clips and row.scores)
    assert number(row.value("jsd_bits")) in in_text


def test_a_missing_number_has_its_reason_below_the_table_in_both_faces():
    reason = Reason("too-few-clusters", "2 speakers: at least 12 are needed", "run more")
    lines = (Line((Cell("first"), missing(reason, "jsd_bits"))),)
    table = Table("scores", (Column("readout", kind="text"), Column("score")), (Group("", lines),))
    told = "jsd_bits: 2 speakers: at least 12 are needed (run more)"
    assert footnote(reason, "jsd_bits") == told
    text = in_a_terminal(table)
    assert re.search(r"^first +–¹$", text, re.MULTILINE)
    assert f"¹ {told}" in text
    page = on_a_page(table)
    assert ["first", "–1"] in page.rows
    assert told in page.text


def test_only_footnotes_of_what_is_shown_are_told_in_a_narrow_terminal():
    cells = (Cell("first"), Cell("0.1"), Cell("–", notes=("left out",)))
    columns = (Column("readout", kind="text"), Column("score", rank=1), Column("long title " * 5, rank=2))
    text = in_a_terminal(Table("scores", columns, (Group("", (Line(cells),)),)), width=40)
    assert "0.1" in text
    assert "left out" not in text


@pytest.mark.parametrize("value", [-0.0004, -0.0, 0.0004, 0.0])
def test_nothing_is_never_written_with_a_sign(value):
    assert number(value) == number(value, signed=True) == "0.000"
