"""Paired tests between readouts, prompts and models, corrected for their number."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ambivox.choices import FailedAs
from ambivox.metrics import METRICS, count_failed
from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import CorpusReadings, Readings
from ambivox.statistics import holm, paired_permutation_test

Between = Literal["readouts", "prompts", "models"]


@dataclass(frozen=True)
class Comparison:
    """Two rows of the table that differ in one thing.

    Args:
        between: in what they differ.
        first, second: the rows.
        difference: first minus second, of the metric, on the clips that have both.
        p, p_holm: two-sided sign-flip test over clusters; corrected for all comparisons of the corpus.
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
    scores = [_per_clip(readings, corpus, metric, failed_as) for readings in heard]
    pairs: list[Comparison] = []
    for (a, first), (b, second) in itertools.combinations(list(zip(heard, scores, strict=True)), 2):
        between = _differ_in(a.key, b.key)
        if between is None:
            continue
        test = paired_permutation_test(first - second, corpus.clips.codes.tolist(), unit=corpus.clips.unit)
        pairs.append(Comparison(between, a.key, b.key, test.difference, test.p, reason=test.reason))
    corrected = holm([pair.p for pair in pairs])
    return tuple(replace(pair, p_holm=float(p)) for pair, p in zip(pairs, corrected, strict=True))


def _differ_in(a: RowKey, b: RowKey) -> Between | None:
    """The one thing in which two rows differ; None if there are several."""
    differs: dict[Between, bool] = {
        "models": a.model != b.model,
        "prompts": a.question != b.question,
        "readouts": a.read_by != b.read_by,
    }
    names = [name for name, there in differs.items() if there]
    return names[0] if len(names) == 1 else None


def _per_clip(readings: Readings, corpus: CorpusReadings, metric: str, failed_as: FailedAs) -> Array:
    """The mean over orders of each clip's score, shape ``(U,)``; ``nan`` where there is none."""
    n_clips, failed = len(corpus.clips.names), readings.failed
    kept = ~failed if failed_as == "excluded" else np.ones(len(failed), dtype=bool)
    sums: Array = np.zeros(n_clips)
    counts: Array = np.zeros(n_clips)
    if kept.any():
        q, neutral = corpus.clips.q[readings.clips], corpus.emotions.index("neutral")
        p, q = count_failed(readings.p, q, failed, failed_as=failed_as, neutral=neutral)
        values = np.asarray(METRICS[metric].function(p, q))
        sums = np.bincount(readings.clips[kept], weights=values, minlength=n_clips).astype(np.float64)
        counts = np.bincount(readings.clips[kept], minlength=n_clips).astype(np.float64)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
