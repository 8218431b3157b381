"""The commands on finished runs: ``ambivox score | claims | export``; `pages` draws."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ambivox.choices import ExportFormat, PictureWidth
from ambivox.cli.options import (
    AnyEmotionsOption,
    CalibrationOption,
    ClusterOption,
    ConventionOption,
    CorpusOption,
    CsvOption,
    DevelopmentSpeakersOption,
    FailedAsOption,
    JsonOption,
    MetricOption,
    MetricsOption,
    OutsideOption,
    PartialOption,
    ReadoutOption,
    RunArgument,
    TokenOption,
    TruthOption,
    TruthTableOption,
    complete_columns,
)
from ambivox.cli.output import console, errors, print_json, say
from ambivox.cli.runs import names_in, open_run
from ambivox.errors import UsageError

if TYPE_CHECKING:
    from ambivox.scoring import ScoreTable, ScoringOptions


def score(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN]...", help="The directories that 'ambivox run' wrote; several in one table."
        ),
    ] = None,
    convention: ConventionOption = "ambivox",
    metric: MetricsOption = None,
    outside: OutsideOption = "drop",
    failed_as: FailedAsOption = None,
    readout: ReadoutOption = None,
    truth: TruthOption = "votes",
    truth_table: TruthTableOption = None,
    cluster: ClusterOption = "speaker",
    calibration: CalibrationOption = None,
    development_speakers: DevelopmentSpeakersOption = "",
    tertiles: Annotated[
        bool, typer.Option("--tertiles", help="Add skill on the least, middle and most ambiguous third.")
    ] = False,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity", help="Add how far readings move with the order of options and the prompt."
        ),
    ] = False,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Score distributions made elsewhere (a table, or JSON of a service); may be repeated.",
        ),
    ] = None,
    corpus_path: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The corpus whose votes the predictions are scored against."),
    ] = None,
    corpus: CorpusOption = None,
    emotions: AnyEmotionsOption = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BOUND", help="Ask whether a bound is kept, such as 'vote_ece<0.05'; may be repeated."
        ),
    ] = None,
    grid: Annotated[
        bool,
        typer.Option("--grid", help="Show every reading of the paper's token-level method as one table."),
    ] = False,
    columns: Annotated[
        str,
        typer.Option(
            "--columns",
            metavar="A,B,...",
            help="The columns to show: failed, skill, mass, statuses, 95% or metrics.",
            autocompletion=complete_columns,
        ),
    ] = "",
    differences: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the differences between several runs into this file, .csv or .parquet.",
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE", help="Draw the scores into this file, .svg or .pdf."),
    ] = None,
    figure_width: Annotated[
        PictureWidth, typer.Option(help="How wide it is: one column of a paper, or a page.")
    ] = "column",
    partial: PartialOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    as_latex: Annotated[
        bool, typer.Option("--latex", help="Print LaTeX instead, with the rules of booktabs.")
    ] = False,
) -> None:
    """Score runs against the votes of people.

    The table has controls that heard nothing, and an interval beside each score. Several runs stand in one
    table, with the differences between them on the clips that they share.
    """
    from ambivox.present.figures.paper import write_picture
    from ambivox.present.latex import latex_table
    from ambivox.present.scores import score_table
    from ambivox.present.text.scores import show_gates, show_grid, show_scores
    from ambivox.readouts.grid import grid as readouts_of_grid
    from ambivox.scoring import ScoringOptions, keep_gates, parse_gate
    from ambivox.scoring import score as score_run
    from ambivox.table_file import csv_text, write_table

    gates = [parse_gate(text) for text in gate or ()]
    if as_json + as_csv + as_latex + grid > 1:
        raise UsageError("--json, --csv, --latex and --grid: choose one of them")
    if differences is not None and len(runs or ()) <= 1:
        raise UsageError("--differences: they lie between several runs: give at least two")
    if grid and (readout or calibration):
        raise UsageError("--grid stands alone: leave out --readout and --calibration")
    options = ScoringOptions(
        convention=convention,
        metrics=metric or (),
        outside=outside,
        failed_as=failed_as,
        readouts=readouts_of_grid() if grid else readout,
        calibrations=() if grid else calibration,
        development_speakers=names_in(development_speakers),
        cluster=cluster,
        truth=truth,
        truth_table=truth_table,
    )
    if runs and not predictions and corpus_path is None:
        opened = [open_run(run, partial) for run in runs]
        table = score_run(opened, options, n_processes=os.cpu_count() or 1)
    elif predictions and corpus_path is not None and not runs:
        table = _score_predictions(predictions, corpus_path, corpus, emotions, options)
    else:
        raise UsageError("give a RUN, or --predictions FILE with --corpus-path PATH")
    results = keep_gates(table, gates)
    if differences is not None:
        say(f"wrote {write_table(table.differences_to_arrow(), differences)}")
    if figure is not None:
        say(f"wrote {write_picture(table, figure, figure_width)}")
    if as_json:
        print_json(table.to_dict() | ({"gates": [asdict(one) for one in results]} if gates else {}))
    elif as_csv:
        typer.echo(csv_text(table.to_arrow()), nl=False)
    elif as_latex:
        for name in table.corpora:
            typer.echo(latex_table(score_table(table, name, columns=names_in(columns))))
    elif grid:
        show_grid(console, table)
    else:
        show_scores(console, table, tertiles=tertiles, sensitivity=sensitivity, columns=names_in(columns))
        show_gates(console, results)
    if any(one.verdict != "pass" for one in results):
        raise typer.Exit(1)


def _score_predictions(
    files: list[Path], path: Path, name: str | None, emotions: str | None, options: ScoringOptions
) -> ScoreTable:
    from ambivox.corpora import load_corpus
    from ambivox.corpora.guess import guess_corpus
    from ambivox.emotions import load_emotions
    from ambivox.inspection import default_emotions
    from ambivox.scoring import score_predictions_file

    corpus = load_corpus(name or guess_corpus(path), path)
    chosen = load_emotions(emotions) if emotions else default_emotions(corpus.utterances)
    if chosen is None:
        raise UsageError(f"{path}: no votes to score against: name the labels with --emotions")
    return score_predictions_file(files, corpus, chosen, options)


def claims(
    run: RunArgument,
    metric: MetricOption = "jsd_bits",
    token: TokenOption = None,
    outside: OutsideOption = "drop",
    failed_as: FailedAsOption = None,
    readout: ReadoutOption = None,
    truth: TruthOption = "votes",
    truth_table: TruthTableOption = None,
    cluster: ClusterOption = "speaker",
    margin: Annotated[
        float | None,
        typer.Option(help="The largest difference of the metric that would not matter, such as 0.01."),
    ] = None,
    partial: PartialOption = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Say before a run what will be tested; RUN is the STUDY.yaml."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Test the claims of the field on a run.

    Each claim comes with its effect, an interval and a verdict.
    """
    from ambivox.field_claims import claims as claims_of
    from ambivox.field_claims import plan_claims
    from ambivox.present.text.claims import show_claims
    from ambivox.present.text.plan import show_plan
    from ambivox.scoring import ScoringOptions

    if plan:
        planned = plan_claims(run, metric=metric, cluster=cluster, margin=margin)
        if as_json:
            print_json(planned.to_dict())
        else:
            show_plan(console, planned)
        return

    options = ScoringOptions(
        outside=outside,
        failed_as=failed_as,
        readouts=readout,
        cluster=cluster,
        truth=truth,
        truth_table=truth_table,
    )
    found = claims_of(
        open_run(run, partial),
        options,
        metric=metric,
        token=token,
        margin=margin,
        n_processes=os.cpu_count() or 1,
    )
    if as_json:
        print_json(found.to_dict())
    else:
        show_claims(console, found)


