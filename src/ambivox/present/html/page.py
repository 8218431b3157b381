"""Write the report: everything in one HTML file that asks nothing of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ambivox.present.html.ambiguity_figures import calibration_figure, entropy_figure
from ambivox.present.html.facts import Facts, gather
from ambivox.present.html.figures import (
    LEVELS,
    VOTES,
    Shown,
    clip_figures,
    score_figure,
    status_figure,
)
from ambivox.present.html.html import check_page, render_page, write_page
from ambivox.present.html.scores import (
    corpora_of,
    headline,
    metrics_of,
    ranked,
    row_key,
    row_name,
    shared_facts,
)
from ambivox.present.html.summary import heard, summarise, warnings
from ambivox.present.html.tables import failed_as_grid, failures_grid, score_grids
from ambivox.present.notes import note_text
from ambivox.readouts import load_readouts
from ambivox.run import Run
from ambivox.scoring import DEFAULT_OPTIONS, ScoreRow, ScoreTable, ScoringOptions, score


def write_report(
    run: Run | str | Path,
    out: Path,
    options: ScoringOptions = DEFAULT_OPTIONS,
) -> Path:
    """Score a run and write what came out as one HTML file, whole or not at all.

    Args:
        run: a run or its directory.
        out: the file to write; its folder is made.
        options: as in `ambivox.score`.

    Returns:
        `out`. The same run gives the same bytes.

    Raises:
        UsageError: plotly is missing, `out` is a folder, or the run cannot be scored (no votes, no records).
    """
    out = Path(out)
    plotly_js = check_page(out)
    run = run if isinstance(run, Run) else Run(Path(run))
    table = score(run, options)
    used = load_readouts(options.readouts or run.study().readouts)
    best = {corpus: _best_of_levels(table, corpus) for corpus in corpora_of(table)}
    shown = {row_key(row) for rows in best.values() for row in rows}
    facts = gather(run, table, used, shown, options.outside)
    page = _render(table, facts, best, plotly_js)
    return write_page(page, out)


def _best_of_levels(table: ScoreTable, corpus: str) -> list[ScoreRow]:
    """The plain readout that scored best at each level: the two that pictures show clip by clip."""
    best = []
    for level in ("text", "token"):
        best += [
            row for row in ranked(table, corpus, level=level) if getattr(row.key, "calibration", None) is None
        ][:1]
    return best


def _render(table: ScoreTable, facts: Facts, best: dict[str, list[ScoreRow]], plotly_js: str) -> str:
    return render_page(
        "report.html.j2",
        plotly_js,
        table=table,
        metrics=metrics_of(table),
        headline=headline(table),
        facts=facts,
        heard=heard(facts),
        warnings=[*warnings(facts), *map(note_text, table.cautions)],
        sections=[_section(table, facts, corpus, rows) for corpus, rows in best.items()],
        notes=[note_text(note) for note in table.notes],
        failures=failures_grid(table, facts),
    )


def _section(table: ScoreTable, facts: Facts, corpus: str, best: list[ScoreRow]) -> dict[str, Any]:
    shown: Shown = [(row, facts.answers.get(row_key(row), [])) for row in best]
    labels = facts.corpora[corpus].labels
    several, _ = shared_facts(table.rows)
    return {
        "corpus": corpus,
        "summary": summarise(table, facts, corpus),
        "grids": score_grids(table, facts, corpus),
        "failed_as": failed_as_grid(table, corpus),
        "shown": [(f"{row.level} level", row_name(row, model=several)) for row in best],
        "scores": score_figure(table, corpus),
        "clips": clip_figures(shown, labels),
        "legend": [("votes", VOTES), *((f"{row.level} level", LEVELS[row.level]) for row in best)],
        "statuses": status_figure(table, corpus),
        "entropy": entropy_figure(shown, labels),
        "calibration": calibration_figure(shown),
    }
