"""The commands that make runs: ``ambivox run | merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ambivox.choices import Engine
from ambivox.cli.options import CalibrateOption, RunArgument
from ambivox.cli.output import errors, say
from ambivox.errors import AmbivoxError, SomeFailedError, UsageError
from ambivox.location import location


def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study to run.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="The directory of the run, or s3://BUCKET/RUN; runs/NAME by default.",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="N/OF", help="Run one of several parts, such as 3/16, each its own process."),
    ] = None,
    calibrate: CalibrateOption = None,
    engine: Annotated[Engine, typer.Option(help="Run in this process, or on a Ray cluster.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="The cluster, or auto for the one here; by default a new one."
        ),
    ] = None,
    actors: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes hold the model; by default all that fit."),
    ] = None,
    gpus_per_actor: Annotated[
        float, typer.Option(min=0, help="GPUs of each of these processes; a fraction lets several share one.")
    ] = 0,
) -> None:
    """Run a study, or resume it.

    The same command goes on with a run that was interrupted.
    """
    from ambivox.present.text.progress import run_progress
    from ambivox.run import Actors, Run, load_study, parse_part, run_on_ray, run_study

    part = parse_part(shard) if shard is not None else None
    on_ray = Actors(address, actors, gpus_per_actor)
    if part and engine == "ray":
        raise UsageError("--shard: a cluster cuts the study into parts itself; leave it out")
    if engine == "local" and on_ray != Actors():
        raise UsageError("--address, --actors and --gpus-per-actor are for --engine ray")
    loaded = load_study(study)
    if calibrate is not None:
        loaded = loaded.model_copy(update={"calibrate": calibrate.resolve()})
    folder = location(out or Path("runs") / study.stem)
    with run_progress(errors) as bar:
        try:
            if engine == "ray":
                run_on_ray(loaded, folder, on_ray, report=bar)
            else:
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
    say(f"{done} records in {merged.folder}; {_next(merged.folder)}")


def _next(folder: Path) -> str:
    """What can be done with a run: there is nothing to score without votes or labels."""
    from ambivox.run import Run
    from ambivox.scoring.truths import truth_at_hand

    truth = truth_at_hand(Run(folder).records())
    if truth is None:
        return "its clips have neither votes nor a label of the emotion set, so there is nothing to score"
    return f"next: ambivox score {folder}" + ("" if truth == "votes" else f" --truth {truth}")
