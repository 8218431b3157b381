"""The calibrations by name, and what each needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ambivox.calibration.fitted import Scaling, fit_temperature, fit_vector
from ambivox.raters.distribution import Array
from ambivox.registry import Registry


@dataclass(frozen=True)
class Calibration:
    """A named way from distributions to distributions.

    Args:
        controls: the controls whose answers it divides by, their mean where there are several.
        by_clip: divide by the answer to just the same words, transcript included, not by the mean over clips.
        fit: for those that need a development split, from predictions and votes to a `Scaling`.
    """

    name: str
    description: str
    controls: tuple[str, ...] = ()
    by_clip: bool = False
    fit: Callable[[Array, Array], Scaling] | None = None


CALIBRATIONS: Registry[Calibration] = Registry("calibration", group="ambivox.calibrations")

for _calibration in (
    Calibration("content-free-silence", "divide by the mean answer to silence", ("silence",)),
    Calibration("content-free-noise", "divide by the mean answer to noise", ("noise",)),
    Calibration("content-free-no-audio", "divide by the answer without audio", ("no-audio",)),
    Calibration("contextual", "divide by the mean over all three", ("silence", "noise", "no-audio")),
    Calibration(
        "pmi",
        "divide by the answer to the same words without the clip",
        ("no-audio", "transcript-only"),
        by_clip=True,
    ),
    Calibration("batch", "divide by the mean answer to all clips"),
    Calibration("temperature", "one scale, fitted to votes of other speakers", fit=fit_temperature),
    Calibration("vector", "a scale and a shift per label, fitted likewise", fit=fit_vector),
):
    CALIBRATIONS.add(_calibration.name, _calibration)
