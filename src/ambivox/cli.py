"""The command line: ``ambivox read | run | score | report | check | train`` and the listings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import ambivox
from ambivox.cli_corpora import app as corpora_app
from ambivox.errors import AmbivoxError, UsageError

app = typer.Typer(
    name="ambivox",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(corpora_app, name="corpora")

# A pipe or a file has no width of its own: rich would take 80 columns and fold the tables.
_width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
console = Console(width=_width)
errors = Console(stderr=True)

ModelOption = Annotated[str, typer.Option("--model", "-m", help="mini, a folder, or a hub name org/name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a drawing.")]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """What emotions a voice carries when people themselves disagree about it."""
    if version:
        typer.echo(f"ambivox {ambivox.__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def read(
    clips: Annotated[list[str], typer.Argument(metavar="CLIP...", help="Sound files.")],
    model: ModelOption = "mini",
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="A prompt by name, or a YAML file.")
    ] = "dictionary",
    emotions: Annotated[
        str, typer.Option("--emotions", "-e", help="An emotion set, or a YAML file.")
    ] = "cremad6",
    readout: Annotated[
        list[str] | None, typer.Option(help="A readout, such as 'mean(value=logit)'; may be repeated.")
    ] = None,
    start: Annotated[float | None, typer.Option(help="Where the segment starts, in seconds.")] = None,
    end: Annotated[float | None, typer.Option(help="Where the segment ends, in seconds.")] = None,
    order_seed: Annotated[int | None, typer.Option(help="Permute the options with this seed.")] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that the model's repository brings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask a model what emotions clips carry, from its text and from its logits."""
    from ambivox.models import load_model
    from ambivox.readouts import DEFAULT_READOUTS, load_readouts
    from ambivox.studies import read as read_clip
    from ambivox.terminal import show_reading

    load_readouts(readout or DEFAULT_READOUTS)  # a misspelt name should not wait for the model to load
    speech_model = load_model(model, **({"trust_remote_code": True} if trust_remote_code else {}))
    failed = False
    for clip in clips:
        try:
            result = read_clip(
                clip,
                speech_model,
                prompt=prompt,
                emotions=emotions,
                readouts=readout or DEFAULT_READOUTS,
                start_s=start,
                end_s=end,
                order_seed=order_seed,
            )
        except AmbivoxError as error:
            if error.exit_code == 2:
                raise
            failed = True
            _say_error(error)
            if as_json:
                print_json({"clip": clip, "error": str(error)})
            continue
        if as_json:
            print_json({"clip": clip} | _reading_as_dict(result))
        else:
            show_reading(console, result)
    if failed:
        raise typer.Exit(1)


@app.command()
def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study to run.")],
    out: Annotated[
        Path | None, typer.Option(help="Directory of the run; runs/<name of the study> by default.")
    ] = None,
) -> None:
    """Run a study, or go on with one that was interrupted."""
    from ambivox.studies import load_study, run_study
    from ambivox.terminal import run_progress

    loaded = load_study(study)
    folder = out or Path("runs") / study.stem
    with run_progress(errors) as bar:
        try:
            run_study(loaded, folder, report=bar)
        except KeyboardInterrupt:
            done = f" after {bar.last.done} of {bar.last.total} requests" if bar.last else ""
            raise AmbivoxError(f"interrupted{done}; the same command goes on where it stopped") from None
    assert bar.last is not None
    last = bar.last
    errors.print(
        f"{last.total} records in {folder} ({last.kept} were there, {last.failed} failed); "
        f"next: ambivox score {folder}",
        highlight=False,
    )
    if last.failed == last.total:
        first = next(record for record in _records(folder) if record.error)
        raise AmbivoxError(f"all {last.total} requests failed, the first one with: {first.error}")


