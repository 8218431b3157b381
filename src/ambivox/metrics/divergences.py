"""Divergences between the predicted and the human distribution; every name carries its unit."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from ambivox.metrics.check import over_labels, pair
from ambivox.raters.distribution import Array

Unit = Literal["nats", "bits"]
"""Logarithm to base e or to base 2."""

_NATS_PER_BIT = float(np.log(2))


def kl_bits(p: ArrayLike, q: ArrayLike) -> Array:
    """Kullback-Leibler divergence of the prediction from the truth, ``KL(q || p)``, in bits.

    ``sum_n q_n log2(q_n / p_n)``: what it costs to code the human votes ``q`` with the prediction ``p``. For
    the other direction swap the arguments. Nothing is smoothed.

    Args:
        p, q: prediction and truth, shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, range ``[0, inf]``: ``inf`` where a label that was voted for is ruled out.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Kullback and Leibler (1951), doi:10.1214/aoms/1177729694.

    >>> float(kl_bits([.5, .5, 0, 0], [1, 0, 0, 0])), float(kl_bits([1, 0, 0, 0], [.5, .5, 0, 0]))
    (1.0, inf)
    """
    predicted, votes = pair(p, q)
    nats = over_labels(rel_entr(votes, predicted))
    return np.maximum(nats, 0) / _NATS_PER_BIT


def jsd_nats(p: ArrayLike, q: ArrayLike) -> Array:
    """Jensen-Shannon divergence between distributions, in nats.

    ``0.5 * KL(p || m) + 0.5 * KL(q || m)`` with ``m = (p + q) / 2``, natural logarithms. No square root and
    no smoothing: for the distance (its root) see `js_distance`; the literature calls both "JS".

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, range ``[0, ln 2]``, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Lin (1991), doi:10.1109/18.61115.

    >>> round(float(jsd_nats([.5, .5, 0, 0], [1, 0, 0, 0])), 3)
    0.216
    """
    predicted, votes = pair(p, q)
    middle = (predicted + votes) / 2
    both = rel_entr(predicted, middle) + rel_entr(votes, middle)
    # A probability so small that its half underflows to 0 adds nothing, where rel_entr would say inf.
    nats = over_labels(np.where(middle > 0, both, 0)) / 2
    return np.clip(nats, 0, _NATS_PER_BIT)


def jsd_bits(p: ArrayLike, q: ArrayLike) -> Array:
    """Jensen-Shannon divergence between distributions, in bits.

    ``0.5 * KL(p || m) + 0.5 * KL(q || m)`` with ``m = (p + q) / 2``. No square root and no smoothing: for the
    distance (its root) see `js_distance`; the literature calls both "JS".

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.

    Returns:
        Shape ``(...)``, range ``[0, 1]``, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, or a row is not a distribution (the row is named).

    Source: Lin (1991), doi:10.1109/18.61115.

    >>> round(float(jsd_bits([.5, .5, 0, 0], [1, 0, 0, 0])), 3)
    0.311
    """
    return jsd_nats(p, q) / _NATS_PER_BIT


def js_distance(p: ArrayLike, q: ArrayLike, *, unit: Unit = "nats") -> Array:
    """Jensen-Shannon distance: the square root of the divergence, a metric in the mathematical sense.

    ``sqrt(jsd_nats)`` by default, which is what `scipy.spatial.distance.jensenshannon` gives without a base;
    ``sqrt(jsd_bits)`` with ``unit="bits"``.

    Args:
        p, q: shape ``(..., N)``, non-negative, summing to 1 over the last axis.
        unit: of the divergence under the root.

    Returns:
        Shape ``(...)``, range ``[0, sqrt(ln 2)]`` (0.833) in nats, ``[0, 1]`` in bits, 0 where ``p == q``.

    Raises:
        ValueError: shapes differ, a row is not a distribution (the row is named), or another unit.

    Source: Endres and Schindelin (2003), doi:10.1109/TIT.2003.813506.

    >>> pair_of_rows = [.5, .5, 0, 0], [1, 0, 0, 0]
    >>> round(float(js_distance(*pair_of_rows)), 3), round(float(js_distance(*pair_of_rows, unit="bits")), 3)
    (0.465, 0.558)
    """
    if unit not in get_args(Unit):
        raise ValueError(f"unit: {unit!r} is not one of {', '.join(get_args(Unit))}")
    return np.sqrt(jsd_nats(p, q) if unit == "nats" else jsd_bits(p, q))
