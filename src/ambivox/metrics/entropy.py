"""Ambiguity as entropy, and whether a model's ambiguity follows that of the raters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from ambivox.metrics.check import corpus_pair, mean_ranks, over_labels
from ambivox.raters.distribution import Array, as_distributions


def entropy_bits(p: ArrayLike) -> Array:
    """Shannon entropy, ``-sum_n p_n log2 p_n``, in bits: how ambiguous a distribution is.

    Args:
        p: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, range ``[0, log2 N]``, 0 for a one-hot row.

    Raises:
        ValueError: a row is not a distribution (the row is named).

    Source: Shannon (1948), doi:10.1002/j.1538-7305.1948.tb01338.x.

    >>> entropy_bits([[1, 0, 0, 0], [.25, .25, .25, .25]]).tolist()
    [0.0, 2.0]
    """
    array = as_distributions(p)
    bits: Array = over_labels(entr(array)) / np.log(2)
    return bits.clip(0, np.log2(array.shape[-1]))


def entropy_spearman(p: ArrayLike, q: ArrayLike) -> Array:
    """Spearman correlation between the entropy of the predictions and that of the votes over a corpus.

    The Pearson correlation of the two rankings, ties at their mean rank. Entropies equal to 9 decimals count
    as tied: the same votes on other labels are equally ambiguous.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``()``, no unit, range ``[-1, 1]``; ``nan`` with fewer than two utterances or where all
        predictions (a constant control), or all votes, are equally ambiguous.

    Raises:
        ValueError: shapes differ or are not ``(U, N)``, or a row is not a distribution (the row is named).

    Source: Spearman (1904), doi:10.2307/1412159.

    >>> float(entropy_spearman([[1, 0], [.9, .1], [.5, .5]], [[0, 1], [.6, .4], [.5, .5]]))
    1.0
    """
    predicted, votes = corpus_pair(p, q)
    ranks = [mean_ranks(entropy_bits(rows)) for rows in (predicted, votes)]
    if any(len(r) < 2 or np.ptp(r) == 0 for r in ranks):
        return np.array(np.nan)
    a, b = (r - r.mean() for r in ranks)
    return np.asarray(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1, 1))
