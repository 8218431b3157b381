"""Temperature scaling against shares of votes: one number that makes predictions flatter or sharper."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ambivox.distribution import Array, as_distributions

BOUNDS = (0.05, 20.0)
"""The temperatures that are looked at."""

TINY = 1e-12
"""The least probability a label is taken to have: its logarithm is finite, and temperature can raise it."""


def with_temperature(p: ArrayLike, temperature: float) -> Array:
    """``p ** (1 / temperature)``, renormalised: above 1 flatter, below 1 sharper.

    Args:
        p: shape ``(..., N)``, distributions.

    Returns:
        Shape ``(..., N)``, distributions; the order of the labels stays.

    >>> with_temperature([.8, .2], 2.0).round(3).tolist()
    [0.667, 0.333]
    """
    return np.asarray(softmax(_logits(p) / temperature, axis=-1))


def fit_temperature(p: ArrayLike, q: ArrayLike) -> float:
    """The temperature under which predictions give votes the highest mean log-likelihood.

    Args:
        p, q: predictions and truths of a development split, shape ``(U, N)``.

    Returns:
        Within `BOUNDS`.

    Raises:
        ValueError: shapes differ, or a row is not a distribution.

    Source: Guo et al. (2017), arXiv 1706.04599, with shares of votes in place of one label.

    >>> round(fit_temperature([[.9, .1], [.1, .9]], [[.75, .25], [.25, .75]]), 2)
    2.0
    """
    logits, votes = _logits(p), as_distributions(q, "q")
    if logits.shape != votes.shape:
        raise ValueError(f"p has shape {logits.shape}, q {votes.shape}")

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=-1)
        return float(-(votes * scaled).sum(axis=-1).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(BOUNDS)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def _logits(p: ArrayLike) -> Array:
    return np.asarray(np.log(np.maximum(as_distributions(p), TINY)))
