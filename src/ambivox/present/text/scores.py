"""The score table of a terminal: controls first, then every readout, as many columns as fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambivox.present.notes import note_text
from ambivox.present.text.cells import Footnotes, interval, number, raised
from ambivox.scoring import ScoreRow, ScoreTable, SensitivityScore
from ambivox.scoring.keys import prompt_text, readout_text

HEADLINE_METRICS = ("jsd_bits", "accuracy", "brier_mean", "bhattacharyya", "vote_ece", "entropy_spearman")
"""What the table shows of a convention with many metrics; the JSON has all."""
_SPACE = 2


@dataclass(frozen=True)
class _Column:
    title: str
    cell: Callable[[ScoreRow, Footnotes], str | Text]
    rank: int
    """The columns of the highest ranks are left out first where the terminal is narrow."""


def show_scores(
    console: Console, table: ScoreTable, *, tertiles: bool = False, sensitivity: bool = False
) -> None:
    """Print the score table, on request with skill by ambiguity and sensitivity; gaps are explained below."""
    notes = Footnotes()
    groups: dict[tuple[str, str], list[ScoreRow]] = {}
    for row in table.rows:
        groups.setdefault((row.corpus, row.model), []).append(row)
    for (corpus, model), rows in groups.items():
        ordered = _controls_below_readouts(rows)
        title = f"{corpus}: {model or 'controls without a model'}"
        _print_grid(console, title, ordered, _score_columns(table), notes)
        if tertiles and any(row.tertiles for row in rows):
            columns = _tertile_columns(ordered, table)
            _print_grid(console, f"{corpus}: {model}, by ambiguity", ordered, columns, notes)
        if sensitivity:
            _show_sensitivity(console, corpus, model, table.sensitivities, notes)
    for caution in table.cautions:
        console.print(Text(f"caution: {note_text(caution)}"), style="yellow")
    _show_legend(console, table)
    for place, reason in enumerate(notes.reasons):
        console.print(Text(f"{raised(place + 1)} {reason}"), style="dim")
    _show_statuses(console, table)
    for note in table.notes:
        console.print(Text(f"note: {note_text(note)}"), style="dim")


def _controls_below_readouts(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """By prompt and readout, the row that heard the clips first, then what it is compared with."""
    places = {key: place for place, key in enumerate(dict.fromkeys((r.prompt, r.readout) for r in rows))}
    prompts = {prompt: place for place, prompt in enumerate(dict.fromkeys(r.prompt for r in rows))}
    return sorted(rows, key=lambda r: (prompts[r.prompt], places[r.prompt, r.readout], r.control != "clip"))


def _score_columns(table: ScoreTable) -> list[_Column]:
    headline = [name for name in HEADLINE_METRICS if name in table.metrics] or list(table.metrics)
    metrics = dict.fromkeys([*table.asked_for, *headline])
    first, *others = metrics
    return [
        _Column("failed", _failed, 1),
        _Column("mass", lambda row, notes: "" if row.mass is None else f"{row.mass:.2g}", 5),
        _Column(first, lambda row, notes: _score(row, first, notes), 0),
        _Column("95%", lambda row, notes: interval(row.intervals.get(first), notes), 4),
        _Column("skill", lambda row, notes: number(row.skill.get(first), signed=True), 2),
        _Column("95%", lambda row, notes: interval(row.skill_intervals.get(first), notes, signed=True), 3),
        *(column for place, name in enumerate(others) for column in _score_and_interval(name, 6 + place)),
    ]


def _score_and_interval(name: str, rank: int) -> tuple[_Column, _Column]:
    """The intervals of all but the first metric stand only where there is room after all scores."""
    return (
        _Column(name, lambda row, notes: _score(row, name, notes), rank),
        _Column("95%", lambda row, notes: interval(row.intervals.get(name), notes), rank + 100),
    )


def _tertile_columns(rows: Sequence[ScoreRow], table: ScoreTable) -> list[_Column]:
    names = next([third.tertile for third in row.tertiles] for row in rows if row.tertiles)
    columns, metric = [], table.tertile_metric
    for n, name in enumerate(names):
        title = f"{name}: {metric}"
        columns += [
            _Column(title, lambda row, notes, n=n: _third_score(row, n, notes), n),  # type: ignore[misc]
            _Column("skill", lambda row, notes, n=n: _third_skill(row, n), 3 + n),  # type: ignore[misc]
            _Column("95%", lambda row, notes, n=n: _third_interval(row, n, notes), 6 + n),  # type: ignore[misc]
        ]
    return columns


def _score(row: ScoreRow, name: str, notes: Footnotes) -> str:
    score = row.scores.get(name)
    if score is None or score.value != score.value:
        reason = row.reasons.get(name)
        return notes.mark(row.reason or (reason and f"{name}: {reason.text}"))
    return number(score.value)


def _third_score(row: ScoreRow, n: int, notes: Footnotes) -> str:
    if not row.tertiles:
        return notes.mark(row.reason)
    third = row.tertiles[n]
    return notes.mark(third.reason) if third.reason else number(third.score)


def _third_skill(row: ScoreRow, n: int) -> str:
    if not row.tertiles or row.tertiles[n].reason:
        return ""
    return number(row.tertiles[n].skill.estimate, signed=True)


def _third_interval(row: ScoreRow, n: int, notes: Footnotes) -> str:
    if not row.tertiles or row.tertiles[n].reason:
        return ""
    return interval(row.tertiles[n].skill, notes, signed=True)


def _print_grid(
    console: Console,
    title: str,
    rows: Sequence[ScoreRow],
    columns: Sequence[_Column],
    notes: Footnotes,
) -> None:
    """One line per row, indented under its prompt; columns of the highest rank go where there is no room."""
    names = [_name(row) for row in rows]
    trial = Footnotes()  # only what is shown has its reason told
    width = {
        column: max(len(column.title), *(len(column.cell(row, trial)) for row in rows)) + _SPACE
        for column in columns
    }
    first = max(map(len, [title, *names])) + _SPACE
    shown = sorted(columns, key=lambda column: column.rank)
    while len(shown) > 1 and first + sum(width[column] for column in shown) > console.width:
        shown.pop()
    kept = [column for column in columns if column in shown]
    grid = Table(box=None, pad_edge=False, padding=(0, _SPACE, 0, 0), header_style="bold")
    grid.add_column(title, no_wrap=True)
    for column in kept:
        grid.add_column(column.title, justify="right", no_wrap=True)
    for n, row in enumerate(rows):
        if row.prompt and (n == 0 or rows[n - 1].prompt != row.prompt):
            grid.add_row(Text(row.prompt, style="bold"))
        style = "dim" if row.level != "control" and row.control != "clip" else ""
        grid.add_row(Text(names[n]), *(column.cell(row, notes) for column in kept), style=style)
    console.print(grid)
    console.print()


def _name(row: ScoreRow) -> str:
    if row.level == "control":
        return str(row.readout)
    return (
        f"  {row.readout}" if row.control == "clip" else f"    hearing {_HEARD.get(row.control, row.control)}"
    )


_HEARD = {
    "swapped": "another clip",
    "no-audio": "nothing",
    "transcript-only": "nothing, reading the words",
}


def _failed(row: ScoreRow, notes: Footnotes) -> Text:
    return Text(f"{row.failed}/{row.utterances}", style="yellow" if row.failed else "")


def _show_sensitivity(
    console: Console, corpus: str, model: str, sensitivities: Sequence[SensitivityScore], notes: Footnotes
) -> None:
    rows = [row for row in sensitivities if (row.key.corpus, row.key.model) == (corpus, model)]
    if not rows:
        return
    grid = Table(box=None, pad_edge=False, padding=(0, _SPACE, 0, 0), header_style="bold")
    grid.add_column(f"{corpus}: {model}, sensitivity over", no_wrap=True)
    for title in ("of mean", "of single", "reliability", "compared"):
        grid.add_column(title, justify="right", no_wrap=True)
    last = ""
    for row in rows:
        over = f"{row.over}, {prompt_text(row.key)}" if row.key.prompt else row.over
        if over != last:
            grid.add_row(Text(over, style="bold"))
        last, name = over, f"  {readout_text(row.key)}"
        if row.reason:
            grid.add_row(Text(name), notes.mark(row.reason))
        else:
            spreads_ = (number(row.of_mean), number(row.of_single), number(row.reliability))
            grid.add_row(Text(name), *spreads_, f"{row.conditions} x {row.clips}")
    console.print(grid)
    console.print()


def _show_legend(console: Console, table: ScoreTable) -> None:
    console.print(
        f"Convention {table.convention}. failed: readings without a distribution, counted as "
        f"{table.failed_as}. mass: median probability on the labels. skill: by {table.metrics[0]}, 0 is "
        "the vote prior (in a third: that of the third), 1 perfect. noise ceiling: what true shares score. "
        f"95%: bootstrap-t intervals over {table.cluster}s. Votes outside the set: {table.outside}.",
        style="dim",
    )


def _show_statuses(console: Console, table: ScoreTable) -> None:
    for row in table.rows:
        odd = {status: n for status, n in row.statuses.items() if status != "ok"}
        if odd and row.level != "control":
            counts = ", ".join(f"{n} {status}" for status, n in odd.items())
            heard = "" if row.control == "clip" else f", {row.control}"
            console.print(Text(f"{row.model}{heard}, {row.prompt}, {row.readout}: {counts}"), style="yellow")
