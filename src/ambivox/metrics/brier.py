"""The Brier score against the share of votes, in its two published scales."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ambivox.metrics.check import over_labels, pair
from ambivox.raters.distribution import Array


def brier_sum(p: ArrayLike, q: ArrayLike) -> Array:
    """Brier score against the shares of votes, summed over the labels: ``sum_n (p_n - q_n)**2``.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, squared probability, range ``[0, 2]``, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2, where the truth is one-hot.

    >>> float(brier_sum([.5, .5, 0, 0], [1, 0, 0, 0]))
    0.5
    """
    predicted, votes = pair(p, q)
    return over_labels((predicted - votes) ** 2)


def brier_mean(p: ArrayLike, q: ArrayLike) -> Array:
    """Brier score against the shares of votes, as the mean over the labels: `brier_sum` divided by N.

    It shrinks as the emotion set grows: never compare it between emotion sets.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, squared probability, range ``[0, 2 / N]``, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Brier (1950), divided by the number of labels.

    >>> float(brier_mean([.5, .5, 0, 0], [1, 0, 0, 0]))
    0.125
    """
    predicted, votes = pair(p, q)
    squares = over_labels((predicted - votes) ** 2)
    mean: Array = squares / predicted.shape[-1]
    return mean
