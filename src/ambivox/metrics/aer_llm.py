"""The metrics of AER-LLM (Hong et al. 2024) with the constants of its public code, behind the convention."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from ambivox.metrics.check import corpus_pair, over_labels, pair, plurality
from ambivox.raters.distribution import Array

_KL_EPSILON = 1e-8
_R2_EPSILON = 1e-10
_DECIMALS = 4  # of a KL, a coefficient or an R2
_ROOT_DECIMALS = 6
_SHARE_DECIMALS = 2  # of the human distribution


def aer_llm_js(p: ArrayLike, q: ArrayLike) -> Array:
    """The "JS" of AER-LLM: a root of the Jensen-Shannon divergence in nats, smoothed and rounded.

    ``sqrt(0.5 * KL(p || m) + 0.5 * KL(q || m))``: the shares of votes ``q`` are rounded to two decimals (and
    may then sum to 0.99), 1e-8 is added to the middle ``m``, each KL is rounded to 4 decimals, the root to 6.
    Distributions closer than 0.007 come out as equal. See `js_distance` for the exact distance.

    Args:
        p, q: prediction and truth, shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, root of nats, range 0 to about 0.833.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: the public code of Hong et al. (2024), arXiv 2409.18339.

    >>> round(float(aer_llm_js([.5, .5, 0, 0], [1, 0, 0, 0])), 4)
    0.4645
    """
    predicted, votes = pair(p, q)
    shares = np.round(votes, _SHARE_DECIMALS)
    middle = (predicted + shares) / 2 + _KL_EPSILON
    left, right = (np.round(over_labels(rel_entr(a, middle)), _DECIMALS) for a in (predicted, shares))
    root: Array = np.sqrt(np.maximum((left + right) / 2, 0))
    return root.round(_ROOT_DECIMALS)


def aer_llm_bc(p: ArrayLike, q: ArrayLike) -> Array:
    """The Bhattacharyya coefficient of AER-LLM: shares of votes at two decimals, the result at four.

    Args:
        p, q: prediction and truth, shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, no unit, range 0 to about 1: rounded shares need not sum to 1.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: the public code of Hong et al. (2024), arXiv 2409.18339.

    >>> float(aer_llm_bc([1/3, 1/3, 1/3], [1/3, 1/3, 1/3]))
    0.995
    """
    predicted, votes = pair(p, q)
    overlap = over_labels(np.sqrt(predicted * np.round(votes, _SHARE_DECIMALS)))
    return np.round(overlap, _DECIMALS)


def aer_llm_r2(p: ArrayLike, q: ArrayLike) -> Array:
    """The "R2" of AER-LLM: `r2_pearson` with 1e-10 in the denominator, so that a constant row scores 0.

    Args:
        p, q: prediction and truth, shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, no unit, range ``[0, 1]``, rounded to 4 decimals.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: the public code of Hong et al. (2024), arXiv 2409.18339.

    >>> aer_llm_r2([[.5, .5, 0, 0], [.25, .25, .25, .25]], [[1, 0, 0, 0]] * 2).tolist()
    [0.3333, 0.0]
    """
    predicted, votes = pair(p, q)
    shares = np.round(votes, _SHARE_DECIMALS)
    dp = predicted - predicted.mean(axis=-1, keepdims=True)
    dq = shares - shares.mean(axis=-1, keepdims=True)
    n_labels = votes.shape[-1]
    covariance = over_labels(dp * dq) / n_labels
    variances = over_labels(dp**2) * over_labels(dq**2) / n_labels**2
    r2: Array = covariance**2 / (variances + _R2_EPSILON)
    return r2.round(_DECIMALS)


def against_rounded_plurality(
    function: Callable[[ArrayLike, ArrayLike], Array],
) -> Callable[[ArrayLike, ArrayLike], Array]:
    """Give a metric of the plurality the first label among the largest rounded shares, as AER-LLM does."""

    def scored(p: ArrayLike, q: ArrayLike) -> Array:
        predicted, votes = corpus_pair(p, q)
        return function(predicted, plurality(np.round(votes, _SHARE_DECIMALS), "first"))

    return scored
