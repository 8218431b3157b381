"""Write the report: everything in one HTML file that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ambivox.choices import ClipSound
from ambivox.field_claims import RunClaims, claims_of_readings
from ambivox.location import location
from ambivox.present.claims import claims_table
from ambivox.present.differences import difference_table
from ambivox.present.figures.of_claims import claim_figure
from ambivox.present.figures.of_readings import (
    Named,
    calibration_figure,
    entropy_figure,
    status_figure,
)
from ambivox.present.figures.of_scores import (
    layer_figure,
    score_figure,
    sensitivity_figure,
    tertile_figure,
)
from ambivox.present.figures.standard import named
from ambivox.present.html.again import commands, do_again
from ambivox.present.html.clips import CLIP_LEGEND, clip_browser
from ambivox.present.html.facts import date_of, failures
from ambivox.present.html.failures import failures_table
from ambivox.present.html.html import check_page, render_page, write_page
from ambivox.present.html.summary import summarise
from ambivox.present.names import HEARD, fitted_line, note_lines, several_models
from ambivox.present.scores import (
    failed_as_table,
    further_tables,
    score_table,
    sensitivity_table,
    tertile_table,
)
from ambivox.present.tables import Table
from ambivox.run.plan import controls_of
from ambivox.run_folder import Run
from ambivox.scoring import (
    DEFAULT_OPTIONS,
    RunReadings,
    ScoreTable,
    ScoringOptions,
    read_run,
    score_runs,
)


def write_report(
    run: Run | str | Path | Sequence[Run | str | Path],
    out: Path,
    options: ScoringOptions = DEFAULT_OPTIONS,
    *,
    audio: ClipSound = "link",
    n_processes: int = 1,
) -> Path:
    """Score a run, or several side by side, and write what came out as one HTML file, whole or not at all.

    Args:
        run: a run or its directory, or several of them: the page of several has their differences, and their
            answers side by side.
        out: the file to write; its folder is made.
        options, n_processes: as in `ambivox.score`.
        audio: how clips can be heard; links start from the page's folder, and go where it goes.

    Returns:
        `out`. The same run gives the same bytes.

    Raises:
        UsageError: `out` is a folder, the run cannot be scored (no votes, no records), or
            runs do not belong in one table.
    """
    out = location(out)
    check_page(out)
    runs = [run] if isinstance(run, Run | str | Path) else run
    readings = [read_run(one, options, n_processes=n_processes) for one in runs]
    scores = score_runs(readings)
    page = (
        _page(scores, readings[0], audio, out) if len(runs) == 1 else _runs_page(scores, readings, audio, out)
    )
    return write_page(page, out)


def _runs_page(scores: ScoreTable, readings: Sequence[RunReadings], audio: ClipSound, out: Path) -> str:
    """The page of several runs."""
    runs = named(scores, readings)
    tested = [(name, claims_of_readings(one)) for name, one in runs]
    sections = [
        _figures(scores, runs, tested, corpus)
        | {
            "corpus": corpus,
            "claims": [(name, _claims(of_run, corpus)) for name, of_run in tested],
            "scores_table": score_table(scores, corpus),
            "differences": difference_table(scores, corpus),
            "details": _details(scores, corpus),
            "browser": clip_browser(scores, runs, corpus, audio, out),
        }
        for corpus in scores.corpora
    ]
    return render_page(
        "runs.html.j2",
        table=scores,
        headline=scores.metric(scores.headline),
        runs=[(name, one.facts, date_of(one.run)) for name, one in runs],
        warnings=note_lines(scores.cautions),
        notes=[*note_lines(scores.notes), *map(fitted_line, scores.fitted)],
        sections=sections,
        commands=commands(readings),
        again=[(name, do_again(one)) for name, one in runs],
        legend_of_clips=CLIP_LEGEND,
    )


def _page(scores: ScoreTable, readings: RunReadings, audio: ClipSound, out: Path) -> str:
    """The page of one run."""
    tested = claims_of_readings(readings)
    return render_page(
        "report.html.j2",
        table=scores,
        headline=scores.metric(scores.headline),
        readings=readings,
        facts=readings.facts,
        environment=readings.environment,
        folder=readings.run.folder.resolve().name,
        date=date_of(readings.run),
        heard="; ".join(HEARD[control] for control in controls_of(readings.run.study())),
        rated={corpus.corpus: len(corpus.clips.names) for corpus in readings.corpora},
        warnings=note_lines(scores.cautions),
        notes=[*note_lines(scores.notes), *map(fitted_line, scores.fitted)],
        sections=[_section(scores, readings, corpus, tested, audio, out) for corpus in scores.corpora],
        tested=tested,
        commands=commands([readings]),
        again=do_again(readings),
        failures=failures_table(failures(readings), models=several_models(scores.rows)),
        legend_of_clips=CLIP_LEGEND,
    )


def _section(
    scores: ScoreTable, readings: RunReadings, corpus: str, tested: RunClaims, audio: ClipSound, out: Path
) -> dict[str, Any]:
    versions = readings.facts.prompt_versions
    found = next(found for found in readings.corpora if found.corpus == corpus)
    runs = named(scores, [readings])
    return _figures(scores, runs, [("", tested)], corpus) | {
        "corpus": corpus,
        "claims": _claims(tested, corpus),
        "summary": summarise(scores, found),
        "scores_table": score_table(scores, corpus, versions=versions),
        "details": _details(scores, corpus, versions),
        "failed_as": failed_as_table(scores, corpus),
        "browser": clip_browser(scores, runs, corpus, audio, out),
    }


def _claims(tested: RunClaims, corpus: str) -> list[Table]:
    """What was tested on one corpus."""
    return [claims_table(one, tested.margin) for one in tested.corpora if one.corpus == corpus]


def _details(
    scores: ScoreTable, corpus: str, versions: Mapping[str, Sequence[int]] | None = None
) -> list[Table]:
    """The tables that one has to open."""
    further = further_tables(scores, corpus, versions=versions)
    others = (tertile_table(scores, corpus), sensitivity_table(scores, corpus))
    return [*further, *(table for table in others if table)]


def _figures(
    scores: ScoreTable, runs: Named, tested: Sequence[tuple[str, RunClaims]], corpus: str
) -> dict[str, Any]:
    """The figures of one corpus: two at its head, those below its tables, those below its clips."""
    one = [corpus]
    scored = (tertile_figure(scores, one), sensitivity_figure(scores, one), layer_figure(scores, one))
    read = (
        status_figure(scores, one),
        entropy_figure(scores, runs, one),
        calibration_figure(scores, runs, one),
    )
    return {
        "verdicts": claim_figure(tested, one),
        "scores": score_figure(scores, one),
        "of_scores": [figure for figure in scored if figure],
        "of_readings": [figure for figure in read if figure],
    }
