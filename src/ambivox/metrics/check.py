"""What every metric asks of its two arguments, and when two probabilities count as equal."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array, as_distributions

EQUAL = 1e-9
"""Probabilities (and entropies) closer than this are ties: below it there is only rounding."""

Ties = Literal["share", "first"]
"""A tie for the largest probability: ``share`` splits it evenly, ``first`` takes its first label."""


def pair(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """Check predictions and truths of one shape ``(..., N)``; a mismatch or a bad row is a `ValueError`.

    >>> pair([[0.5, 0.5]], [1, 0])
    Traceback (most recent call last):
    ValueError: p has shape (1, 2) and q (2,): one truth is needed per prediction, over the same labels
    """
    predicted, votes = as_distributions(p, "p"), as_distributions(q, "q")
    if predicted.shape != votes.shape:
        raise ValueError(
            f"p has shape {predicted.shape} and q {votes.shape}: "
            "one truth is needed per prediction, over the same labels"
        )
    return predicted, votes


def corpus_pair(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """The same for metrics over a corpus, which need the shape ``(U, N)``."""
    predicted, votes = pair(p, q)
    if predicted.ndim != 2:
        raise ValueError(f"p has shape {predicted.shape}, expected (U, N): this metric is over a corpus")
    return predicted, votes


def over_labels(a: Array) -> Array:
    """Sum over the labels, the last axis."""
    total: Array = a.sum(axis=-1)
    return total


def top_weights(a: Array, k: int) -> Array:
    """How far each label belongs to the k largest of its row: 1, 0, or a share where a tie is at the edge.

    Args:
        a: shape ``(..., N)``.
        k: how many labels, 1 to N.

    Returns:
        Shape ``(..., N)``, each row summing to k: the expectation over ties broken at random.

    >>> top_weights(np.array([0.4, 0.3, 0.3]), 2).tolist()
    [1.0, 0.5, 0.5]
    """
    edge = np.sort(a, axis=-1)[..., -k, None]
    above = a > edge + EQUAL
    tied = np.abs(a - edge) <= EQUAL
    open_places = k - above.sum(axis=-1, keepdims=True)
    weights: Array = above + tied * (open_places / tied.sum(axis=-1, keepdims=True))
    return weights


def mean_ranks(values: ArrayLike) -> Array:
    """The rank of each value from 1, ties at their mean rank, shape ``(U,)``; equal to 9 decimals is a tie.

    As scipy.stats.rankdata, without the second that scipy.stats takes to import.

    >>> mean_ranks([0.2, 0.1, 0.2]).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, count = np.unique(np.rint(np.asarray(values) / EQUAL), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Array = (last - (count - 1) / 2)[place]
    return ranks


def plurality(a: Array, ties: Ties) -> Array:
    """The most probable (or most voted) label of every row as weights of shape ``(..., N)`` that sum to 1.

    >>> plurality(np.array([0.4, 0.4, 0.2]), "share").tolist()
    [0.5, 0.5, 0.0]
    """
    if ties not in get_args(Ties):
        raise ValueError(f"ties: {ties!r} is not one of {', '.join(get_args(Ties))}")
    if ties == "share":
        return top_weights(a, 1)
    first: Array = np.eye(a.shape[-1])[(a >= a.max(axis=-1, keepdims=True) - EQUAL).argmax(axis=-1)]
    return first
