"""Intervals for means and skills that know that the clips of a speaker hang together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics.bootstrap_t import bootstrap_t
from ambivox.statistics.clusters import (
    cluster_sums,
    count_clusters,
    counted,
    effective_clusters,
    more,
)

LEVEL = 0.95
N_DRAWS = 2000
MIN_CLUSTERS = 12
"""With fewer clusters no interval is given; ``benchmarks/coverage.py`` shows what is promised with more."""
MIN_EFFECTIVE = 3.0
"""With fewer effective clusters no interval is given. One of 12 speakers that holds half of the clips leaves
3.7, whose intervals are three times as wide; with 3 nobody can tell how speakers scatter."""
UNEQUAL = 0.5
"""Where the effective clusters are fewer than this share of all, the interval says why it is wide."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the interval around it, or the reason why there is none.

    Args:
        estimate: ``nan`` where it is not defined.
        low, high: ends of the interval; ``nan`` where `reason` says why there is none.
        clusters: how many speakers (or other clusters) it rests on.
        reason: why there is no interval; None if there is one.
        p: two-sided p-value of the hypothesis that the true value is 0: at most ``1 - level`` exactly where
            the interval excludes 0. ``nan`` where there is no interval.
        effective: how many clusters of one size would do as well, see `effective_clusters`.
        caution: why the interval is wider than so many clusters would make it; None if it is not.
    """

    estimate: float
    low: float
    high: float
    clusters: int
    reason: Reason | None = None
    p: float = float("nan")
    effective: float = float("nan")
    caution: Reason | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and 0 is not in it."""
        return not self.reason and (self.low > 0 or self.high < 0)

    def within(self, bounds: tuple[float, float]) -> Interval:
        """The part of the interval where a value can be at all; bootstrap-t ends know of no bounds.

        The truth lies within them, so the interval holds it as often as before.

        >>> Interval(0.95, 0.8, 1.1, 12).within((0, 1)).high
        1.0
        """
        low, high = np.clip([self.low, self.high], *bounds).tolist()
        return replace(self, low=low, high=high)


def ratio_intervals(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    members: ArrayLike | None = None,
    n_draws: int = N_DRAWS,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "speakers",
) -> list[Interval]:
    """Intervals for ratios of sums over clusters: means, and skills, which are ratios of two means.

    The bootstrap-t interval of `ambivox.statistics.bootstrap_t`, and the p-value that belongs to it, so that
    intervals and tests never disagree. Simpler ways (percentiles, Student's t, sign flips) hold the truth too
    rarely where values are skewed: see ``benchmarks/coverage.py``.

    Args:
        numerator: shape ``(G, M)``, sums over each of G clusters, for M ratios.
        denominator: the same shape; for a mean, how many members each cluster has.
        members: the same shape, how many members each cluster has in each ratio, where both of its sums may
            be 0 although it has some; by default such a cluster is not there.
        n_draws: how many corpora are drawn.
        seed: of the draws; every ratio sees the same ones.
        level: the share of studies whose interval shall hold the truth.
        unit: what the clusters are, for the reasons.

    Returns:
        M intervals. The reason takes the interval's place with fewer than `MIN_CLUSTERS` clusters or
        `MIN_EFFECTIVE` effective ones, or where all clusters have the same ratio.

    Raises:
        ValueError: shapes differ, or a level or number of draws out of range.

    Source: see `ambivox.statistics.bootstrap_t`.

    >>> import numpy as np
    >>> sums = np.arange(20.0)[:, None]
    >>> [interval] = ratio_intervals(sums, np.full((20, 1), 2.0))
    >>> interval.low < interval.estimate == 4.75 < interval.high
    True
    """
    above, below = (np.asarray(a, dtype=np.float64) for a in (numerator, denominator))
    if above.ndim != 2 or above.shape != below.shape:
        raise ValueError(
            f"numerator has shape {above.shape}, denominator {below.shape}: expected (G, M) twice"
        )
    if members is not None and np.shape(members) != above.shape:
        raise ValueError(f"members has shape {np.shape(members)}, expected {above.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level: {level:g} is not between 0 and 1")
    if n_draws < 1:
        raise ValueError(f"n_draws: {n_draws}, at least 1 is needed")
    there = (below != 0) | (above != 0) if members is None else np.asarray(members) > 0
    clusters = there.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimates = above.sum(axis=0) / below.sum(axis=0)
    reasons = [
        _reason(above[rows, m], below[rows, m], unit) for m, rows in enumerate(np.moveaxis(there, 1, 0))
    ]
    fit = np.array([m for m, reason in enumerate(reasons) if not reason], dtype=np.intp)
    low, high, p = np.full((3, len(estimates)), np.nan)
    if len(fit):
        low[fit], high[fit], p[fit] = bootstrap_t(
            above[:, fit], below[:, fit], clusters[fit], n_draws=n_draws, seed=seed, level=level
        )
    for m in fit:
        if not np.isfinite([low[m], high[m]]).all():
            text = f"too few {unit} differ for an interval"
            reasons[m] = Reason("too-few-differ", text, more(unit))
            low[m] = high[m] = p[m] = np.nan
    weights = np.where(there, below, 0.0)
    effective = effective_clusters(weights)
    return [
        Interval(
            float(estimates[m]),
            float(low[m]),
            float(high[m]),
            int(clusters[m]),
            reason,
            float(p[m]),
            float(effective[m]),
            None if reason else _caution(weights[:, m], unit),
        )
        for m, reason in enumerate(reasons)
    ]


