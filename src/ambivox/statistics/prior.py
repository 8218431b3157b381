"""Vote priors as controls of a skill, which are estimated from the votes that they are scored on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics.clusters import cluster_sums, count_clusters

_STEP = 1e-3


def prior_scatter(prior: Array, q: Array, metric: Callable[[ArrayLike, ArrayLike], Array]) -> Array:
    """How each clip's votes move the mean score of the vote prior, to first order.

    The prior is the mean of the votes, so a clip u moves it by its ``q_u - mean(q)``, and the mean score by
    ``sum_n (q_un - mean(q)_n) d_n``, with ``d_n`` the slope of the mean score as the prior leans to label n.
    Added to the prior's score on each clip it leaves the mean as it is, and lets intervals of skills (and of
    the prior itself) know that another corpus would have had another prior.

    Args:
        prior: shape ``(U, N)``; ``nan`` rows have no score and count for nothing.
        q: shape ``(U, N)``, the truths.
        metric: prediction and truth of shape ``(U, N)`` to ``(U,)``.

    Returns:
        Shape ``(U,)``, mean 0.

    Source: the influence function of a statistic with an estimated parameter, Davison and Hinkley (1997),
    Bootstrap Methods and their Application, section 2.7.

    >>> from ambivox.metrics import brier_sum
    >>> q = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> prior_scatter(q.mean(axis=0) + 0 * q, q, brier_sum).round(2).tolist()
    [0.0, 0.0]
    """
    there = ~np.isnan(prior).any(axis=-1)
    scatter = np.zeros(len(q))
    if not there.any():
        return scatter
    p, votes = prior[there], q[there]
    here = np.asarray(metric(p, votes))
    leaning = [metric((1 - _STEP) * p + _STEP * label, votes) for label in np.eye(q.shape[1])]
    with np.errstate(invalid="ignore"):
        slopes = np.array([np.nanmean(np.asarray(a) - here) for a in leaning]) / _STEP
    if np.isfinite(slopes).all():
        scatter[there] = (votes - votes.mean(axis=0)) @ slopes
    return scatter


EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, np.inf)
"""Tried on a vote prior: 0 makes it uniform, 1 leaves it as it is, infinity leaves only its largest label."""


@dataclass(frozen=True)
class SharpenedPrior:
    """What the best answer that is the same for all clips scores.

    Args:
        scores: shape ``(U,)``; ``nan`` where `reason` says why there are none.
        held_out: shape ``(U, N)``, the sharpened prior of all other speakers; ``nan`` likewise.
        exponent: the one of `EXPONENTS` that suits the metric best on all clips.
        reason: None if there are scores.
    """

    scores: Array
    held_out: Array
    exponent: float
    reason: Reason | None = None


def sharpened_prior(
    q: ArrayLike,
    groups: Sequence[Hashable],
    metric: Callable[[ArrayLike, ArrayLike], ArrayLike],
    *,
    lower_is_better: bool = True,
) -> SharpenedPrior:
    """Score the vote prior, sharpened (or flattened) as the metric likes it best.

    The mean vote is not the constant answer that a divergence likes best: a model that hears nothing beats it
    by saying a sharper one. The family ``p_n ~ mean(q)_n ** exponent`` holds answers near the best for all
    metrics. A prior with its exponent from all clips has seen the clip's own votes and scores too well; one
    from the other speakers alone has seen fewer and scores too badly, by as much: each clip's score is the
    mean of the two.

    Args:
        q: shape ``(U, N)``, the truths.
        groups: the speaker of each clip.
        metric: prediction and truth of shape ``(U, N)`` to ``(U,)``.

    Returns:
        The scores; a reason with fewer than two speakers, who leave nothing to estimate a prior from.

    Source: half of the way from the apparent error to the leave-one-out one takes the optimism of the first
    off, Efron (1983), doi:10.1080/01621459.1983.10477973.

    >>> from ambivox.metrics import jsd_bits
    >>> q = np.array([[1.0, 0.0], [0.8, 0.2], [0.9, 0.1], [0.6, 0.4]])
    >>> found = sharpened_prior(q, ["ann", "ann", "bob", "bob"], jsd_bits)
    >>> found.exponent, found.scores.shape
    (1.25, (4,))
    """
    votes = np.asarray(q, dtype=np.float64)
    codes, n_groups = count_clusters(groups)
    if n_groups < 2:
        text = f"{n_groups} speaker(s): a prior needs the votes of others"
        reason = Reason("one-speaker", text, "use a corpus with more speakers")
        nothing = np.full(votes.shape, np.nan)
        return SharpenedPrior(nothing[:, 0], nothing, np.nan, reason)
    sums, sizes = cluster_sums(votes, codes, n_groups), np.bincount(codes)
    others = (sums.sum(axis=0) - sums) / (sizes.sum() - sizes)[:, None]
    sign = 1.0 if lower_is_better else -1.0

    def scores(priors: Array, of: NDArray[np.intp]) -> Array:
        """By exponent, with the prior that each clip has, shape ``(E, U)``."""
        return np.array([np.asarray(metric(_sharpened(priors, e)[of], votes)) for e in EXPONENTS])

    own = scores(votes.mean(axis=0)[None], np.zeros_like(codes))
    others = np.maximum(others, 0)
    held_out = scores(others, codes)
    best = int((sign * own).mean(axis=1).argmin())
    by_group = sign * cluster_sums(held_out.T, codes, n_groups).T
    chosen = _sum_of_others(by_group).argmin(axis=0)
    priors = np.array([_sharpened(prior, EXPONENTS[e]) for prior, e in zip(others, chosen, strict=True)])
    both = own[best] + held_out[chosen[codes], np.arange(len(votes))]
    return SharpenedPrior(both / 2, priors[codes], EXPONENTS[best])


def _sum_of_others(values: Array) -> Array:
    """The sum over each row without the value itself; infinite where another one is."""
    endless = np.isinf(values)
    finite = np.where(endless, 0.0, values)
    sums = finite.sum(axis=1, keepdims=True) - finite
    return np.asarray(np.where(endless.sum(axis=1, keepdims=True) > endless, np.inf, sums))


def _sharpened(p: Array, exponent: float) -> Array:
    if np.isinf(exponent):
        weights = (p >= p.max(axis=-1, keepdims=True)).astype(np.float64)
    else:
        weights = np.where(p > 0, p, 0.0) ** exponent if exponent else np.ones_like(p)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
