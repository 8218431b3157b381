"""What it adds to the uncertainty of a skill that the vote prior is itself estimated from the votes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array

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
