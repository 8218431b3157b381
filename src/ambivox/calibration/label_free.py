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


MATCHED = 1e-9
"""How far from uniform the mean may stay."""

_MAX_STEPS = 10_000


def prior_match(p: Array) -> Array:
    """Distributions with one weight for every label, such that their mean is uniform.

    ``p_n w_n``, renormalised; of log-probabilities the weights are a shift, `batch` takes the first step
    towards them. It takes the labels to be equally frequent, and sees no votes.
    Source: Ma et al. 2024, arXiv 2311.09363; the steps are those of Sinkhorn and Knopp 1967,
    doi:10.2140/pjm.1967.21.343.

    Args:
        p: shape ``(R, N)``; rows of ``nan`` are left out of the mean.

    Returns:
        Shape ``(R, N)``; all ``nan`` where no weights make the mean uniform, since too many answers leave no
        probability for a label.

    >>> prior_match(np.array([[0.9, 0.1], [0.7, 0.3]])).round(3).tolist()
    [[0.663, 0.337], [0.337, 0.663]]
    """
    there = ~np.isnan(p[:, 0])
    if not there.any():
        return p
    matched, n_labels = p[there], p.shape[1]
    for _ in range(_MAX_STEPS):
        mean = matched.mean(axis=0)
        if not (mean > 0).all():
            break
        if np.abs(mean - 1 / n_labels).max() < MATCHED:
            found = np.full(p.shape, np.nan)
            found[there] = matched
            return found
        matched = matched / mean
        matched /= matched.sum(axis=1, keepdims=True)
    return np.full(p.shape, np.nan)
