"""An interval for the mean over speakers and repeated trainings at once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ambivox.reasons import Reason
from ambivox.statistics.clusters import cluster_sums, count_clusters
from ambivox.statistics.interval import LEVEL, Interval


def crossed_interval(values: ArrayLike, groups: Sequence[Hashable], *, level: float = LEVEL) -> Interval:
    """The interval for the mean where every clip was scored once per repetition (seed of a training).

    Speakers and repetitions are both drawn: the variance of the mean is that of the speakers' means over
    all repetitions plus that of the repetitions' means over all clips. What is left within a speaker and
    repetition is in both, so the interval is a little too wide rather than too narrow. Quantiles are
    Student's t with Satterthwaite's degrees of freedom, so few speakers or repetitions widen it.

    Args:
        values: shape ``(K, U)``, K repetitions of U clips; with ``K = 1`` only speakers are drawn.
        groups: the speaker of each clip, at least 2.
        level: of the interval.

    Raises:
        ValueError: shapes that do not fit.

    Source: Cameron, Gelbach and Miller (2011), doi:10.1198/jbes.2010.07136, without the term that is
    subtracted; Satterthwaite (1946), doi:10.2307/3002019.

    >>> found = crossed_interval([[0.1, 0.2, 0.6, 0.7], [0.2, 0.3, 0.7, 0.8]], ["ann", "ann", "bob", "cat"])
    >>> round(found.estimate, 3), found.low < 0.45 < found.high
    (0.45, True)
    """
    array = np.asarray(values, dtype=np.float64)
    codes, n_groups = count_clusters(groups)
    if array.ndim != 2 or array.shape[1:] != codes.shape:
        raise ValueError(f"values has shape {array.shape}, expected (K, {len(codes)}): one for each group")
    repetitions, clips = array.shape
    mean = float(array.mean())
    if n_groups < 2:
        reason = Reason("too-few-clusters", "1 speaker: an interval needs at least 2", "run more speakers")
        return Interval(mean, np.nan, np.nan, n_groups, reason)
    deviations = cluster_sums((array.mean(axis=0) - mean)[:, None], codes, n_groups)[:, 0] / clips
    parts = [(float(np.sum(deviations**2)) * n_groups / (n_groups - 1), n_groups - 1)]
    if repetitions > 1:
        parts.append((float(array.mean(axis=1).var(ddof=1)) / repetitions, repetitions - 1))
    variance = sum(part for part, _ in parts)
    if not variance > 0:
        return Interval(mean, np.nan, np.nan, n_groups, Reason("no-variance", "no variance"))
    freedom = variance**2 / sum(part**2 / own for part, own in parts)
    half = float(stdtrit(freedom, (1 + level) / 2)) * variance**0.5
    return Interval(mean, mean - half, mean + half, n_groups)
