"""Skill: a score as a place between a control and perfection."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array


def skill(score: ArrayLike, control: ArrayLike, *, lower_is_better: bool) -> Array:
    """How much of the way from a control to perfection a score has gone.

    ``(control - score) / (control - perfect)``: with ``perfect = 0`` for lower-is-better metrics that is
    ``1 - score / control``, with ``perfect = 1`` for the others ``(score - control) / (1 - control)``.

    Args:
        score, control: the same metric for the model and for the control, shapes that broadcast.
        lower_is_better: as in `Metric.lower_is_better`.

    Returns:
        The broadcast shape, no unit, range ``[-inf, 1]``: 1 is perfect, 0 as good as the control, negative
        worse. ``nan`` where the control is perfect already or not finite.

    Source: Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2.

    >>> float(skill(.2, .4, lower_is_better=True)), float(skill(.75, .5, lower_is_better=False))
    (0.5, 0.5)
    """
    scores, controls = np.broadcast_arrays(np.asarray(score, np.float64), np.asarray(control, np.float64))
    room = controls - (0.0 if lower_is_better else 1.0)
    defined = np.isfinite(controls) & (room != 0)
    gained = np.subtract(controls, scores, out=np.full(scores.shape, np.nan), where=defined)
    share: Array = np.divide(gained, room, out=np.full(scores.shape, np.nan), where=defined)
    return share
