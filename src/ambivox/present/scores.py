"""The tables of a score table: main scores, further metrics, skills, thirds, sensitivity, failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from ambivox.choices import FailedAs
from ambivox.errors import unknown_name
from ambivox.metrics import Metric
from ambivox.present.names import row_name, several_models
from ambivox.present.numbers import counts, interval, number
from ambivox.present.row_groups import of_run, row_groups
from ambivox.present.tables import Cell, Column, Group, Line, Table, footnote, missing
from ambivox.reasons import Reason
from ambivox.scoring import RowKey, ScoreRow, ScoreTable
from ambivox.scoring.keys import control_text, prompt_text, readout_text
from ambivox.statistics import Interval

MAIN_METRICS = ("jsd_bits", "accuracy", "brier_mean", "bhattacharyya", "vote_ece", "entropy_spearman")
"""What the main table shows of a convention that has these; the others follow in a table of their own."""

OTHER_COLUMNS = ("failed", "skill", "mass", "statuses", "95%")
"""Those of the main table beside its metrics."""

_SKILL = "0 as the vote prior, 1 perfect"


def main_metrics(scores: ScoreTable) -> list[str]:
    """Those of the main table: the headline and what was asked for first."""
    known = [name for name in MAIN_METRICS if name in scores.metrics]
    names = dict.fromkeys((scores.headline, *scores.asked_for, *(known or scores.metrics)))
    return list(names)


def further_metrics(scores: ScoreTable) -> list[str]:
    """All the others."""
    main = main_metrics(scores)
    return [name for name in scores.metrics if name not in main]


def score_table(
    scores: ScoreTable,
    corpus: str,
    *,
    versions: Mapping[str, Sequence[int]] | None = None,
    columns: Sequence[str] = (),
) -> Table:
    """The main table of a corpus.

    Args:
        versions: of the prompts, for their headings.
        columns: those that are shown, in place of the usual ones: ``failed``, ``skill``, ``mass``,
            ``statuses`` or a metric of the table, and ``95%`` for the intervals of all.

    Raises:
        UsageError: a column that there is not.
    """
    others = main_metrics(scores)[1:]
    usual = ["failed", scores.headline, "skill", *others, "mass", "statuses"]
    names = [name for name in columns or usual if name != "95%"]
    every = [
        Column("readout", kind="text"),
        *(_column(scores, name, 0 if columns else 6 + place) for place, name in enumerate(names)),
    ]
    if "95%" in columns:
        every = [replace(column, detail_rank=0) for column in every]

    def cells(row: ScoreRow) -> Iterator[Cell]:
        yield from (_main_cell(scores, row, name) for name in names)

    counted = "left out" if scores.failed_as == "excluded" else f"counted as {scores.failed_as}"
    title = f"{corpus}: scores, failed readings {counted}"
    return Table(title, tuple(every), row_groups(scores, corpus, cells, versions))


def _column(scores: ScoreTable, name: str, rank: int) -> Column:
    """A column of the main table; those that everybody wants stay longest, and those asked for always."""
    if name == "failed":
        return Column(name, "of all readings", rank=min(rank, 1))
    if name == "skill":
        return Column(name, f"{scores.headline}: {_SKILL}", "number", min(rank, 2), "95%", 3)
    if name == "mass":
        return Column(name, "on the labels, median", rank=min(rank, 5))
    if name == "statuses":
        return Column(name, kind="line", rank=50 * rank)
    if name not in scores.metrics:
        raise unknown_name("column", name, [*OTHER_COLUMNS, *scores.metrics])
    if name == scores.headline:
        return _metric_column(scores.metric(name), 0, 4)
    return _metric_column(scores.metric(name), 0 if name in scores.asked_for else rank, 100 + rank)


def _main_cell(scores: ScoreTable, row: ScoreRow, name: str) -> Cell:
    if name == "failed":
        return Cell(f"{row.failed}/{row.utterances}", mark="warning" if row.failed else "")
    if name == "skill":
        return _skill_cell(row, scores.metric(scores.headline))
    if name == "mass":
        return _mass_cell(row)
    if name == "statuses":
        return Cell(counts(row.statuses.items()))
    return _score_cell(scores, row, scores.metric(name))


def further_tables(
    scores: ScoreTable, corpus: str, *, versions: Mapping[str, Sequence[int]] | None = None
) -> list[Table]:
    """The metrics that the main table does not show (if any), then the skill in every metric."""
    further = [scores.metric(name) for name in further_metrics(scores)]
    every = [scores.metric(name) for name in (*main_metrics(scores), *further_metrics(scores))]
    lead = (Column("readout", kind="text"), Column("n", "readings"))

    def lines(of: Callable[[ScoreRow], Iterator[Cell]]) -> tuple[Group, ...]:
        def cells(row: ScoreRow) -> Iterator[Cell]:
            yield Cell(str(row.utterances))
            yield from of(row)

        return row_groups(scores, corpus, cells, versions)

    tables = []
    if further:
        columns = (*lead, *(_metric_column(metric, 0, 0) for metric in further))
        groups = lines(lambda row: (_score_cell(scores, row, metric) for metric in further))
        tables.append(Table(f"{corpus}: further metrics", columns, groups))
    columns = (*lead, *(Column(metric.name, _SKILL) for metric in every))
    groups = lines(lambda row: (_skill_cell(row, metric) for metric in every))
    return [*tables, Table(f"{corpus}: skill against the vote prior", columns, groups)]


def tertile_table(scores: ScoreTable, corpus: str) -> Table | None:
    """Score and skill on the least, middle and most ambiguous third; None if no row has thirds."""
    rows = [row for row in scores.rows if row.key.corpus == corpus and row.tertiles]
    if not rows:
        return None
    names = [third.tertile for third in rows[0].tertiles]
    columns = [Column("readout", kind="text")]
    for n, name in enumerate(names):
        columns += [
            Column(f"{name}: {scores.tertile_metric}", rank=n),
            Column("skill", "against the prior of that third", "number", 3 + n, "95%", 6 + n),
        ]

    def cells(row: ScoreRow) -> Iterator[Cell]:
        for n in range(len(names)):
            third = row.tertiles[n] if row.tertiles else None
            reason = row.reason if third is None else third.reason
            if third is None or reason:
                yield missing(reason)
                yield Cell("")
            else:
                yield Cell(number(third.score))
                yield _with_interval(number(third.skill.estimate, signed=True), third.skill, signed=True)

    groups = row_groups(scores, corpus, cells, controls=False)
    return Table(f"{corpus}: by ambiguity", tuple(columns), groups)


def sensitivity_table(scores: ScoreTable, corpus: str) -> Table | None:
    """How readings move with the order of the options and with the prompt; None where nothing was read."""
    groups: dict[str, list[Line]] = {}
    for row in scores.sensitivities:
        if row.key.corpus == corpus:
            over = f"{row.over}, {prompt_text(row.key)}" if row.key.prompt else row.over
            numbers = (row.of_mean, row.of_single, row.reliability)
            cells = [Cell(number(value)) for value in numbers]
            cells.append(Cell(f"{row.conditions} x {row.clips}"))
            if row.reason:
                cells = [missing(row.reason), *(Cell("") for _ in numbers)]
            line = Line((Cell(readout_text(row.key)), *cells))
            heading = f"{of_run(row.key)}{over}: {row.key.model}"
            groups.setdefault(heading, []).append(line)
    if not groups:
        return None
    titles = ("of mean", "of single", "reliability", "compared")
    return Table(
        f"{corpus}: sensitivity",
        (Column("over", kind="text"), *(Column(title, rank=n) for n, title in enumerate(titles))),
        tuple(Group(heading, tuple(lines)) for heading, lines in groups.items()),
    )


def failed_as_table(scores: ScoreTable, corpus: str) -> Table | None:
    """The headline score under each choice of what a failed reading counts as; None without failures."""
    rows = [row for row in scores.rows if row.key.corpus == corpus and row.failed and row.by_failed]
    if not rows:
        return None
    named = several_models(scores.rows)
    choices = [choice for choice in get_args(FailedAs) if any(choice in row.by_failed for row in rows)]
    lines = []
    for row in rows:
        cells = [Cell(row_name(row.key, model=named)), Cell(f"{row.failed}/{row.utterances}")]
        for choice in choices:
            score = row.by_failed.get(choice, {}).get(scores.headline)
            if score is None or score.value != score.value:
                cells.append(missing(Reason("all-failed", "no reading is left to score")))
            else:
                cells.append(Cell(number(score.value), f"n = {score.utterances}"))
        lines.append(Line(tuple(cells)))
    return Table(
        f"{corpus}: {scores.headline} under each choice of what a failed reading counts as",
        (
            Column("readout", kind="text"),
            Column("failed", "of all readings"),
            *(Column(choice, "used above" if choice == scores.failed_as else "") for choice in choices),
        ),
        (Group("", tuple(lines)),),
    )


def grid_table(scores: ScoreTable, corpus: str) -> Table:
    """The grid of readings of one method: a line per cell of the method, a column per prompt."""
    rows = [row for row in scores.rows if row.of_clips and row.key.corpus == corpus]
    keyed = [(row, row.key) for row in rows if isinstance(row.key, RowKey)]
    found = {(key.run, key.model, key.question, key.options): row for row, key in keyed}
    prompts = {key.question: prompt_text(key) for _, key in keyed}
    groups = []
    for run, model in dict.fromkeys((key.run, key.model) for _, key in keyed):
        lines = []
        own = [key.options for _, key in keyed if (key.run, key.model) == (run, model)]
        for options in dict.fromkeys(own):
            chosen = dict(options)
            names = [str(chosen.get(name, "")) for name in ("value", "over", "normalise")]
            scored = [
                _grid_cell(found.get((run, model, question, options)), scores.headline)
                for question in prompts
            ]
            lines.append(Line((*map(Cell, names), *scored)))
        groups.append(Group(f"{run}: {model}" if run else model, tuple(lines)))
    lead = [Column(name, kind="text") for name in ("value", "over", "normalise")]
    columns = (*lead, *(Column(prompt) for prompt in prompts.values()))
    caption = f"{corpus}: {scores.headline}, skill against the vote prior in brackets"
    return Table(caption, columns, tuple(groups))


def _grid_cell(row: ScoreRow | None, metric: str) -> Cell:
    if row is None:
        return Cell("")
    if row.value(metric) is None:
        return missing(row.why_none(metric))
    lost = f" ({row.failed} failed)" if row.failed else ""
    return Cell(f"{number(row.value(metric))} ({number(row.skill.get(metric), signed=True)}){lost}")


def _metric_column(metric: Metric, rank: int, interval_rank: int) -> Column:
    unit = "" if metric.unit == "1" else f"{metric.unit}, "
    better = "↓ lower is better" if metric.lower_is_better else "↑ higher is better"
    return Column(metric.name, unit + better, "number", rank, "95%", interval_rank)


def _with_interval(text: str, found: Interval | None, *, signed: bool = False, mark: str = "") -> Cell:
    """A number with its interval as detail; a footnote says why there is none, or why it is wide."""
    why = None if found is None else found.reason or found.caution
    notes = (footnote(why),) if why else ()
    return Cell(text, interval(found, signed=signed), detail_notes=notes, mark="best" if mark else "")


def _score_cell(scores: ScoreTable, row: ScoreRow, metric: Metric) -> Cell:
    value = row.value(metric.name)
    if value is None:
        return missing(row.why_none(metric.name), "" if row.reason else metric.name)
    is_best = row.key == scores.leader(row.key.corpus, metric.name)
    cell = _with_interval(number(value), row.intervals.get(metric.name), mark="best" if is_best else "")
    score = row.scores[metric.name]
    if not score.undefined:
        return cell
    kept = score.utterances - score.undefined
    left_out = f"the mean of {kept} of {score.utterances} readings: the metric is undefined for the others"
    return Cell(cell.text, cell.detail, (f"{metric.name}: {left_out}",), cell.detail_notes, cell.mark)


def _skill_cell(row: ScoreRow, metric: Metric) -> Cell:
    skill = row.skill.get(metric.name)
    if row.value(metric.name) is None:
        return missing(row.why_none(metric.name), "" if row.reason else metric.name)
    if skill is None or skill != skill:
        return missing(row.skill_reasons.get(metric.name), f"skill in {metric.name}")
    return _with_interval(number(skill, signed=True), row.skill_intervals.get(metric.name), signed=True)


def _mass_cell(row: ScoreRow) -> Cell:
    if row.mass is not None:
        return Cell(number(row.mass))
    if row.level != "token":
        return Cell("")
    text = "no reading has one" if row.failed == row.utterances else "this readout has none"
    return missing(Reason("no-mass", text), "mass on the labels")


def control_line(scores: ScoreTable) -> str:
    """What the controls that ask no model score by the headline, in one line."""
    told = []
    for row in scores.rows:
        if not isinstance(row.key, RowKey) and row.value(scores.headline) is not None:
            told.append(f"{row.key.corpus} {control_text(row.key)} {number(row.value(scores.headline))}")
    return "; ".join(told)
