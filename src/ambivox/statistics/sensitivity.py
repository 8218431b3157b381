"""How far predictions move when only the prompt, or the order of the options, is another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array


@dataclass(frozen=True)
class Sensitivity:
    """The variance of predictions over conditions, clip by clip, in its parts.

    All are squared probabilities, summed over the labels; ``whole = of_mean + of_single``.

    Args:
        of_mean: of the mean prediction over all clips: the condition pushes every clip the same way.
        of_single: of single predictions beyond that.
        per_clip: shape ``(U,)``, the whole variance of each clip; its mean is `whole`.
        between_clips: shape ``(U,)``, how far each clip's mean prediction is from that of all clips, less
            what the conditions leave of that; may be below 0 for a single clip.
    """

    of_mean: float
    of_single: float
    per_clip: Array
    between_clips: Array

    @property
    def whole(self) -> float:
        """The variance over conditions of a single prediction, averaged over the clips."""
        return self.of_mean + self.of_single

    @property
    def reliability(self) -> float:
        """The share of all variance that lies between clips: 1 is steady, 0 only follows the condition.

        A readout that always says the same has no variance at all, and no reliability (``nan``).
        """
        signal, noise = float(self.between_clips.mean()), self.whole
        return signal / (signal + noise) if signal + noise > 1e-12 else float("nan")


def sensitivity(p: ArrayLike) -> Sensitivity:
    """Split the variance of predictions over C conditions (prompts, or orders of the options).

    With ``m_c`` the mean of ``p_cu`` over clips u,
    ``mean_u var_c p_cu = var_c m_c + mean_u var_c (p_cu - m_c)``,
    summed over the labels; variances are over the conditions, unbiased.

    Args:
        p: shape ``(C, U, N)``, C and U at least 1; distributions.

    Raises:
        ValueError: another shape, or fewer than two conditions.

    Source: the analysis of variance of a two-way table, Scheffe (1959), The Analysis of Variance, chapter 4.

    >>> import numpy as np
    >>> moved = np.array([[[.6, .4], [.9, .1]], [[.4, .6], [.7, .3]]])
    >>> found = sensitivity(moved)
    >>> round(found.of_mean, 3), round(found.of_single, 3)
    (0.04, 0.0)
    """
    array = np.asarray(p, dtype=np.float64)
    if array.ndim != 3 or not array.shape[1]:
        raise ValueError(f"p has shape {array.shape}, expected (C, U, N) with at least one clip")
    if len(array) < 2:
        raise ValueError(f"{len(array)} condition(s): at least 2 are needed for a sensitivity")
    mean = array.mean(axis=1)
    of_mean = float(mean.var(axis=0, ddof=1).sum())
    per_clip = array.var(axis=0, ddof=1).sum(axis=-1)
    centre = array.mean(axis=0)
    between = ((centre - centre.mean(axis=0)) ** 2).sum(axis=-1)
    # Part of the variance of clip means is not signal: the conditions alone would leave it there. Each clip's
    # own part is taken off, so that the values scatter as their mean does from corpus to corpus.
    residual = (array - mean[:, None]).var(axis=0, ddof=1).sum(axis=-1)
    return Sensitivity(of_mean, float(residual.mean()), per_clip, between - residual / len(array))
