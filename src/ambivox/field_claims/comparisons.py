"""Paired tests between readouts, prompts and models, corrected for their number."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ambivox.choices import FailedAs
from ambivox.metrics import METRICS
from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.scoring.differences import clip_scores, difference_intervals
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import CorpusReadings
from ambivox.statistics import holm

Between = Literal["readouts", "prompts", "models"]


@dataclass(frozen=True)
class Comparison:
    """Two rows of the table that differ in one thing.

    Args:
        between: in what they differ.
        first, second: the rows.
        difference: first minus second, of the metric, on the clips that have both.
        p, p_holm: two-sided, see `Interval.p`; corrected for all comparisons of the corpus.
        reason: why there is no p-value.
    """

    between: Between
    first: RowKey
    second: RowKey
    difference: float
    p: float
    p_holm: float = float("nan")
    reason: Reason | None = None


def compare(
    corpus: CorpusReadings, *, metric: str = "jsd_bits", failed_as: FailedAs = "uniform"
) -> tuple[Comparison, ...]:
    """All pairs of readouts on one prompt, of prompts under one readout, and of models under both."""
    heard = [readings for readings in corpus.readings if readings.key.control == "clip"]
    scores = [clip_scores(readings, corpus, METRICS[metric], failed_as) for readings in heard]
    keys: list[tuple[Between, RowKey, RowKey]] = []
    values: list[Array] = []
    for (a, first), (b, second) in itertools.combinations(list(zip(heard, scores, strict=True)), 2):
        between = _differ_in(a.key, b.key)
        if between is not None:
            keys.append((between, a.key, b.key))
            values.append(first - second)
    if not values:
        return ()
    intervals = difference_intervals(np.column_stack(values), corpus.clips.codes, unit=corpus.clips.unit)
    corrected = holm([interval.p for interval in intervals]).tolist()
    return tuple(
        Comparison(*key, interval.estimate, interval.p, p, interval.reason)
        for key, interval, p in zip(keys, intervals, corrected, strict=True)
    )


def _differ_in(a: RowKey, b: RowKey) -> Between | None:
    """The one thing in which two rows differ; None if there are several."""
    differs: dict[Between, bool] = {
        "models": a.model != b.model,
        "prompts": a.question != b.question,
        "readouts": a.read_by != b.read_by,
    }
    names = [name for name, there in differs.items() if there]
    return names[0] if len(names) == 1 else None
