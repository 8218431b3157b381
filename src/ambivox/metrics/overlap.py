"""How far the predicted and the human distribution overlap: Bhattacharyya, Hellinger, total variation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ambivox.metrics.check import over_labels, pair
from ambivox.raters.distribution import Array


def bhattacharyya(p: ArrayLike, q: ArrayLike) -> Array:
    """Bhattacharyya coefficient, ``sum_n sqrt(p_n q_n)``: a similarity, not the distance ``-ln`` of it.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, no unit, range ``[0, 1]``, 1 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Bhattacharyya (1943), Bulletin of the Calcutta Mathematical Society 35.

    >>> round(float(bhattacharyya([.5, .5, 0, 0], [1, 0, 0, 0])), 3)
    0.707
    """
    predicted, votes = pair(p, q)
    # The roots first: a product of two small probabilities would underflow to 0.
    return np.minimum(over_labels(np.sqrt(predicted) * np.sqrt(votes)), 1)


def hellinger(p: ArrayLike, q: ArrayLike) -> Array:
    """Hellinger distance, ``sqrt(0.5 * sum_n (sqrt(p_n) - sqrt(q_n))**2)``.

    It equals ``sqrt(1 - bhattacharyya)``, without the loss of digits where the two are nearly alike.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, no unit, range ``[0, 1]``, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Hellinger (1909), doi:10.1515/crll.1909.136.210.

    >>> round(float(hellinger([.5, .5, 0, 0], [1, 0, 0, 0])), 3)
    0.541
    """
    predicted, votes = pair(p, q)
    gaps: Array = np.sqrt(predicted) - np.sqrt(votes)
    distance: Array = np.sqrt(over_labels(gaps**2) / 2)
    return np.minimum(distance, 1)


def total_variation(p: ArrayLike, q: ArrayLike) -> Array:
    """Total variation distance, ``0.5 * sum_n |p_n - q_n|``: the share of probability in the wrong place.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, a share of probability, range ``[0, 1]``, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Levin and Peres (2017), Markov Chains and Mixing Times, chapter 4.

    >>> float(total_variation([.5, .5, 0, 0], [1, 0, 0, 0]))
    0.5
    """
    predicted, votes = pair(p, q)
    return np.minimum(over_labels(np.abs(predicted - votes)) / 2, 1)
