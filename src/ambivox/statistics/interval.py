"""Intervals for means and skills that know that the clips of a speaker hang together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics.clusters import cluster_sums, count_clusters, counted, draw_weights_in_parts, more

LEVEL = 0.95
N_DRAWS = 2000
MIN_CLUSTERS = 12
"""With fewer clusters no interval is given. In simulated studies (``benchmarks/coverage.py``) 95% intervals
held the truth in 93% to 97% of the studies from 12 speakers on. With 8 they did so there too; the limit
leaves room for corpora that are more skewed than the simulated ones."""

NO_ERROR = 1e-6
"""A drawn standard error below this share of the estimate's is rounding: all drawn clusters agree."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the interval around it, or the reason why there is none.

    Args:
        estimate: ``nan`` where it is not defined.
        low, high: ends of the interval; ``nan`` where `reason` says why there is none.
        clusters: how many speakers (or other clusters) it rests on.
        reason: why there is no interval; None if there is one.
    """

    estimate: float
    low: float
    high: float
    clusters: int
    reason: Reason | None = None

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

    The bootstrap-t interval: clusters are drawn with replacement, and the drawn ratios, each in units of its
    own standard error, give the quantiles that are laid around the estimate, taken a little further out
    where clusters are few. The percentile interval is simpler and holds the truth too rarely: see
    ``benchmarks/coverage.py``.

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
        M intervals. The reason takes the interval's place with fewer than `MIN_CLUSTERS` clusters, or where
        all clusters have the same ratio.

    Raises:
        ValueError: shapes differ, or a level or number of draws out of range.

    Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, sections 3.8 and 5.2.1; the
    expansion of the tails: Hesterberg (2015), doi:10.1080/00031305.2015.1089789.

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
    ends = np.full((2, len(estimates)), np.nan)
    if len(fit):
        ends[:, fit] = _bootstrap_t(above[:, fit], below[:, fit], n_draws, seed, level)
    for m in fit:
        if not np.isfinite(ends[:, m]).all():
            text = f"too few {unit} differ for an interval"
            reasons[m], ends[:, m] = Reason("too-few-differ", text, more(unit)), np.nan
    return [
        Interval(float(e), float(low), float(high), int(n), reason)
        for e, low, high, n, reason in zip(estimates, *ends, clusters, reasons, strict=True)
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


def _expanded_tail(tail: float, n_clusters: int) -> float:
    """The part of the draws to leave out at each end, a little less than `tail` where clusters are few.

    ``normal_cdf(sqrt(G / (G - 1)) * normal_quantile(tail))``: of Hesterberg's expansion, the allowance for
    redrawn clusters scattering less than clusters do. Its other half, t-quantiles in place of normal ones,
    pays for standard errors that are estimated. Every draw here is in units of its own error, so the
    quantiles hold that already, and paying twice made intervals too wide.
    """
    return float(norm.cdf(np.sqrt(n_clusters / (n_clusters - 1)) * norm.ppf(tail)))


def _reason(above: Array, below: Array, unit: str) -> Reason | None:
    """Why clusters have no interval; None if they have one."""
    if len(above) < MIN_CLUSTERS:
        text = f"{counted(len(above), unit)}: an interval needs at least {MIN_CLUSTERS}"
        return Reason("too-few-clusters", text, more(unit))
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        return Reason("not-finite", "values that are not finite")
    if not below.sum() > 0:
        return Reason("control-is-perfect", "the control is perfect already")
    residuals = above - above.sum() / below.sum() * below
    if not np.abs(residuals).max() > 1e-9 * max(np.abs(above).max(), below.max()):
        return Reason("no-variance", f"no variance: all {unit} have the same value")
    return None


def _moments(above: Array, below: Array) -> list[Array]:
    return [a.sum(axis=0) for a in (above, below, above * above, above * below, below * below)]


def _error(moments: Sequence[Array], n_clusters: int) -> Array:
    """Standard error of the ratio a / b of sums over clusters, linearised about the ratio."""
    a, b, aa, ab, bb = moments
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a / b
        squares = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0)
        return np.asarray(np.sqrt(n_clusters / (n_clusters - 1) * squares) / np.abs(b))


def _bootstrap_t(above: Array, below: Array, n_draws: int, seed: int, level: float) -> Array:
    """Low and high ends, shape ``(2, M)``."""
    n_clusters = len(above)
    powers = np.concatenate([above, below, above * above, above * below, below * below], axis=1)
    parts = [weights @ powers for weights in draw_weights_in_parts(n_clusters, n_draws, seed)]
    drawn = np.split(np.concatenate(parts), 5, axis=1)
    ratio, error = above.sum(axis=0) / below.sum(axis=0), _error(_moments(above, below), n_clusters)
    errors = _error(drawn, n_clusters)
    errors = np.where(errors < NO_ERROR * error, 0.0, errors)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (drawn[0] / drawn[1] - ratio) / errors
    t = np.where(np.isnan(t), 0.0, t)
    tail = _expanded_tail((1 - level) / 2, n_clusters)
    # No interpolation: a draw without variance has an infinite t.
    upper = np.quantile(t, 1 - tail, axis=0, method="higher")
    lower = np.quantile(t, tail, axis=0, method="lower")
    return np.array([ratio - upper * error, ratio - lower * error])
