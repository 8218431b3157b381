"""The commands that make runs: ``ambivox run | merge``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ambivox.cli.options import (
    CalibrateOption,
    RunArgument,
)
from ambivox.cli.output import errors, say
from ambivox.errors import AmbivoxError, SomeFailedError

if TYPE_CHECKING:
    pass


def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study to run.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="The directory of the run; runs/NAME by default."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="N/OF", help="Run one of several parts, such as 3/16, each its own process."),
    ] = None,
    calibrate: CalibrateOption = None,
) -> None:
    """Run a study, or resume it.

    The same command goes on with a run that was interrupted.
    """
    from ambivox.present.text.progress import run_progress
    from ambivox.run import Run, load_study, parse_part, run_study

    part = parse_part(shard) if shard is not None else None
    loaded = load_study(study)
    if calibrate is not None:
        loaded = loaded.model_copy(update={"calibrate": calibrate.resolve()})
    folder = out or Path("runs") / study.stem
    with run_progress(errors) as bar:
        try:
            run_study(loaded, folder, report=bar, part=part)
        except KeyboardInterrupt:
            done = f" after {bar.last.done} of {bar.last.total} requests" if bar.last else ""
            raise AmbivoxError(f"interrupted{done}; the same command goes on where it stopped") from None
    assert bar.last is not None
    last, goal = bar.last, folder
    if part:
        folder = part.folder(folder)
    following = f"after the other parts: ambivox merge {goal}" if part else _next(folder)
    say(f"{last.total} records in {folder} ({last.kept} were there, {last.failed} failed); {following}")
    if last.failed:
        first = next(record.error for record in Run(folder).records() if record.error)
        if last.failed == last.total:
            raise AmbivoxError(f"all {last.total} requests failed, the first one with: {first.text}")
        raise SomeFailedError(
            f"{last.failed} of {last.total} requests failed, the first one with: {first.text}"
        )


def merge(run: RunArgument) -> None:
    """Put the parts of a run together.

    The parts are those that 'ambivox run --shard' wrote.
    """
    from ambivox.run import merge_parts

    merged = merge_parts(run)
    done, _ = merged.progress()
    say(f"{done} records in {run}; {_next(run)}")


def _next(folder: Path) -> str:
    """What can be done with a run: there is nothing to score without votes or labels."""
    from ambivox.run import Run
    from ambivox.scoring.truths import truth_at_hand

    truth = truth_at_hand(Run(folder).records())
    if truth is None:
        return "its clips have neither votes nor a label of the emotion set, so there is nothing to score"
    return f"next: ambivox score {folder}" + ("" if truth == "votes" else f" --truth {truth}")
