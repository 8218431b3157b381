"""How things look in a terminal: bars of distributions, the score table, progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ambivox.readouts import Reading, load_readout
from ambivox.studies import ClipReading, ScoreRow, ScoreTable
from ambivox.studies import Progress as RunProgress

if TYPE_CHECKING:  # it needs torch
    from ambivox.finetune.trainer import Progress as TrainProgress

BAR_WIDTH = 20
LOW_MASS = 0.01
"""Below this probability on the labels a token-level reading deserves a word of caution."""

HEADLINE_METRICS = ("jsd_bits", "accuracy", "brier_mean", "bhattacharyya", "vote_ece", "entropy_spearman")
"""What the table shows of a convention with many metrics; the JSON has all."""


def show_reading(console: Console, result: ClipReading) -> None:
    """Draw the text-level and the token-level distribution of a clip side by side."""
    record = result.record
    console.print(Text(Path(record.clip).name, style="bold"), Text(f"{record.duration_s:.1f} s", style="dim"))
    console.print(Text(f"{record.model}, prompt {record.prompt}, said: "), Text(repr(record.text or "")))
    levels = {level: _first_of(level, result.readings) for level in ("text", "token")}
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for level, name in levels.items():
        table.add_column(f"{level} level: {name or 'no readout for this prompt'}", no_wrap=True)
    for n, label in enumerate(record.labels):
        cells = [_bar(result.readings.get(name or ""), n) for name in levels.values()]
        table.add_row(label, *cells)
    console.print(table)
    for name, reading in result.readings.items():
        if name in levels.values():
            _show_caution(console, name, reading)
    console.print()


def _first_of(level: str, readings: Mapping[str, Reading]) -> str | None:
    return next((name for name in readings if load_readout(name).level == level), None)


def _bar(reading: Reading | None, n: int) -> Text:
    if reading is None:
        return Text("")
    if reading.distribution is None:
        return Text(reading.status if n == 0 else "", style="yellow")
    share = float(reading.distribution[n])
    filled = "█" * round(share * BAR_WIDTH)
    return Text(f"{filled:<{BAR_WIDTH}} {share:6.1%}  ")


def _show_caution(console: Console, name: str, reading: Reading) -> None:
    if reading.status != "ok":
        console.print(Text(f"{name}: {reading.status} ({reading.note})", style="yellow"))
    elif reading.mass is not None and reading.mass < LOW_MASS:
        said = "less than 0.01%" if reading.mass < 1e-4 else f"{reading.mass:.2%}"
        console.print(
            Text(
                f"{name}: the labels hold {said} of the probability here; the prompt 'word' asks for a label"
            ),
            style="yellow",
        )


def show_scores(console: Console, table: ScoreTable) -> None:
    """Print the score table: controls first, then every readout; what was left out stands below."""
    groups: dict[tuple[str, str, str], list[ScoreRow]] = {}
    for row in table.rows:
        groups.setdefault((row.corpus, row.model, row.heard), []).append(row)
    for (corpus, model, heard), rows in groups.items():
        title = f"{corpus}: {model or 'controls that heard nothing'}{'' if heard == 'none' else f', {heard}'}"
        console.print(_score_grid(console, table, title, rows))
        console.print()
    console.print(
        f"Convention {table.convention}. failed: readings without a distribution, counted as "
        f"{table.failed_as}. mass: median probability on the labels. skill: by {table.metrics[0]}, 0 is the "
        f"vote prior, 1 perfect. Votes outside the set: {table.outside}.",
        style="dim",
    )
    for row in table.rows:
        odd = {status: n for status, n in row.statuses.items() if status != "ok"}
        if odd and row.level != "control":
            counts = ", ".join(f"{n} {status}" for status, n in odd.items())
            console.print(Text(f"{row.model}, {row.prompt}, {row.readout}: {counts}"), style="yellow")
    for note in table.notes:
        console.print(Text(f"note: {note}"), style="dim")


def _score_grid(console: Console, table: ScoreTable, title: str, rows: list[ScoreRow]) -> Table:
    """One line per readout, indented under its prompt; as many metrics as fit the width."""
    names = [_readout_name(row) for row in rows]
    failed = [_failed_cell(row) for row in rows]
    metrics = [name for name in HEADLINE_METRICS if name in table.metrics] or list(table.metrics)
    first_width = max(map(len, [title, *names]))
    room = console.width - first_width - max(map(len, failed)) - len("mass    skill    ")
    while len(metrics) > 1 and sum(max(len(name), 6) + 2 for name in metrics) > room:
        metrics.pop()
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column(title, no_wrap=True)
    for column in ("failed", "mass", metrics[0], "skill", *metrics[1:]):
        grid.add_column(column, justify="right", no_wrap=True)
    for row, name, failure, previous in zip(rows, names, failed, [None, *rows], strict=False):
        if row.prompt and (previous is None or previous.prompt != row.prompt):
            grid.add_row(Text(row.prompt, style="bold"))
        values = [_number(score.value if (score := row.scores.get(m)) else None) for m in metrics]
        mass = "" if row.mass is None else f"{row.mass:.2g}"
        skill = _number(row.skill.get(metrics[0]), signed=True)
        grid.add_row(Text(name), failure, mass, values[0], skill, *values[1:])
    return grid


def _readout_name(row: ScoreRow) -> str:
    return row.readout if row.level == "control" else f"  {row.readout}"


def _failed_cell(row: ScoreRow) -> Text:
    return Text(f"{row.failed}/{row.utterances}", style="yellow" if row.failed else "")


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None or not isfinite(value):
        return "–" if value is None or value != value else "inf"
    return f"{value:+.3f}" if signed else f"{value:.3f}"


@contextmanager
def run_progress(console: Console) -> Iterator[RunProgressBar]:
    """A progress bar with rate and time left, gone when done."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        yield RunProgressBar(bar)


class RunProgressBar:
    """Turns the progress of a run into a bar; the rate counts what was asked now, not what was kept."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("loading", total=None, pace="")
        self.started_s: float | None = None
        self.last: RunProgress | None = None

    def __call__(self, progress: RunProgress) -> None:
        """Show how far the run is."""
        now_s = time.monotonic()
        if self.started_s is None:
            self.started_s = now_s
        self.last = progress
        asked = progress.done - progress.kept
        pace = ""
        if asked and now_s > self.started_s:
            per_s = asked / (now_s - self.started_s)
            left_s = (progress.total - progress.done) / per_s
            pace = f"{per_s:.1f}/s, {_clock(left_s)} left"
        if progress.failed:
            pace += f", {progress.failed} failed"
        self.bar.update(
            self.task, description="asking", completed=progress.done, total=progress.total, pace=pace
        )


@contextmanager
def train_progress(console: Console) -> Iterator[Callable[[TrainProgress], None]]:
    """A progress bar of a training with its loss and its score on development speakers, gone when done."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[found]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("training", total=None, found="")

    def show(progress: TrainProgress) -> None:
        named = (("loss", progress.loss), ("development jsd_bits", progress.jsd_bits))
        found = ", ".join(f"{name} {value:.3f}" for name, value in named if value is not None)
        bar.update(task, completed=progress.step, total=progress.total, found=found)

    with bar:
        yield show


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