def export(
    run: RunArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The table: FILE.csv, .parquet or .jsonl, or as the format has it.",
        ),
    ],
    export_as: Annotated[
        ExportFormat,
        typer.Option("--as", help="A table, or what tools for annotation and catalogues of data sets read."),
    ] = "table",
    readout: ReadoutOption = None,
    outside: OutsideOption = "drop",
    truth: TruthOption = "votes",
    partial: PartialOption = False,
) -> None:
    """Write every reading of a run as one table.

    One row per clip, prompt and readout, with the votes and the truth where people rated the clip. With
    --as, what was read of the clips for Label Studio (FILE.json) or audformat (a new folder), or a
    description of the records in Croissant (FILE.json).
    """
    from ambivox.scoring import ScoringOptions, export_readings
    from ambivox.scoring.annotations import clip_readings, write_audformat, write_label_studio
    from ambivox.scoring.croissant import write_croissant

    options = ScoringOptions(readouts=readout, outside=outside, truth=truth)
    opened, n_processes = open_run(run, partial), os.cpu_count() or 1
    if export_as == "table":
        path = export_readings(opened, out, options, n_processes=n_processes)
    elif export_as == "croissant":
        path = write_croissant(opened, out)
    else:
        write = write_label_studio if export_as == "label-studio" else write_audformat
        path = write(clip_readings(opened, options, n_processes=n_processes), out)
    errors.print(f"wrote {path}", highlight=False)
