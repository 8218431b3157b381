"""The two numbers that the literature calls R2: within an utterance, and per emotion over a corpus."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ambivox.metrics.check import EQUAL, corpus_pair, over_labels, pair
from ambivox.raters.distribution import Array

ConstantTruth = Literal["nan", "sklearn"]
"""What R2 is for an emotion with the same share of votes in every utterance: see `r2_per_emotion`."""


def r2_pearson(p: ArrayLike, q: ArrayLike) -> Array:
    """Squared Pearson correlation of the two distributions over the labels of one utterance.

    ``cov(p, q)**2 / (var(p) var(q))`` over n. It does not see scale or sign: with two labels it is always 1,
    and a prediction turned upside down may score 1 too.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, no unit, range ``[0, 1]``; ``nan`` where either row is constant (a uniform
        prediction, or votes spread evenly), for which the correlation is not defined.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Hong et al. (2024), arXiv 2409.18339, who give a constant row 0 (see the convention ``aer-llm``).

    >>> round(float(r2_pearson([.5, .5, 0, 0], [1, 0, 0, 0])), 3), float(r2_pearson([.5, .5], [1, 0]))
    (0.333, nan)
    """
    predicted, votes = pair(p, q)
    dp = predicted - predicted.mean(axis=-1, keepdims=True)
    dq = votes - votes.mean(axis=-1, keepdims=True)
    defined = (np.ptp(predicted, axis=-1) > EQUAL) & (np.ptp(votes, axis=-1) > EQUAL)
    squared = over_labels(dp * dq) ** 2
    scale = over_labels(dp**2) * over_labels(dq**2)
    r2: Array = np.divide(squared, scale, out=np.full(defined.shape, np.nan), where=defined)
    return np.minimum(r2, 1)


def r2_per_emotion(
    p: ArrayLike, q: ArrayLike, *, average: bool = True, constant_truth: ConstantTruth = "nan"
) -> Array:
    """Coefficient of determination of each emotion's share over the utterances of a corpus.

    ``1 - sum_u (q_u - p_u)**2 / sum_u (q_u - mean(q))**2`` for every label. Unlike `r2_pearson` it counts
    scale and offset, and the corpus-wide vote prior scores 0.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.
        average: the plain mean over the labels, or one value per label.
        constant_truth: an emotion whose share of votes never varies has no R2. ``nan`` says so (and makes the
            average ``nan``, rather than leave the emotion out unseen); ``sklearn`` gives 1 if it is predicted
            exactly, else 0, as `sklearn.metrics.r2_score` does.

    Returns:
        Shape ``()``, or ``(N,)`` without averaging; no unit, range ``(-inf, 1]``; ``nan`` with fewer than two
        utterances.

    Raises:
        ValueError: shapes differ or are not ``(U, N)``, or a row is not a distribution (the row is named).

    Source: Zhang et al. (2026), arXiv 2601.14620 and its public code, with ``constant_truth="sklearn"``.

    >>> r2_per_emotion([[.5, .5], [.5, .5]], [[1, 0], [0, 1]], average=False).tolist()
    [0.0, 0.0]
    """
    if constant_truth not in get_args(ConstantTruth):
        raise ValueError(
            f"constant_truth: {constant_truth!r} is not one of {', '.join(get_args(ConstantTruth))}"
        )
    predicted, votes = corpus_pair(p, q)
    if len(votes) < 2:
        r2 = np.full(votes.shape[1], np.nan)
    else:
        residual = ((votes - predicted) ** 2).sum(axis=0)
        spread = ((votes - votes.mean(axis=0)) ** 2).sum(axis=0)
        varies = np.ptp(votes, axis=0) > EQUAL
        undefined = np.nan if constant_truth == "nan" else np.where(residual > 0, 1.0, 0.0)
        r2 = 1 - np.divide(residual, spread, out=np.full(votes.shape[1], undefined), where=varies)
    result: Array = r2.mean() if average else r2
    return result
