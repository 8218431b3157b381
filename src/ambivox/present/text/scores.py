"""The score table of a terminal: controls first, then every readout, as many columns as fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ambivox.present.differences import difference_table
from ambivox.present.names import fitted_line, listed, note_lines, row_name
from ambivox.present.numbers import counts, interval, number
from ambivox.present.scores import (
    control_line,
    grid_table,
    score_table,
    sensitivity_table,
    tertile_table,
)
from ambivox.present.text.plain import plain
from ambivox.present.text.table import Footnotes, print_table
from ambivox.scoring import GateResult, RowKey, ScoreTable

_NAMED = 3


def show_scores(
    console: Console,
    scores: ScoreTable,
    *,
    tertiles: bool = False,
    sensitivity: bool = False,
    columns: Sequence[str] = (),
) -> None:
    """Print the score table, of several runs with their differences, on request with skill by ambiguity and
    sensitivity; gaps are explained below."""
    notes = Footnotes()
    for corpus in scores.corpora:
        print_table(console, score_table(scores, corpus, columns=columns), notes)
        further = (
            difference_table(scores, corpus),
            tertiles and tertile_table(scores, corpus),
            sensitivity and sensitivity_table(scores, corpus),
        )
        for table in further:
            if table:
                print_table(console, table, notes, caption=True)
    _show_cautions(console, scores)
    _show_legend(console, scores)
    notes.show(console)
    _show_statuses(console, scores)
    _show_notes(console, scores)


def show_gates(console: Console, results: Sequence[GateResult]) -> None:
    """Print for every gate and readout whether the bound is kept."""
    styles = {"pass": "green", "fail": "red", "undecided": "yellow"}
    for one in results:
        found = f"{number(one.value)} {interval(one.interval)}".strip()
        said = f"gate {one.gate}: {row_name(one.key, model=True)}: {one.verdict} ({found})"
        console.print(plain(said, style=styles[one.verdict]))


def show_grid(console: Console, scores: ScoreTable) -> None:
    """Print one score of every readout and prompt of the clips themselves; skill stands in brackets."""
    notes = Footnotes()
    for corpus in scores.corpora:
        print_table(console, grid_table(scores, corpus), notes)
    console.print(
        plain(f"{scores.headline}, skill against the vote prior in brackets. {control_line(scores)}."),
        style="dim",
    )
    notes.show(console)
    _show_cautions(console, scores)


def _show_cautions(console: Console, scores: ScoreTable) -> None:
    for line in note_lines(scores.cautions):
        console.print(plain(f"caution: {line}", style="yellow"))


def _show_notes(console: Console, scores: ScoreTable) -> None:
    for line in (*note_lines(scores.notes), *map(fitted_line, scores.fitted)):
        console.print(plain(f"note: {line}", style="dim"))


def _show_legend(console: Console, scores: ScoreTable) -> None:
    legend = (
        f"Convention {scores.convention}. failed: readings without a distribution, counted as "
        f"{scores.failed_as}. mass: median probability on the labels. skill: by {scores.headline}, 0 is "
        "the vote prior (in a third: that of the third), 1 perfect. noise ceiling: what true shares score. "
        f"95%: bootstrap-t intervals over {scores.cluster}s. Votes outside the set: {scores.outside}."
    )
    if scores.differences:
        legend += (
            " Δ: a row of a later run less that of the first, on clips of both; p: by Holm's correction."
        )
    console.print(plain(legend, style="dim"))


def _show_statuses(console: Console, scores: ScoreTable) -> None:
    """Of what has other statuses than ok, the counts, and once what has the same."""
    named: dict[str, list[str]] = {}
    for row in scores.rows:
        odd = [(status, n) for status, n in row.statuses.items() if status != "ok"]
        if odd and isinstance(row.key, RowKey):
            named.setdefault(counts(odd), []).append(row_name(row.key, model=True))
    for told, names in named.items():
        console.print(plain(f"{told}: {listed(names, _NAMED)}", style="yellow"))
