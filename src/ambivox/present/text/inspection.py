"""A corpus in a terminal: what it holds, how its raters disagree, and what each option would keep."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from ambivox.inspection import CorpusCheck, Inspection
from ambivox.present.corpora import (
    check_table,
    confusion_table,
    label_table,
    option_table,
    split_table,
    summary_lines,
    vote_lines,
)
from ambivox.present.text.plain import plain
from ambivox.present.text.table import Footnotes, print_table

_LABELS_ACROSS = 12
"""A table of confusions with more labels than this does not fit a terminal; the page and the JSON have it."""


def show_inspection(console: Console, found: Inspection) -> None:
    """Print the facts of a corpus."""
    notes = Footnotes()
    console.print(plain(found.corpus, style="bold"), plain(found.licence, style="dim"))
    for line in summary_lines(found):
        console.print(plain(line))
    console.print()
    if found.votes is not None:
        print_table(console, label_table(found.votes), notes)
        for line in vote_lines(found.votes):
            console.print(plain(line))
        console.print()
        if len(found.votes.labels) <= _LABELS_ACROSS:
            print_table(console, confusion_table(found.votes), notes)
    if found.options:
        print_table(console, option_table(found), notes)
    print_table(console, split_table(found), notes)
    for text in found.load_issues:
        console.print(plain(f"found: {text}", style="yellow"))


def show_checks(console: Console, checks: Iterable[CorpusCheck]) -> None:
    """Print what was checked, and what to fix."""
    print_table(console, check_table(checks), Footnotes())