def mean_interval(
    values: ArrayLike,
    groups: Sequence[Hashable],
    *,
    n_draws: int = N_DRAWS,
    seed: int = 0,
    level: float = LEVEL,
    unit: str = "speakers",
) -> Interval:
    """The interval for the mean of one value per clip; see `ratio_intervals`.

    Args:
        values: shape ``(U,)``; ``nan`` (undefined) values are left out.
        groups: the speaker (or dialogue) of each.

    >>> mean_interval([.1, .2, .6, .7], ["ann", "ann", "bob", "bob"]).reason.text
    '2 speakers: an interval needs at least 12'
    """
    array = np.asarray(values, dtype=np.float64)
    codes, n_clusters = count_clusters(groups)
    if array.shape != codes.shape:
        raise ValueError(f"values has shape {array.shape}, expected {codes.shape}: one for each group")
    defined = ~np.isnan(array)
    if not defined.any():
        return Interval(np.nan, np.nan, np.nan, 0, Reason("no-value", "no value is defined"))
    sums = cluster_sums(np.column_stack([np.where(defined, array, 0.0), defined]), codes, n_clusters)
    return ratio_intervals(sums[:, :1], sums[:, 1:], n_draws=n_draws, seed=seed, level=level, unit=unit)[0]


def _reason(above: Array, below: Array, unit: str) -> Reason | None:
    """Why clusters have no interval; None if they have one."""
    if len(above) < MIN_CLUSTERS:
        text = f"{counted(len(above), unit)}: an interval needs at least {MIN_CLUSTERS}"
        return Reason("too-few-clusters", text, more(unit))
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        return Reason("not-finite", "values that are not finite")
    if not below.sum() > 0:
        return Reason("control-is-perfect", "the control is perfect already")
    effective = float(effective_clusters(below))
    if effective < MIN_EFFECTIVE:
        text = f"{_worth(below, unit)}, an interval needs at least {MIN_EFFECTIVE:g}"
        return Reason("one-dominates", text, _alike(unit))
    residuals = above - above.sum() / below.sum() * below
    if not np.abs(residuals).max() > 1e-9 * max(np.abs(above).max(), below.max()):
        return Reason("no-variance", f"no variance: all {unit} have the same value")
    return None


def _caution(weights: Array, unit: str) -> Reason | None:
    """Why an interval is wider than so many clusters would make it; None if it is not."""
    if effective_clusters(weights) >= UNEQUAL * (weights > 0).sum():
        return None
    return Reason("unequal-clusters", f"{_worth(weights, unit)}, which widens intervals", _alike(unit))


def _worth(weights: Array, unit: str) -> str:
    largest, n = weights.max() / weights.sum(), counted(int((weights > 0).sum()), unit)
    return f"the largest of {n} weighs {largest:.0%}: they are worth {float(effective_clusters(weights)):.1f}"


def _alike(unit: str) -> str:
    return f"use a corpus whose {unit} have similar numbers of clips" if unit != "clips" else ""
