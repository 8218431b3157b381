"""The score table as cells of text with footnotes; the template only lays them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from ambivox.choices import FailedAs
from ambivox.metrics import Metric
from ambivox.present.html.facts import Facts, Failure
from ambivox.present.html.scores import (
    UNDEFINED,
    counts,
    headline,
    interval_text,
    metrics_of,
    number,
    ranked,
    row_name,
    shared_facts,
    skill_of,
    some_left_out,
    value_of,
    why_undefined,
)
from ambivox.scoring import ScoreRow, ScoreTable

MAIN_METRICS = 6
"""How many of a convention's metrics the main table has; the others follow in a second one."""
FAILURES_SHOWN = 60
CLIPS_NAMED = 3


@dataclass(frozen=True)
class Cell:
    """Text, the numbers of its footnotes, and a second line in small."""

    text: str
    notes: tuple[int, ...] = ()
    detail: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A heading, what it means in small, and what stands below it (a line is text that is never broken)."""

    title: str
    detail: str = ""
    kind: Literal["number", "text", "line"] = "number"


@dataclass
class Grid:
    """A table: groups of lines under headings of their own, and footnotes."""

    caption: str
    columns: list[Column]
    groups: list[tuple[str, list[list[Cell]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> int:
        """The number of a footnote, the same for the same text."""
        if text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1


def score_grids(table: ScoreTable, facts: Facts, corpus: str) -> list[Grid]:
    """The main table, then the remaining metrics (if any), then the skill in every metric."""
    first = headline(table)
    metrics = [first, *(metric for metric in metrics_of(table) if metric != first)]
    counted = "left out" if table.failed_as == "excluded" else f"counted as {table.failed_as}"
    main = Grid(
        f"{corpus}: scores, failed readings {counted}",
        [
            Column("readout", kind="text"),
            Column("failed", "of all readings"),
            _metric_column(first),
            Column("skill", f"{first.name}: 0 as the vote prior, 1 perfect"),
            *map(_metric_column, metrics[1:MAIN_METRICS]),
            Column("mass", "on the labels, median"),
            Column("statuses", kind="line"),
        ],
    )
    _fill(main, table, facts, corpus, lambda row: _main_cells(main, table, row, metrics[:MAIN_METRICS]))
    grids = [main]
    if metrics[MAIN_METRICS:]:
        rest = Grid(f"{corpus}: further metrics", [*_lead(), *map(_metric_column, metrics[MAIN_METRICS:])])
        _fill(
            rest,
            table,
            facts,
            corpus,
            lambda row: [_n_cell(row), *(_score_cell(rest, table, row, m) for m in metrics[MAIN_METRICS:])],
        )
        grids.append(rest)
    skills = Grid(
        f"{corpus}: skill against the vote prior",
        [*_lead(), *(Column(m.name, "0 as the vote prior, 1 perfect") for m in metrics)],
    )
    _fill(
        skills,
        table,
        facts,
        corpus,
        lambda row: [_n_cell(row), *(_skill_cell(skills, row, m) for m in metrics)],
    )
    return [*grids, skills]


def failed_as_grid(table: ScoreTable, corpus: str) -> Grid | None:
    """The headline score under each choice of what a failed reading counts as; None without failures."""
    rows = [row for row in table.rows if row.corpus == corpus and row.failed and row.by_failed]
    if not rows:
        return None
    metric = headline(table)
    several, _ = shared_facts(table.rows)
    choices = [choice for choice in get_args(FailedAs) if any(choice in row.by_failed for row in rows)]
    grid = Grid(
        f"{corpus}: {metric.name} under each choice of what a failed reading counts as",
        [
            Column("readout", kind="text"),
            Column("failed", "of all readings"),
            *(Column(c, "used above" if c == table.failed_as else "") for c in choices),
        ],
    )
    lines = []
    for row in rows:
        cells = [Cell(row_name(row, model=several)), _failed_cell(row)]
        for choice in choices:
            score = row.by_failed.get(choice, {}).get(metric.name)
            if score is None or score.value != score.value:
                cells.append(Cell(UNDEFINED, (grid.note("no reading is left to score"),)))
            else:
                cells.append(Cell(number(score.value), detail=f"n = {score.utterances}"))
        lines.append(cells)
    grid.groups.append(("", lines))
    return grid


def failures_grid(table: ScoreTable, facts: Facts) -> Grid | None:
    """Failed readings with their reasons, equal ones together; None if none failed."""
    if not facts.failures:
        return None
    several, _ = shared_facts(table.rows)
    grid = Grid(
        "Failed readings and why",
        [
            Column("corpus and readout", kind="text"),
            Column("status", kind="text"),
            Column("reason", kind="text"),
            Column("readings"),
            Column("clips", kind="text"),
        ],
    )
    shown = facts.failures[:FAILURES_SHOWN]
    grid.groups.append(("", [_failure_line(failure, several) for failure in shown]))
    if len(facts.failures) > len(shown):
        grid.note(f"{len(facts.failures) - len(shown)} further reasons are not shown")
    return grid


def _failure_line(failure: Failure, several_models: bool) -> list[Cell]:
    corpus, model, heard, prompt, readout = failure.where
    parts = [corpus, prompt, readout, *([f"heard {heard}"] if heard != "clip" else [])]
    clips = ", ".join(failure.clips[:CLIPS_NAMED])
    more = len(failure.clips) - CLIPS_NAMED
    return [
        Cell(" · ".join([*parts, *([model] if several_models else [])])),
        Cell(failure.status),
        Cell(failure.reason or "no reason was given"),
        Cell(str(failure.readings)),
        Cell(clips + (f" and {more} more" if more > 0 else "")),
    ]


def _lead() -> list[Column]:
    return [Column("readout", kind="text"), Column("n", "readings")]


def _n_cell(row: ScoreRow) -> Cell:
    return Cell(str(row.utterances))


def _metric_column(metric: Metric) -> Column:
    unit = "" if metric.unit == "1" else f"{metric.unit}, "
    return Column(
        metric.name, unit + ("↓ lower is better" if metric.lower_is_better else "↑ higher is better")
    )


def _fill(
    grid: Grid, table: ScoreTable, facts: Facts, corpus: str, cells: Callable[[ScoreRow], Sequence[Cell]]
) -> None:
    groups: dict[str, list[list[Cell]]] = {}
    for row in table.rows:
        if row.corpus != corpus:
            continue
        level = "" if row.level == "control" else f"{row.level} level"
        line = [Cell(row.readout, detail=level), *cells(row)]
        groups.setdefault(_heading(row, facts), []).append(line)
    grid.groups = list(groups.items())


def _heading(row: ScoreRow, facts: Facts) -> str:
    if row.level == "control":
        return "Controls, which ask no model"
    versions = " and ".join(f"v{version}" for version in facts.prompts[row.prompt])
    heard = "" if row.control == "clip" else f", which heard {row.control} in place of the clips"
    return f"Prompt {row.prompt} ({versions}), {row.model}{heard}"


def _main_cells(grid: Grid, table: ScoreTable, row: ScoreRow, metrics: Sequence[Metric]) -> list[Cell]:
    first, *others = (_score_cell(grid, table, row, metric) for metric in metrics)
    if row.mass is not None:
        mass = Cell(number(row.mass))
    elif row.level == "token":
        reason = "no reading has one" if row.failed == row.utterances else "this readout has none"
        mass = Cell(UNDEFINED, (grid.note(f"mass on the labels: {reason}"),))
    else:
        mass = Cell("")
    skill, statuses = _skill_cell(grid, row, headline(table)), Cell(counts(row.statuses.items()))
    return [_failed_cell(row), first, skill, *others, mass, statuses]


def _failed_cell(row: ScoreRow) -> Cell:
    return Cell(f"{row.failed}/{row.utterances}")


def _score_cell(grid: Grid, table: ScoreTable, row: ScoreRow, metric: Metric) -> Cell:
    value = value_of(row, metric)
    if value is None:
        return Cell(UNDEFINED, (grid.note(why_undefined(row, metric)),))
    left_out = some_left_out(row.scores[metric.name])
    notes = (grid.note(f"{metric.name}: {left_out}"),) if left_out else ()
    best = row in ranked(table, row.corpus) and value == _best_value(table, row.corpus, metric)
    return Cell(number(value), notes, detail=interval_text(row.intervals.get(metric.name)), best=best)


def _skill_cell(grid: Grid, row: ScoreRow, metric: Metric) -> Cell:
    skill = skill_of(row, metric)
    if skill is not None:
        ends = interval_text(row.skill_intervals.get(metric.name), 2, signed=True)
        return Cell(number(skill, 2, signed=True), detail=ends)
    if value_of(row, metric) is None:
        reason = why_undefined(row, metric)
    else:
        reason = f"skill in {metric.name}: the vote prior has no score, or is perfect already"
    return Cell(UNDEFINED, (grid.note(reason),))


def _best_value(table: ScoreTable, corpus: str, metric: Metric) -> float | None:
    """The best value that a readout which heard the clips has in a metric."""
    values = [value for row in ranked(table, corpus) if (value := value_of(row, metric)) is not None]
    if not values:
        return None
    return min(values) if metric.lower_is_better else max(values)
