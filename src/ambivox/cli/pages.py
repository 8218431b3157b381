"""What is drawn of finished runs: ``ambivox report | figures``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ambivox.cli.options import (
    AudioOption,
    CalibrationOption,
    ClusterOption,
    ConventionOption,
    DevelopmentSpeakersOption,
    FailedAsOption,
    MetricsOption,
    OutsideOption,
    PartialOption,
    ReadoutOption,
    RunsArgument,
    TruthOption,
    TruthTableOption,
)
from ambivox.cli.output import say
from ambivox.cli.runs import names_in, open_run
from ambivox.errors import UsageError
from ambivox.location import location


def report(
    runs: RunsArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The page; of one run RUN/report.html by default."),
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
    audio: AudioOption = "link",
    partial: PartialOption = False,
) -> None:
    """Write the scores of runs as an HTML page.

    With the claims, and every clip to look at and to hear; several runs stand side by side.
    """
    from ambivox.present.html import write_report
    from ambivox.scoring import ScoringOptions

    options = ScoringOptions(
        convention=convention,
        metrics=metric or (),
        outside=outside,
        failed_as=failed_as,
        readouts=readout,
        calibrations=calibration,
        development_speakers=names_in(development_speakers),
        cluster=cluster,
        truth=truth,
        truth_table=truth_table,
    )
    if out is None and len(runs) > 1:
        raise UsageError("several runs: name the page with --out FILE.html")
    page = location(out or location(runs[0]) / "report.html")
    path = write_report([open_run(run, partial) for run in runs], page, options, audio=audio)
    say(f"wrote {path}")


def figures(
    runs: RunsArgument,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="The folder to write into, which is made."),
    ],
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
    partial: PartialOption = False,
) -> None:
    """Draw the figures of a paper.

    Claims, scores between vote prior and noise ceiling, thirds of ambiguity, sensitivity, calibration and
    layers, each as SVG and PDF, 85 mm wide for one column and 178 mm for two, with figures.tex to include
    them.
    """
    from ambivox.present.figures.paper import write_figures
    from ambivox.scoring import ScoringOptions, read_run

    options = ScoringOptions(
        convention=convention,
        metrics=metric or (),
        outside=outside,
        failed_as=failed_as,
        readouts=readout,
        calibrations=calibration,
        development_speakers=names_in(development_speakers),
        cluster=cluster,
        truth=truth,
        truth_table=truth_table,
    )
    n_processes = os.cpu_count() or 1
    readings = [read_run(open_run(run, partial), options, n_processes=n_processes) for run in runs]
    written = write_figures(readings, out)
    say(f"wrote {len(written)} files into {out}: include {written[-1].name}")