@app.command()
def score(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that 'ambivox run' wrote.")],
    convention: Annotated[
        str, typer.Option("--convention", "-c", help="How to score: see ambivox metrics.")
    ] = "ambivox",
    outside: Annotated[
        str, typer.Option(help="Votes outside the set: drop, other or exclude-utterance.")
    ] = "drop",
    failed: Annotated[
        str | None, typer.Option(help="Failed readings count as: excluded, uniform or neutral.")
    ] = None,
    readout: Annotated[
        list[str] | None, typer.Option(help="A readout in place of the study's; may be repeated.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Score against a table of 'ambivox corpora inspect --truth METHOD --table'."),
    ] = None,
    cluster: Annotated[
        str,
        typer.Option(help="What intervals take for independent: speaker, or dialogue or clip of just these."),
    ] = "speaker",
    tertiles: Annotated[
        bool, typer.Option("--tertiles", help="Also skill on the least, middle and most ambiguous third.")
    ] = False,
    spread: Annotated[
        bool, typer.Option("--spread", help="Also how far readings move with option order and prompt.")
    ] = False,
    calibrate: Annotated[
        list[str] | None, typer.Option(help="A calibration, see ambivox calibrations; may be repeated.")
    ] = None,
    development_speakers: Annotated[
        str,
        typer.Option(help="Fit calibrations to A,B,... and do not score them; else to folds of speakers."),
    ] = "",
    grid: Annotated[
        bool, typer.Option("--grid", help="All readings of the paper's token-level method, as one table.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Score a run against the human votes, with controls and intervals beside it."""
    from ambivox.readouts.grid import grid as readouts_of_grid
    from ambivox.studies import score as score_run
    from ambivox.terminal import show_grid, show_scores

    if grid and (readout or calibrate):
        raise UsageError("--grid stands alone: leave out --readout and --calibrate")

    table = score_run(
        run,
        convention=convention,
        outside=outside,  # type: ignore[arg-type]
        failed_as=failed,  # type: ignore[arg-type]
        readouts=readouts_of_grid() if grid else readout,
        calibrations=calibrate,
        development_speakers=[name.strip() for name in development_speakers.split(",") if name.strip()],
        cluster=cluster,  # type: ignore[arg-type]
        n_processes=os.cpu_count() or 1,
        truth=truth,
    )
    if as_json:
        print_json(table.to_dict())
    elif grid:
        show_grid(console, table)
    else:
        show_scores(console, table, tertiles=tertiles, spread=spread)


@app.command()
def findings(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that 'ambivox run' wrote.")],
    metric: Annotated[str, typer.Option(help="A metric with a value per utterance.")] = "jsd_bits",
    token: Annotated[
        str | None, typer.Option(help="The token-level readout, in place of the one that suits each prompt.")
    ] = None,
    outside: Annotated[
        str, typer.Option(help="Votes outside the set: drop, other or exclude-utterance.")
    ] = "drop",
    failed: Annotated[
        str, typer.Option(help="Failed readings count as: excluded, uniform or neutral.")
    ] = "uniform",
    cluster: Annotated[
        str, typer.Option(help="What tests take for independent: speaker, or dialogue or clip of just these.")
    ] = "speaker",
    as_json: JsonOption = False,
) -> None:
    """Put the claims of the field to the test: effect, interval and verdict of each."""
    from ambivox.claims import find
    from ambivox.terminal import show_findings

    found = find(
        run,
        metric=metric,
        token=token,
        outside=outside,  # type: ignore[arg-type]
        failed_as=failed,  # type: ignore[arg-type]
        cluster=cluster,  # type: ignore[arg-type]
        n_processes=os.cpu_count() or 1,
    )
    if as_json:
        print_json(found.to_dict())
    else:
        show_findings(console, found)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory that 'ambivox run' wrote.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The page; RUN/report.html by default.")
    ] = None,
    convention: Annotated[str, typer.Option("--convention", "-c", help="How to score.")] = "ambivox",
) -> None:
    """Write the scores of a run as one HTML page with pictures."""
    from ambivox.report import write_report

    path = write_report(run, out or run / "report.html", convention=convention)
    errors.print(f"wrote {path}", highlight=False)


@app.command()
def check(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="mini, a folder, or a hub name.")],
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that the model's repository brings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Test that a model hears the clip and that its numbers can be trusted."""
    from ambivox.models import load_model
    from ambivox.models.check import check_model

    checks = check_model(load_model(model, **({"trust_remote_code": True} if trust_remote_code else {})))
    if as_json:
        print_json(
            {
                "model": model,
                "checks": [
                    {"name": c.name, "passed": c.passed, "caution": c.caution, "detail": c.detail}
                    for c in checks
                ],
            }
        )
    else:
        _print_table(
            ("", "check", "detail"),
            (("caution" if c.caution else "ok" if c.passed else "FAILED", c.name, c.detail) for c in checks),
        )
    if not all(c.passed for c in checks):
        raise typer.Exit(1)


