"""Scores of the single most probable label against the plurality of the votes.

A tie, in the prediction or among the votes, has no single label. By default (``ties="share"``) it is split
evenly on both sides, which is the expectation over ties broken at random: a prediction of one of k labels
that tie for the plurality is worth 1/k, and so is a perfect copy of such votes. ``ties="first"`` breaks every
tie by the order of the emotion set, as ``argmax`` does in published code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.metrics.check import Ties, corpus_pair, over_labels, pair, plurality, top_weights
from ambivox.raters.distribution import Array


def accuracy(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """Per utterance, the credit for the most probable label; the accuracy of a corpus is the mean.

    ``sum_n a_n b_n``, with ``a`` and ``b`` the most probable and the most voted label as weights: 1 or 0
    without ties; ``|A and B| / (|A| |B|)`` for the sets A and B of labels that tie (``ties="share"``).

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.
        ties: ``share`` splits a tie evenly; ``first`` takes its first label.

    Returns:
        Shape ``(...)``, a share of an utterance, range ``[0, 1]``.

    Raises:
        ValueError: shapes differ, a row is not a distribution (the row is named), or another ``ties``.

    >>> votes = [.4, .4, .2]
    >>> accuracy([[.7, .2, .1], [.1, .1, .8], votes], [votes] * 3).tolist()
    [0.5, 0.0, 0.5]
    """
    predicted, votes = pair(p, q)
    return over_labels(plurality(predicted, ties) * plurality(votes, ties))


def uar(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """Unweighted average recall: the recall of each emotion, averaged over the emotions that win a plurality.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.
        ties: ``share`` splits a tie evenly; ``first`` takes its first label.

    Returns:
        Shape ``()``, a share of utterances, range ``[0, 1]``, chance 1/N; ``nan`` without utterances. Labels
        that are never the plurality of the votes have no recall and are left out of the average.

    Raises:
        ValueError: shapes differ or are not ``(U, N)``, a row is not a distribution (the row is named), or
            another ``ties``.

    Source: Schuller et al. (2009), doi:10.21437/Interspeech.2009-103.

    >>> float(uar([[.9, .1]] * 4, [[1, 0], [1, 0], [1, 0], [0, 1]]))
    0.5
    """
    table = _confusion(p, q, ties)
    support = table.sum(axis=1)
    present = support > 0
    if not present.any():
        return np.array(np.nan)
    recall = np.diag(table)[present] / support[present]
    return np.asarray(recall.mean())


def weighted_f1(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """F1 of each emotion, averaged with the share of utterances in which it is the plurality as weight.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.
        ties: ``share`` splits a tie evenly; ``first`` takes its first label.

    Returns:
        Shape ``()``, no unit, range ``[0, 1]``; ``nan`` without utterances.

    Raises:
        ValueError: shapes differ or are not ``(U, N)``, a row is not a distribution (the row is named), or
            another ``ties``.

    Source: `sklearn.metrics.f1_score` with ``average="weighted"``, to which it is equal without ties.

    >>> round(float(weighted_f1([[.9, .1]] * 4, [[1, 0], [1, 0], [1, 0], [0, 1]])), 3)
    0.643
    """
    table = _confusion(p, q, ties)
    support = table.sum(axis=1)
    if not support.any():
        return np.array(np.nan)
    f1, _ = _f1(table)
    return np.asarray(np.average(f1, weights=support))


def macro_f1(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """F1 of each emotion, averaged plainly over the emotions that are predicted or win a plurality.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.
        ties: ``share`` splits a tie evenly; ``first`` takes its first label.

    Returns:
        Shape ``()``, no unit, range ``[0, 1]``; ``nan`` without utterances.

    Raises:
        ValueError: shapes differ or are not ``(U, N)``, a row is not a distribution (the row is named), or
            another ``ties``.

    Source: `sklearn.metrics.f1_score` with ``average="macro"``, to which it is equal without ties.

    >>> round(float(macro_f1([[.9, .1]] * 4, [[1, 0], [1, 0], [1, 0], [0, 1]])), 3)
    0.429
    """
    f1, seen = _f1(_confusion(p, q, ties))
    if not seen.any():
        return np.array(np.nan)
    return np.asarray(f1[seen].mean())


def top2_share(p: ArrayLike, q: ArrayLike) -> Array:
    """Share of the human votes that went to the model's two most probable labels.

    Where several labels tie for second place (as in a one-hot prediction), each counts with its share of the
    open place. A uniform prediction gets 2/N.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis, N at least 2.

    Returns:
        Shape ``(...)``, a share of votes, range ``[0, 1]``.

    Raises:
        ValueError: shapes differ, fewer than two labels, or a row is not a distribution (the row is named).

    >>> float(top2_share([.6, .3, .1, 0], [.25, .5, .25, 0]))
    0.75
    """
    predicted, votes = pair(p, q)
    if predicted.shape[-1] < 2:
        raise ValueError("top2_share: one label, at least 2 are needed")
    return np.minimum(over_labels(top_weights(predicted, 2) * votes), 1)


def _confusion(p: ArrayLike, q: ArrayLike, ties: Ties) -> Array:
    """Utterances by label of the votes (rows) and of the prediction (columns), shape ``(N, N)``."""
    predicted, votes = corpus_pair(p, q)
    table: Array = plurality(votes, ties).T @ plurality(predicted, ties)
    return table


def _f1(table: Array) -> tuple[Array, NDArray[np.bool_]]:
    """F1 of each label and whether it occurs at all (F1 is 0 where it does not), both of shape ``(N,)``."""
    occurrences = table.sum(axis=0) + table.sum(axis=1)
    seen = occurrences > 0
    return np.divide(2 * np.diag(table), occurrences, out=np.zeros(len(table)), where=seen), seen
