"""Write the report: everything in one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ambivox.distribution import Outside
from ambivox.errors import AmbivoxError, UsageError
from ambivox.metrics import FailedAs
from ambivox.readouts import load_readouts
from ambivox.report.facts import Facts, gather
from ambivox.report.figures import (
    LEVELS,
    VOTES,
    Shown,
    clip_figures,
    entropy_figure,
    score_figure,
    status_figure,
)
from ambivox.report.scores import (
    corpora_of,
    headline,
    metrics_of,
    ranked,
    row_key,
    row_name,
    shared_facts,
)
from ambivox.report.summary import heard, summarise, warnings
from ambivox.report.tables import failed_as_grid, failures_grid, score_grids
from ambivox.studies import Run, ScoreRow, ScoreTable, score
from ambivox.studies.run import write_text

_TEMPLATES = PackageLoader("ambivox.report", "templates")


def write_report(
    run: Run | str | Path,
    out: Path,
    *,
    convention: str = "ambivox",
    outside: Outside = "drop",
    failed_as: FailedAs | None = None,
    readouts: list[str] | None = None,
) -> Path:
    """Score a run and write what came out as one HTML file, whole or not at all.

    Args:
        run: a run or its directory.
        out: the file to write; its folder is made.
        convention, outside, failed_as, readouts: as in `ambivox.score`.

    Returns:
        `out`. The same run gives the same bytes.

    Raises:
        UsageError: plotly is missing, `out` is a folder, or the run cannot be scored (no votes, no records).
    """
    plotly_js = _plotly_js()
    run = run if isinstance(run, Run) else Run(Path(run))
    out = Path(out)
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name the file to write, for example {out / 'report.html'}")
    table = score(run, convention=convention, outside=outside, failed_as=failed_as, readouts=readouts)
    used = load_readouts(readouts or run.study().readouts)
    best = {corpus: _best_of_levels(table, corpus) for corpus in corpora_of(table)}
    shown = {row_key(row) for rows in best.values() for row in rows}
    facts = gather(run, table, used, shown, outside)
    page = _render(table, facts, best, plotly_js)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AmbivoxError(f"{out.parent}: cannot be made ({error.strerror}): choose another file") from None
    write_text(out, page)
    return out


def _plotly_js() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise UsageError("this needs the extra 'report': pip install 'ambivox[report]'") from None
    return str(get_plotlyjs())


def _best_of_levels(table: ScoreTable, corpus: str) -> list[ScoreRow]:
    """The readout that scored best at each level: the two that pictures show clip by clip."""
    return [row for level in ("text", "token") for row in ranked(table, corpus, level=level)[:1]]


def _render(table: ScoreTable, facts: Facts, best: dict[str, list[ScoreRow]], plotly_js: str) -> str:
    environment = Environment(
        loader=_TEMPLATES,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["as_json"] = _as_json
    environment.globals["numbered"] = _Numbered()
    draw_js = _source("draw.js")
    return environment.get_template("report.html.j2").render(
        table=table,
        metrics=metrics_of(table),
        headline=headline(table),
        facts=facts,
        heard=heard(facts),
        warnings=[*warnings(facts), *table.cautions],
        sections=[_section(table, facts, corpus, rows) for corpus, rows in best.items()],
        failures=failures_grid(table, facts),
        style=Markup(_source("style.css")),
        scripts=[Markup(plotly_js), Markup(draw_js)],
        script_hashes=" ".join(f"'sha256-{_sha256(script)}'" for script in (plotly_js, draw_js)),
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
    }


class _Numbered:
    """Counts up, for ids that are unique in a page."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last


def _as_json(value: object) -> Markup:
    """JSON that may stand inside a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _source(name: str) -> str:
    return _TEMPLATES.get_source(Environment(autoescape=True), name)[0]


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
