"""What a calibration is, and what other packages may register as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ambivox.calibration.fitted import Scaling
from ambivox.errors import AmbivoxError
from ambivox.guarded import Guarded, a_, check_function, summary_of
from ambivox.raters.distribution import Array, as_distributions


@dataclass(frozen=True)
class Calibration:
    """A named way from distributions to distributions: one of `controls`, `function` and `fit` says which.

    Args:
        controls: the controls whose answers it divides by, their mean where there are several.
        by_clip: divide by the answer to just the same words, transcript included, not by the mean over clips.
        function: for those that need nothing else, from all readings of one kind to as many, both of shape
            ``(R, N)``; a row of ``nan`` is a failed reading and stays so.
        fit: for those that need a development split, from predictions and votes to a `Scaling`.
    """

    name: str
    description: str
    controls: tuple[str, ...] = ()
    by_clip: bool = False
    function: Callable[[Array], Array] | None = None
    fit: Callable[[Array, Array], Scaling] | None = None


_P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
_Q = np.array([[0.5, 0.5, 0.0], [0.2, 0.7, 0.1], [0.4, 0.0, 0.6], [0.9, 0.1, 0.0]])


def as_calibration(name: str, item: object) -> Calibration:
    """A calibration from a `Calibration`, or from a plain function ``p -> p``.

    The function takes all readings of one kind that have a distribution, shape ``(R, N)``, and gives as many.
    It sees no votes; what is fitted to votes is a `Calibration` with ``fit``.

    Raises:
        ValueError: it is neither, or what it gives are not distributions.

    >>> flatter = as_calibration("flatter", lambda p: (p + 1 / p.shape[1]) / 2)
    >>> flatter.function(np.array([[1.0, 0.0], [np.nan, np.nan]])).tolist()
    [[0.75, 0.25], [nan, nan]]
    """
    if callable(item):
        function = check_function(item, "p")
        item = Calibration(name, summary_of(function), function=function)
    if not isinstance(item, Calibration):
        raise ValueError(f"expected a Calibration or a function (p), not {a_(item)}")
    if item.name != name:
        raise ValueError(f"it calls itself {item.name!r}: name and entry point must be the same")
    if [bool(item.controls), item.function is not None, item.fit is not None].count(True) != 1:
        raise ValueError("expected one of controls, function and fit")
    what = f"calibration {name!r}"
    calibration = replace(
        item,
        function=item.function and Guarded(what, partial(_of_readable, item.function)),
        fit=item.fit and Guarded(what, item.fit, _as_scaling),
    )
    try:
        if calibration.function is not None:
            calibration.function(_P)
        if calibration.fit is not None:
            calibration.fit(_P, _Q)
    except AmbivoxError as error:
        raise ValueError(f"trying it: {error}") from error
    return calibration


def _of_readable(function: Callable[[Array], ArrayLike], p: Array) -> Array:
    """The function on the rows that have a distribution; rows of ``nan`` stay so."""
    readable = ~np.isnan(p[:, 0])
    calibrated = np.full(p.shape, np.nan)
    if readable.any():
        rows = np.asarray(function(p[readable]), dtype=np.float64)
        if rows.shape != p[readable].shape:
            raise ValueError(f"it gives shape {rows.shape} for {p[readable].shape}")
        as_distributions(rows[~np.isnan(rows).all(axis=1)], "its result,")
        calibrated[readable] = rows
    return calibrated


def _as_scaling(result: object, p: Array, q: Array) -> Scaling:
    if not isinstance(result, Scaling):
        raise ValueError(f"it gives {a_(result)}, expected a Scaling")
    return result
