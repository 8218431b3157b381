"""Calibration without labels: divide by what the model answers when there is nothing to hear.

Shapes: R readings, N labels.
"""

from __future__ import annotations

import numpy as np

from ambivox.raters.distribution import Array


def divide(p: Array, reference: Array) -> Array:
    """Distributions relative to a reference: ``p_n / r_n``, renormalised.

    With the mean answer to content-free input as the reference this is contextual calibration with ``W =
    diag(r)^-1, b = 0`` (Zhao et al. 2021, arXiv 2102.09690); with the answer to the same words without the
    clip it is pointwise mutual information under the domain's premise, ``log p - log r`` (Holtzman et al.
    2021, arXiv 2104.08315).

    Args:
        p: shape ``(R, N)``, rows sum to 1; a row of ``nan`` stays one.
        reference: shape ``(N,)`` or ``(R, N)``.

    Returns:
        Shape ``(R, N)``; ``nan`` in a row whose reference gives a label no probability, or that shares no
        label with its reference.

    >>> divide(np.array([[0.6, 0.4]]), np.array([0.75, 0.25])).round(3).tolist()
    [[0.333, 0.667]]
    """
    reference = np.broadcast_to(reference, p.shape)
    defined = np.broadcast_to((reference > 0).all(axis=1, keepdims=True), p.shape)
    ratio = np.divide(p, reference, out=np.full(p.shape, np.nan), where=defined)
    total = ratio.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(ratio, total, out=np.full(p.shape, np.nan), where=total > 0))


def batch(p: Array) -> Array:
    """Distributions relative to their mean: what the model says to everything counts for nothing.

    It takes the labels to be equally frequent, so it undoes a true majority label as it undoes a bias.
    Source: batch calibration, Zhou et al. 2024, arXiv 2309.17249, with the whole corpus as the batch.

    Args:
        p: shape ``(R, N)``; rows of ``nan`` are left out of the mean.

    >>> batch(np.array([[0.9, 0.1], [0.7, 0.3]])).round(3).tolist()
    [[0.692, 0.308], [0.368, 0.632]]
    """
    there = ~np.isnan(p[:, 0])
    return divide(p, p[there].mean(axis=0)) if there.any() else p