@app.command()
def train(
    training: Annotated[Path, typer.Argument(metavar="TRAIN.yaml", help="What to train on what.")],
    out: Annotated[
        Path | None, typer.Option(help="Directory of the training; runs/<name of the file> by default.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would take, and train nothing.")
    ] = False,
    tflops: Annotated[float, typer.Option(help="What a device sustains, for --estimate.", min=1e-6)] = 100.0,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a model on votes, or go on with a training that was interrupted."""
    from ambivox.finetune import estimate_training, load_training, train_on_votes
    from ambivox.terminal import show_estimate, train_progress

    config = load_training(training)
    if estimate:
        found = estimate_training(config)
        if as_json:
            print_json(asdict(found) | {"hours": found.hours(tflops * 1e12)})
        else:
            show_estimate(console, found, tflops)
        return
    with train_progress(errors) as bar:
        folder = train_on_votes(config, out or Path("runs") / training.stem, report=bar)
    errors.print(f"wrote {folder}; next: ambivox read CLIP --model {folder}", highlight=False)


@app.command()
def bench(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="mini, a folder, or a hub name.")] = "mini",
    clips: Annotated[int, typer.Option(help="How many clips, made for the purpose, of 1 to 6 s.")] = 8,
    prompts: Annotated[int, typer.Option(help="How many prompts on each clip.")] = 8,
    new_tokens: Annotated[int, typer.Option(help="How long answers may be.")] = 48,
    repeats: Annotated[int, typer.Option(help="How often everything is measured, in turn.")] = 3,
    growth: Annotated[
        bool, typer.Option(help="Also measure growth with prompts, labels, seconds and clips.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast a model answers here, beside plain ways to ask and the least it has to cost."""
    from ambivox.bench import Plan, show
    from ambivox.bench import bench as measure
    from ambivox.models import load_model

    plan = Plan(clips, prompts, new_tokens, repeats, slow_clips=min(2, clips), growth=growth)
    result = measure(load_model(model), plan, say=lambda line: errors.print(line, highlight=False))  # type: ignore[arg-type]
    if as_json:
        print_json(result)
    else:
        typer.echo(show(result), nl=False)


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models and engines."""
    from ambivox.models import MODELS

    rows = [(name, _first_line(MODELS[name].__doc__)) for name in MODELS]
    show_list(("model", "what it is"), rows, as_json)


@app.command()
def prompts(as_json: JsonOption = False) -> None:
    """List the prompts."""
    from ambivox.prompts import PROMPTS

    rows = [
        (name, PROMPTS[name].version, PROMPTS[name].format, PROMPTS[name].description) for name in PROMPTS
    ]
    show_list(("prompt", "version", "format", "what it asks for"), rows, as_json)


@app.command()
def emotions(as_json: JsonOption = False) -> None:
    """List the emotion sets."""
    from ambivox.emotions import emotion_sets, load_emotions

    show_list(
        ("emotion set", "labels"), [(n, ", ".join(load_emotions(n).labels)) for n in emotion_sets()], as_json
    )


@app.command()
def readouts(as_json: JsonOption = False) -> None:
    """List the readouts."""
    from ambivox.readouts import READOUTS

    rows = [
        (
            name,
            READOUTS[name].level,
            ", ".join(READOUTS[name].formats or ("all",)),
            READOUTS[name].description,
        )
        for name in READOUTS
    ]
    show_list(("readout", "level", "answer formats", "what it is"), rows, as_json)


@app.command()
def calibrations(as_json: JsonOption = False) -> None:
    """List the calibrations."""
    from ambivox.calibration import CALIBRATIONS

    found = [CALIBRATIONS[name] for name in CALIBRATIONS]
    rows = [(c.name, "votes" if c.fit else ", ".join(c.controls) or "nothing", c.description) for c in found]
    show_list(("calibration", "needs", "what it does"), rows, as_json)


@app.command()
def metrics(as_json: JsonOption = False) -> None:
    """List the metrics and the published conventions."""
    from ambivox.metrics import CONVENTIONS, METRICS

    better = {True: "lower", False: "higher"}
    rows = [
        (m.name, m.unit, better[m.lower_is_better], m.description)
        for m in (METRICS[name] for name in METRICS)
    ]
    if as_json:
        conventions = {name: CONVENTIONS[name].source for name in CONVENTIONS}
        print_json({"metrics": [row[0] for row in rows], "conventions": conventions})
        return
    _print_table(("metric", "unit", "better", "what it is"), rows)
    _print_table(
        ("convention", "source", "metrics"),
        [
            (name, CONVENTIONS[name].source, ", ".join(m.name for m in CONVENTIONS[name].metrics))
            for name in CONVENTIONS
        ],
    )


def main() -> None:
    """Run the command line: one line for every error of the user's, exit code 2 (usage) or 1 (failure)."""
    try:
        code = app(standalone_mode=False)
    except AmbivoxError as error:
        _say_error(error)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say_error("interrupted")
        code = 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; Python would complain at exit
        code = 1
    except Exception as error:
        # Typer's own errors (a missing argument, an unknown option); their class moved between its versions.
        if not hasattr(error, "format_message"):
            raise
        _say_error(f"{error.format_message()} (see --help)")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _records(folder: Path) -> Iterable[Any]:
    from ambivox.studies import Run

    return Run(folder).records()


def _reading_as_dict(result: Any) -> dict[str, Any]:
    record = result.record
    return {
        "model": record.model,
        "prompt": record.prompt,
        "text": record.text,
        "finish": record.finish,
        "labels": list(record.labels),
        "order": [record.labels[n] for n in record.order],
        "readouts": {
            name: {
                "status": reading.status,
                "distribution": None
                if reading.distribution is None
                else dict(zip(record.labels, map(float, reading.distribution), strict=True)),
                "note": reading.note,
                "mass": reading.mass,
            }
            for name, reading in result.readings.items()
        },
    }


def show_list(columns: tuple[str, ...], rows: list[tuple[Any, ...]], as_json: bool) -> None:
    """Print a listing as a table or as JSON."""
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        _print_table(columns, rows)


def _print_table(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, header_style="bold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)


def print_json(value: object) -> None:
    """Print one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


def _say_error(error: object) -> None:
    typer.echo(f"error: {' '.join(str(error).split())}", err=True)
