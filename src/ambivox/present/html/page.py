"""Write the report: everything in one HTML file that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ambivox.choices import ClipSound
from ambivox.field_claims import RunClaims, claims_of_readings
from ambivox.present.claims import claims_table
from ambivox.present.differences import difference_table
from ambivox.present.html.again import do_again
from ambivox.present.html.ambiguity_figures import calibration_figure, entropy_figure
from ambivox.present.html.clips import clip_browser
from ambivox.present.html.facts import answers, date_of, failures
from ambivox.present.html.failures import failures_table
from ambivox.present.html.figures import (
    LEVELS,
    VOTES,
    Shown,
    score_figure,
    status_figure,
)
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
from ambivox.run.plan import controls_of
from ambivox.run_folder import Run
from ambivox.scoring import (
    DEFAULT_OPTIONS,
    RowKey,
    RunReadings,
    ScoreRow,
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
        run: a run or its directory, or several of them: the page of several has their table and differences,
            and no clips.
        out: the file to write; its folder is made.
        options, n_processes: as in `ambivox.score`.
        audio: how clips can be heard; links start from the page's folder, and go where it goes.

    Returns:
        `out`. The same run gives the same bytes.

    Raises:
        UsageError: plotly is missing, `out` is a folder, the run cannot be scored (no votes, no records), or
            runs do not belong in one table.
    """
    out = Path(out)
    plotly_js = check_page(out)
    runs = [run] if isinstance(run, Run | str | Path) else run
    readings = [read_run(one, options, n_processes=n_processes) for one in runs]
    scores = score_runs(readings)
    page = (
        _page(scores, readings[0], plotly_js, audio, out)
        if len(runs) == 1
        else _runs_page(scores, readings, plotly_js)
    )
    return write_page(page, out)


def _runs_page(scores: ScoreTable, readings: Sequence[RunReadings], plotly_js: str) -> str:
    """The page of several runs."""
    sections = [
        {
            "corpus": corpus,
            "scores_table": score_table(scores, corpus),
            "differences": difference_table(scores, corpus),
            "details": further_tables(scores, corpus),
            "scores": score_figure(scores, corpus),
        }
        for corpus in scores.corpora
    ]
    return render_page(
        "runs.html.j2",
        plotly_js,
        table=scores,
        headline=scores.metric(scores.headline),
        runs=[(name, one.facts, date_of(one.run)) for name, one in zip(scores.runs, readings, strict=True)],
        warnings=note_lines(scores.cautions),
        notes=[*note_lines(scores.notes), *map(fitted_line, scores.fitted)],
        sections=sections,
    )


def _page(scores: ScoreTable, readings: RunReadings, plotly_js: str, audio: ClipSound, out: Path) -> str:
    """The page of one run."""
    metric, models = scores.metric(scores.headline), several_models(scores.rows)
    tested = claims_of_readings(readings)
    return render_page(
        "report.html.j2",
        plotly_js,
        table=scores,
        headline=metric,
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
        again=do_again(readings),
        failures=failures_table(failures(readings), models=models),
    )


def _best_of_levels(scores: ScoreTable, corpus: str) -> list[tuple[ScoreRow, RowKey]]:
    """The plain readout that scored best at each level: the two that pictures show clip by clip."""
    best = []
    for level in ("text", "token"):
        keyed = [(row, row.key) for row in scores.ranked(corpus, level=level)]
        best += [(row, key) for row, key in keyed if isinstance(key, RowKey) and not key.calibration][:1]
    return best


def _section(
    scores: ScoreTable, readings: RunReadings, corpus: str, tested: RunClaims, audio: ClipSound, out: Path
) -> dict[str, Any]:
    best = _best_of_levels(scores, corpus)
    shown: Shown = [(row, answers(readings, key)) for row, key in best]
    labels = readings.facts.corpora[corpus].labels
    versions = readings.facts.prompt_versions
    found = next(found for found in readings.corpora if found.corpus == corpus)
    details = [
        *further_tables(scores, corpus, versions=versions),
        tertile_table(scores, corpus),
        sensitivity_table(scores, corpus),
    ]
    return {
        "corpus": corpus,
        "claims": [claims_table(one, tested.margin) for one in tested.corpora if one.corpus == corpus],
        "summary": summarise(scores, found),
        "scores_table": score_table(scores, corpus, versions=versions),
        "details": [table for table in details if table],
        "failed_as": failed_as_table(scores, corpus),
        "scores": score_figure(scores, corpus),
        "browser": clip_browser(scores, readings, found, audio, out),
        "legend": [("votes", VOTES), *((f"{row.level} level", LEVELS[row.level]) for row, _ in best)],
        "statuses": status_figure(scores, corpus),
        "entropy": entropy_figure(shown, labels),
        "calibration": calibration_figure(shown),
    }
