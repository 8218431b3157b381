"""What tables, pictures and sentences ask of a score table: metrics, best rows, numbers as text."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ambivox.metrics import CONVENTIONS, METRICS, Metric, Score
from ambivox.scoring import ScoreRow, ScoreTable
from ambivox.statistics import Interval

RowKey = tuple[str, str, str, str, str]
"""Corpus, model, what was heard, prompt and readout: the name of a row."""

UNDEFINED = "–"


def row_key(row: ScoreRow) -> RowKey:
    """The name of a row, equal for no two rows of a table."""
    return row.corpus, row.model, row.control, row.prompt, row.readout


def metrics_of(table: ScoreTable) -> tuple[Metric, ...]:
    """The metrics of the table with their units and directions, in its order."""
    known = {metric.name: metric for metric in CONVENTIONS[table.convention].metrics}
    return tuple(known.get(name) or METRICS[name] for name in table.metrics)


def headline(table: ScoreTable) -> Metric:
    """The metric that sentences and pictures speak of: ``jsd_bits``, or the convention's first."""
    metrics = metrics_of(table)
    return next((metric for metric in metrics if metric.name == "jsd_bits"), metrics[0])


def value_of(row: ScoreRow, metric: Metric) -> float | None:
    """A row's score; None where it has none, or where every reading failed and it would be a stand-in's."""
    score = row.scores.get(metric.name)
    if score is None or math.isnan(score.value) or not _has_readings(row):
        return None
    return score.value


def why_undefined(row: ScoreRow, metric: Metric) -> str:
    """The reason for which `value_of` is None."""
    if not _has_readings(row):
        if row.level == "control":
            return f"{row.readout}: there is no other utterance to average"
        return "every reading failed: a score would be that of what it counts as"
    score = row.scores.get(metric.name)
    if score is not None and not metric.per_utterance and score.utterances < 2:
        return f"{metric.name}: needs at least two readings"
    reason = row.reasons.get(metric.name)
    return f"{metric.name}: {reason.text if reason else 'no score'}"


def skill_of(row: ScoreRow, metric: Metric) -> float | None:
    """A row's skill against the vote prior; None where it has none."""
    skill = row.skill.get(metric.name, math.nan)
    return None if math.isnan(skill) or value_of(row, metric) is None else skill


def ranked(table: ScoreTable, corpus: str, *, level: str | None = None) -> list[ScoreRow]:
    """The readouts of a corpus that heard the clips and have a headline score, the best first."""
    metric = headline(table)
    sign = 1 if metric.lower_is_better else -1
    found = [
        (sign * value, place, row)
        for place, row in enumerate(table.rows)
        if row.corpus == corpus and row.level != "control" and row.control == "clip"
        if (level is None or row.level == level) and (value := value_of(row, metric)) is not None
    ]
    return [row for _, _, row in sorted(found, key=lambda entry: entry[:2])]


def control(table: ScoreTable, corpus: str, name: str) -> ScoreRow | None:
    """The row of a control that needs no model."""
    rows = (row for row in table.rows if row.corpus == corpus and row.level == "control")
    return next((row for row in rows if row.readout == name), None)


def corpora_of(table: ScoreTable) -> list[str]:
    """The corpora that have rows, in order."""
    return list(dict.fromkeys(row.corpus for row in table.rows))


def shared_facts(rows: Iterable[ScoreRow]) -> tuple[bool, bool]:
    """Whether the rows are of several models, and whether some heard something else than the clips."""
    asked = [row for row in rows if row.level != "control"]
    return len({row.model for row in asked}) > 1, any(row.control != "clip" for row in asked)


def row_name(row: ScoreRow, *, model: bool = False) -> str:
    """A row in one line: prompt and readout, what was heard if not the clips, and the model if asked."""
    if row.level == "control":
        return str(row.readout)
    parts = [row.prompt, row.readout]
    if row.control != "clip":
        parts.append(f"heard {row.control}")
    if model:
        parts.append(row.model)
    return " · ".join(parts)


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """A number as the page writes it: a minus that is one, never "-0.000".

    >>> number(-0.0001), number(0.25, signed=True), number(-1.5), number(float("inf"))
    ('0.000', '+0.250', '−1.500', '∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.lstrip("-")
    return f"+{text}" if signed and value > 0 else text.replace("-", "−")


def interval_text(found: Interval | None, digits: int = 3, *, signed: bool = False) -> str:
    """Both ends of an interval; empty where there is none.

    >>> interval_text(Interval(0.3, 0.25, 0.35, 20))
    '0.250 to 0.350'
    """
    if found is None or found.reason:
        return ""
    return f"{number(found.low, digits, signed=signed)} to {number(found.high, digits, signed=signed)}"


def some_left_out(score: Score) -> str:
    """What to say beside a mean that leaves readings out; empty where it does not."""
    if not score.undefined:
        return ""
    kept = score.utterances - score.undefined
    return f"the mean of {kept} of {score.utterances} readings: the metric is undefined for the others"


def counts(statuses: Iterable[tuple[str, int]]) -> str:
    """Statuses with their counts in one line.

    >>> counts([("ok", 3), ("unparsed", 1)])
    'ok 3, unparsed 1'
    """
    return ", ".join(f"{status} {count}" for status, count in statuses)


def _has_readings(row: ScoreRow) -> bool:
    return row.failed < row.utterances and bool(row.scores)
