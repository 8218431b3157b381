"""How far a run is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ambivox.run import Progress as RunProgress

if TYPE_CHECKING:  # it needs torch
    from ambivox.finetuning.trainer import Progress as TrainProgress


LINE_EVERY_S = 30.0
"""Without a terminal a bar has no place: a log gets a line so often."""


@contextmanager
def run_progress(console: Console) -> Iterator[RunProgressBar]:
    """A progress bar with rate and time left, gone when done; lines where there is no terminal."""
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
        yield RunProgressBar(bar, console)


class RunProgressBar:
    """Turns progress into a bar or lines; the rate counts what was asked now, not what was kept."""

    def __init__(self, bar: Progress, console: Console) -> None:
        self.bar, self.console = bar, console
        self.task = bar.add_task("loading", total=None, pace="")
        self.started_s: float | None = None
        self.said_s: float | None = None
        self.last: RunProgress | None = None

    def __call__(self, progress: RunProgress) -> None:
        """Show how far the run is."""
        now_s = time.monotonic()
        if self.started_s is None or self.said_s is None:
            self.started_s = self.said_s = now_s
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
        if not self.console.is_terminal and now_s - self.said_s >= LINE_EVERY_S:
            self.said_s = now_s
            self.console.print(f"{progress.done} of {progress.total}, {pace}", soft_wrap=True)


@contextmanager
def finetune_progress(console: Console) -> Iterator[Callable[[TrainProgress], None]]:
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
