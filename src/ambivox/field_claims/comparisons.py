"""Paired tests between readouts, prompts and models, corrected for their number."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ambivox.choices import FailedAs
from ambivox.metrics import METRICS, count_failed
from ambivox.raters.distribution import Array
from ambivox.scoring.readings import CorpusReadings, Readings
from ambivox.statistics import holm, paired_permutation_test

Between = Literal["readouts", "prompts", "models"]


@dataclass(frozen=True)
class Comparison:
    """Two rows of the table that differ in one thing.

    Args:
        between: in what they differ.
        first, second: that thing's name in each.
        same: what they share.
        difference: first minus second, of the metric, on the clips that have both.
        p, p_holm: two-sided sign-flip test over clusters; corrected for all comparisons of the corpus.
        reason: why there is no p-value, in words.
    """

    between: Between
    first: str
    second: str
    same: str
    difference: float
    p: float
    p_holm: float = float("nan")
    reason: str = ""


def compare(
    corpus: CorpusReadings, *, metric: str = "jsd_bits", failed_as: FailedAs = "uniform"
) -> tuple[Comparison, ...]:
    """All pairs of readouts on one prompt, of prompts under one readout, and of models under both."""
    heard = [readings for readings in corpus.readings if readings.control == "clip"]
    scores = [_per_clip(readings, corpus, metric, failed_as) for readings in heard]
    pairs: list[Comparison] = []
    for (a, first), (b, second) in itertools.combinations(list(zip(heard, scores, strict=True)), 2):
        found = _differ_in(a, b)
        if found is None:
            continue
        test = paired_permutation_test(first - second, corpus.clips.codes.tolist(), unit=corpus.clips.unit)
        reason = test.reason.text if test.reason else ""
        pairs.append(Comparison(*found, test.difference, test.p, reason=reason))
    corrected = holm([pair.p for pair in pairs])
    return tuple(replace(pair, p_holm=float(p)) for pair, p in zip(pairs, corrected, strict=True))


def _differ_in(a: Readings, b: Readings) -> tuple[Between, str, str, str] | None:
    names = ("models", "prompts", "readouts")
    values = [(a.model, b.model), (a.prompt, b.prompt), (a.readout, b.readout)]
    differing: Sequence[int] = [i for i, (x, y) in enumerate(values) if x != y]
    if len(differing) != 1:
        return None
    [i] = differing
    same = ", ".join(values[j][0] for j in range(3) if j != i)
    return names[i], *values[i], same  # type: ignore[return-value]


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
