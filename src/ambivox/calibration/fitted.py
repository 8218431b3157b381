"""Calibration on a development split: one temperature, or a scale and a shift for every label.

Both are fitted to the votes as they are: they minimise the mean cross-entropy ``-sum_n q_n log p_n``
in nats.
Source: Guo et al. 2017, arXiv 1706.04599, with shares of votes in place of one label.
Shapes: R readings, N labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ambivox.raters.distribution import Array

FLOOR = 1e-6
"""Smaller probabilities count as this, or the logarithm of a printed 0 would rule out every scale."""

PENALTY = 1e-4
"""Of the squared distance from no change, in nats: few clips can be told apart, and scales would run away."""

_LOG_T = (-4.0, 4.0)


@dataclass(frozen=True)
class Scaling:
    """``softmax(scale * log p + shift)``, with one scale for all labels and no shift, or one for each.

    Args:
        scale: shape ``(N,)``.
        shift: shape ``(N,)``.
        loss_nats: mean cross-entropy on the clips it was fitted to, before and after.
    """

    scale: Array
    shift: Array
    loss_nats: tuple[float, float]

    @property
    def temperature(self) -> float:
        """``1 / scale``, of a single scale: above 1 flattens."""
        return float(1 / self.scale[0])

    @property
    def at_end(self) -> bool:
        """Whether the temperature is the smallest or largest that is tried: a flat guess suits as well."""
        return bool(abs(np.log(self.temperature)) > 0.999 * _LOG_T[1])

    def __call__(self, p: Array) -> Array:
        """Shape ``(R, N)`` -> the same, calibrated; rows of ``nan`` stay so."""
        from scipy.special import softmax  # scipy takes a while to import: only those who calibrate wait

        return np.asarray(softmax(self.scale * _log(p) + self.shift, axis=1))


Fit = Callable[[Array, Array], Scaling]
"""From predictions and votes, both of shape ``(R, N)``, to what suits them."""


def fit_temperature(p: Array, q: Array) -> Scaling:
    """The temperature that suits the votes best.

    Args:
        p: shape ``(R, N)``, predictions; no ``nan``.
        q: shape ``(R, N)``, shares of votes.

    >>> p, q = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.75, 0.25], [0.25, 0.75]])
    >>> round(fit_temperature(p, q).temperature, 2)  # log(.9/.1) / log(.75/.25)
    2.0
    """
    from scipy.optimize import minimize_scalar

    z = _log(p)
    found = minimize_scalar(
        lambda log_t: _loss(z * np.exp(-log_t), q), bounds=_LOG_T, method="bounded", options={"xatol": 1e-6}
    )
    n_labels = p.shape[1]
    scale = np.full(n_labels, np.exp(-found.x))
    return Scaling(scale, np.zeros(n_labels), (_loss(z, q), _loss(z * scale, q)))


def fit_vector(p: Array, q: Array) -> Scaling:
    """A scale and a shift for every label that suit the votes best, held near no change by `PENALTY`.

    Args:
        p, q: as in `fit_temperature`.
    """
    from scipy.optimize import minimize
    from scipy.special import softmax

    z, n_labels = _log(p), p.shape[1]
    start = np.concatenate([np.ones(n_labels), np.zeros(n_labels)])

    def loss_and_slope(x: Array) -> tuple[float, Array]:
        logits = x[:n_labels] * z + x[n_labels:]
        error = (softmax(logits, axis=1) - q) / len(z)
        slope = np.concatenate([(error * z).sum(axis=0), error.sum(axis=0)])
        away = x - start
        return _loss(logits, q) + PENALTY * float(away @ away), slope + 2 * PENALTY * away

    x = minimize(loss_and_slope, start, jac=True, method="L-BFGS-B").x
    scale, shift = x[:n_labels], x[n_labels:]
    return Scaling(scale, shift, (_loss(z, q), _loss(scale * z + shift, q)))


def fit_weights(weigh: Callable[[Array], Array]) -> Fit:
    """What a calibration without labels weighs each label with, as a shift that can be kept.

    Args:
        weigh: such as `batch`: from all readings, shape ``(R, N)``, to ``p_n w_n``, renormalised.

    Returns:
        A fit that takes votes and does not look at them, but for its loss. It raises `ValueError` where the
        weights are not defined on some readings.

    >>> from ambivox.calibration import batch
    >>> p = np.array([[0.9, 0.1], [0.7, 0.3]])
    >>> np.abs(fit_weights(batch)(p, p)(p) - batch(p)).max() < 1e-12
    np.True_
    """

    def fit(p: Array, q: Array) -> Scaling:
        weighed = weigh(p)
        told = np.isfinite(weighed).all(axis=1) & (weighed > 0).all(axis=1) & (p > 0).all(axis=1)
        if not told.any():
            raise ValueError("no weights: a label has no probability in any answer")
        shift = np.log(weighed[told] / p[told])  # of every reading the same, but for what renormalises it
        shift = (shift - shift.mean(axis=1, keepdims=True)).mean(axis=0)
        z = _log(p)
        return Scaling(np.ones(p.shape[1]), shift, (_loss(z, q), _loss(z + shift, q)))

    return fit


def cross_fit(fit: Fit, p: Array, q: Array, folds: NDArray[np.intp]) -> tuple[Array, tuple[Scaling, ...]]:
    """Each fold calibrated by what was fitted to the others, so that no reading meets its own votes.

    Args:
        fit: such as `fit_temperature`.
        p, q: as there.
        folds: shape ``(R,)``, at least two different.

    Returns:
        Shape ``(R, N)``, and what was fitted for each fold in order.
    """
    calibrated, scalings = np.empty_like(p), []
    for fold in np.unique(folds):
        scaling = fit(p[folds != fold], q[folds != fold])
        calibrated[folds == fold] = scaling(p[folds == fold])
        scalings.append(scaling)
    return calibrated, tuple(scalings)


def cross_entropy_nats(p: Array, q: Array) -> float:
    """Mean of ``-sum_n q_n log p_n``, what `fit_temperature` and `fit_vector` make small.

    >>> round(cross_entropy_nats(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])), 3)
    0.693
    """
    return _loss(_log(p), q)


def _log(p: Array) -> Array:
    return np.asarray(np.log(np.maximum(p, FLOOR)))


def _loss(logits: Array, q: Array) -> float:
    from scipy.special import log_softmax

    return float(-(q * log_softmax(logits, axis=1)).sum(axis=1).mean())
