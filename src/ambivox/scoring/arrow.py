"""Scores and readings as Arrow tables: one row per number or reading, for pandas, DuckDB and R."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ambivox.errors import UsageError
from ambivox.readouts import written
from ambivox.scoring.keys import Key, RowKey
from ambivox.statistics import Interval

if TYPE_CHECKING:
    from ambivox.scoring.readings import CorpusReadings
    from ambivox.scoring.table import Difference, ScoreRow, ScoreTable

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()

KEY_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("corpus", _TEXT),
    ("model", _TEXT),
    ("control", _TEXT),
    ("prompt", _TEXT),
    ("context_turns", _COUNT),
    ("wording", pa.map_(_TEXT, _TEXT)),
    ("temperature", _NUMBER),
    ("readout", _TEXT),
    ("calibration", _TEXT),
)
"""What a row is about. `control` is ``clip``, a control of the study or, with the other columns null, one
that asks no model; `readout` is written as a study writes it."""

SCORE_SCHEMA = pa.schema(
    [
        ("run", _TEXT),
        *KEY_COLUMNS,
        ("level", _TEXT),
        ("readings", _COUNT),
        ("failed", _COUNT),
        ("mass", _NUMBER),
        ("forms_shift", _NUMBER),
        ("metric", _TEXT),
        ("unit", _TEXT),
        ("lower_is_better", pa.bool_()),
        ("score", _NUMBER),
        ("low", _NUMBER),
        ("high", _NUMBER),
        ("reason", _TEXT),
        ("interval_reason", _TEXT),
        ("skill", _NUMBER),
        ("skill_low", _NUMBER),
        ("skill_high", _NUMBER),
        ("skill_reason", _TEXT),
        ("clusters", _COUNT),
    ]
)
"""One row per row of the score table and metric; reasons are codes, `run` is null in the table of one run."""


DIFFERENCE_SCHEMA = pa.schema(
    [
        ("run", _TEXT),
        *KEY_COLUMNS,
        ("reference_run", _TEXT),
        ("reference_model", _TEXT),
        ("reference_prompt", _TEXT),
        ("between", _TEXT),
        ("clips", _COUNT),
        ("metric", _TEXT),
        ("unit", _TEXT),
        ("lower_is_better", pa.bool_()),
        ("difference", _NUMBER),
        ("low", _NUMBER),
        ("high", _NUMBER),
        ("p", _NUMBER),
        ("p_holm", _NUMBER),
        ("interval_reason", _TEXT),
        ("clusters", _COUNT),
    ]
)
"""One row per difference between two runs and metric: the row of the key less that of the reference."""


def key_columns(key: Key) -> dict[str, Any]:
    """The columns of a key; a control that asks no model has neither model nor prompt nor readout."""
    if not isinstance(key, RowKey):
        return {"corpus": key.corpus, "control": key.control}
    return {
        "corpus": key.corpus,
        "model": key.model,
        "control": key.control,
        "prompt": key.prompt,
        "context_turns": key.context_turns,
        "wording": list(key.wording),
        "temperature": key.temperature,
        "readout": written(key.readout, key.options),
        "calibration": key.calibration,
    }


def score_arrow(scores: ScoreTable) -> pa.Table:
    """A score table in the columns of `SCORE_SCHEMA`; a number that there is not is null."""
    rows = [_score(scores, row, name) for row in scores.rows for name in scores.metrics]
    return pa.Table.from_pylist(rows, schema=SCORE_SCHEMA)


def _score(scores: ScoreTable, row: ScoreRow, name: str) -> dict[str, Any]:
    metric, reason = scores.metric(name), row.why_none(name)
    interval, skill = row.intervals.get(name), row.skill_intervals.get(name)
    why_no_skill = row.skill_reasons.get(name)
    return {
        "run": row.key.run or None,
        **key_columns(row.key),
        "level": row.level,
        "readings": row.utterances,
        "failed": row.failed,
        "mass": row.mass,
        "forms_shift": row.forms_shift,
        "metric": name,
        "unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "score": row.value(name),
        "low": _end(interval, "low"),
        "high": _end(interval, "high"),
        "reason": reason.code if reason else None,
        "interval_reason": interval.reason.code if interval and interval.reason else None,
        "skill": _finite(row.skill.get(name)),
        "skill_low": _end(skill, "low"),
        "skill_high": _end(skill, "high"),
        "skill_reason": why_no_skill.code if why_no_skill else None,
        "clusters": interval.clusters if interval else None,
    }


def difference_arrow(scores: ScoreTable) -> pa.Table:
    """The differences of several runs in the columns of `DIFFERENCE_SCHEMA`; of one run no row."""
    rows = [
        _difference(scores, one, name, interval)
        for one in scores.differences
        for name, interval in one.intervals.items()
    ]
    return pa.Table.from_pylist(rows, schema=DIFFERENCE_SCHEMA)


def _difference(scores: ScoreTable, one: Difference, name: str, interval: Interval) -> dict[str, Any]:
    metric = scores.metric(name)
    return {
        "run": one.key.run,
        **key_columns(one.key),
        "reference_run": one.reference.run,
        "reference_model": one.reference.model,
        "reference_prompt": one.reference.prompt,
        "between": one.between,
        "clips": one.clips,
        "metric": name,
        "unit": metric.unit,
        "lower_is_better": metric.lower_is_better,
        "difference": _finite(interval.estimate),
        "low": _end(interval, "low"),
        "high": _end(interval, "high"),
        "p": _finite(interval.p),
        "p_holm": _finite(one.p_holm.get(name)),
        "interval_reason": interval.reason.code if interval.reason else None,
        "clusters": interval.clusters,
    }


def readings_arrow(corpus: CorpusReadings) -> pa.Table:
    """Every reading of a corpus: key, clip, order, status, mass, and by label ``p.LABEL`` and ``q.LABEL``.

    ``p`` is what was read, null for a failed reading, and ``q`` the truth.
    """
    labels, tables = corpus.emotions.labels, []
    for found in corpus.readings:
        n = len(found.p)
        own = key_columns(found.key)
        columns: dict[str, Any] = {name: pa.array([own[name]] * n, kind) for name, kind in KEY_COLUMNS}
        columns |= {
            "level": pa.array([found.level] * n, _TEXT),
            "utterance": pa.array([corpus.clips.names[u] for u in found.clips], _TEXT),
            "speaker": pa.array([corpus.clips.speakers[u] for u in found.clips], _TEXT),
            "order": pa.array([list(found.conditions[v][0]) for v in found.variants], pa.list_(_COUNT)),
            "status": pa.array(found.statuses, _TEXT),
            "mass": pa.array(found.mass, _NUMBER, from_pandas=True),
            "forms_shift": pa.array(found.forms_shift, _NUMBER, from_pandas=True),
        }
        for k, label in enumerate(labels):
            columns[f"p.{label}"] = pa.array(found.p[:, k], _NUMBER, from_pandas=True)
            columns[f"q.{label}"] = pa.array(corpus.clips.q[found.clips, k], _NUMBER)
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def to_pandas(table: pa.Table) -> Any:
    """An Arrow table as a pandas data frame.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: F401
    except ImportError:
        raise UsageError(
            "pandas is not installed: pip install pandas, or take to_arrow(), which needs nothing more"
        ) from None
    return table.to_pandas()


def plain_columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that are not finite as None."""
    return {name: _finite(value) if isinstance(value, float) else value for name, value in data.items()}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _end(found: Interval | None, name: str) -> float | None:
    return None if found is None or found.reason else _finite(getattr(found, name))
