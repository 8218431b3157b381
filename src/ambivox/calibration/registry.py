"""The calibrations by name, and what each needs."""

from __future__ import annotations

from ambivox.calibration.calibration import Calibration, as_calibration
from ambivox.calibration.fitted import fit_temperature, fit_vector
from ambivox.calibration.label_free import batch, prior_match
from ambivox.registry import Registry

_BUILT_IN = (
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
    Calibration("batch", "divide by the mean answer to all clips", function=batch),
    Calibration("prior-match", "weigh the labels until their mean is uniform", function=prior_match),
    Calibration("temperature", "one scale, fitted to votes of other speakers", fit=fit_temperature),
    Calibration("vector", "a scale and a shift per label, fitted likewise", fit=fit_vector),
)

CALIBRATIONS = Registry(
    "calibration",
    group="ambivox.calibrations",
    accept=as_calibration,
    built_in={calibration.name: calibration for calibration in _BUILT_IN},
)
"""Calibrations by name; other packages add theirs as entry points of the group ``ambivox.calibrations``."""
