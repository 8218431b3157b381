"""Scores clip by clip, and intervals for what lies between those of two sets of readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ambivox.choices import FailedAs
from ambivox.metrics import Metric, count_failed
from ambivox.raters.distribution import Array
from ambivox.scoring.readings import Clips, CorpusReadings, Readings
from ambivox.statistics import Interval, cluster_sums, ratio_intervals

N_DRAWS = 19_999
"""Corpora drawn, so that p-values are small enough for the correction by hundreds of pairs."""


def clip_scores(
    found: Readings,
    corpus: CorpusReadings,
    metric: Metric,
    failed_as: FailedAs,
    *,
    among: NDArray[np.intp] | None = None,
) -> Array:
    """The mean over orders of each clip's score, shape ``(U,)``; ``nan`` where there is none.

    Args:
        found: readings of the corpus.
        metric: one with a value per clip, or one over a corpus that is linearised.
        failed_as: what failed readings count as.
        among: shape ``(U,)``, the places of the clips that are looked at; all of the corpus by default.
    """
    among = np.arange(len(corpus.clips.names)) if among is None else among
    inside = np.isin(found.clips, among)
    failed, clips = found.failed[inside], found.clips[inside]
    kept = clips[~failed] if failed_as == "excluded" else clips
    if not len(kept):
        return np.full(len(among), np.nan)
    q, neutral = corpus.clips.q[clips], corpus.emotions.index("neutral")
    p, q = count_failed(found.p[inside], q, failed, failed_as=failed_as, neutral=neutral)
    function = metric.function if metric.per_utterance else metric.linearised
    assert function is not None
    size = len(corpus.clips.names)
    sums = np.bincount(kept, weights=np.asarray(function(p, q)), minlength=size)[among]
    counts = np.bincount(kept, minlength=size)[among]
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def shared_clips(a: Clips, b: Clips) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The places in either of the clips that both have, in the order of the first."""
    if a is b:
        every = np.arange(len(a.names))
        return every, every
    places = {name: place for place, name in enumerate(a.names)}
    pairs = sorted((places[name], place) for place, name in enumerate(b.names) if name in places)
    in_a, in_b = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return in_a, in_b


def difference_intervals(
    differences: Array, codes: NDArray[np.intp], *, unit: str, n_draws: int = N_DRAWS, seed: int = 0
) -> list[Interval]:
    """Intervals and p-values of mean differences, on the clips that have both.

    Args:
        differences: shape ``(U, M)``, of M pairs; ``nan`` where a clip has not both.
        codes: shape ``(U,)``, the cluster of each clip.
        n_draws, seed: of the corpora that are drawn.
        unit: what the clusters are, for the reasons.
    """
    there = ~np.isnan(differences)
    codes = np.unique(codes, return_inverse=True)[1]
    n_clusters = int(codes.max()) + 1
    return ratio_intervals(
        cluster_sums(np.where(there, differences, 0.0), codes, n_clusters),
        cluster_sums(there, codes, n_clusters),
        n_draws=n_draws,
        seed=seed,
        unit=unit,
    )
