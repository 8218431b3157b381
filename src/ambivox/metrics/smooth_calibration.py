"""Calibration error of the largest probability without bins."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct, idct
from scipy.optimize import brentq

from ambivox.metrics.calibration_error import Target, confidence_and_hit, known_choice
from ambivox.metrics.check import Ties
from ambivox.raters.distribution import Array

_CELLS = 1024
"""Of the grid on which residuals are smoothed; a confidence is split between the two cells next to it."""
_NARROWEST = 2e-3
"""Width of a kernel that spans a few cells."""
_NEGLIGIBLE = 3.0
"""Cosines beyond this over the width are multiplied by less than 1e-19."""


def smooth_ece(p: ArrayLike, q: ArrayLike, *, target: Target = "plurality", ties: Ties = "share") -> Array:
    """Calibration error of the largest probability without bins (smECE): a kernel finds its own width.

    With residuals ``r_u = target_u - confidence_u``, ``g(t) = mean_u r_u K(t, confidence_u)`` for a Gaussian
    kernel K that is reflected at 0 and 1, the error at width ``s`` is ``integral |g(t)| dt``. It falls as the
    kernel widens; the result is the one at the width that equals it. There are no bins to choose, and a
    confidence moved a little moves it a little.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.
        target, ties: as in `ece`.

    Returns:
        Shape ``()``, a difference of probabilities, range ``[0, 1]``; ``nan`` without utterances.

    Raises:
        ValueError: as `ece`.

    Source: Blasiok and Nakkiran (2023), arXiv 2309.12236 (smECE with the fixed point of its definition 3).

    >>> p, q = [[.75, .25]] * 4, [[1, 0], [1, 0], [0, 1], [0, 1]]
    >>> round(float(smooth_ece(p, q)), 3)
    0.25
    """
    known_choice("target", target, Target)
    confidence, hit = confidence_and_hit(p, q, target=target, ties=ties)
    if not len(confidence):
        return np.array(np.nan)
    return np.array(np.abs(_smoothed(confidence, hit)[1]).mean())


def smooth_ece_linearised(
    p: ArrayLike, q: ArrayLike, *, target: Target = "plurality", ties: Ties = "share"
) -> Array:
    """`smooth_ece` as one value per utterance, shape ``(U,)``, whose mean it is (see `linearised`).

    ``r_u`` times the kernel's mean, about the utterance, of the sign that the smoothed residual has.

    >>> smooth_ece_linearised([[.75, .25]] * 2, [[1, 0], [0, 1]]).round(2).tolist()
    [-0.25, 0.75]
    """
    confidence, hit = confidence_and_hit(p, q, target=target, ties=ties)
    width, curve = _smoothed(confidence, hit)
    cells, shares = _beside(confidence)
    sign = (_smooth(np.sign(curve), width)[cells] * shares).sum(axis=0)
    return np.asarray((hit - confidence) * sign)


def _smoothed(confidence: Array, hit: Array) -> tuple[float, Array]:
    """The width that equals its own error, and the residual smoothed by it, shape ``(_CELLS,)``."""
    cells, shares = _beside(confidence)
    weights = (shares * (hit - confidence)).ravel()
    residual = np.bincount(cells.ravel(), weights=weights, minlength=_CELLS) * _CELLS / len(hit)
    spectrum = dct(residual, type=2)

    def excess(width: float) -> float:
        """Of the error over the width; it falls as the kernel widens."""
        return float(np.abs(_damped(spectrum, width)).mean() - width)

    width = brentq(excess, _NARROWEST, 1.0, xtol=1e-7) if excess(_NARROWEST) > 0 else _NARROWEST
    return width, _damped(spectrum, width)


def _smooth(values: Array, width: float) -> Array:
    """Values on the grid under a Gaussian kernel that is reflected at 0 and 1."""
    return _damped(dct(values, type=2), width)


def _damped(spectrum: Array, width: float) -> Array:
    """Values under the kernel, from their cosines: it multiplies the k-th by exp(-(pi k width)^2 / 2)."""
    kept = min(_CELLS, int(_NEGLIGIBLE / width) + 1)
    damped = np.zeros_like(spectrum)
    damped[:kept] = spectrum[:kept] * np.exp(-((np.pi * np.arange(kept) * width) ** 2) / 2)
    return np.asarray(idct(damped, type=2))


def _beside(confidence: Array) -> tuple[NDArray[np.intp], Array]:
    """The two cells whose centres are next to each confidence, and its share of each; twice ``(2, U)``."""
    place = confidence * _CELLS - 0.5
    first = np.floor(place)
    cells = np.clip([first, first + 1], 0, _CELLS - 1).astype(np.intp)
    return cells, np.array([first + 1 - place, place - first])
