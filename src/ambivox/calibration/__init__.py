"""Calibration: from distributions to distributions, without labels or fitted to a development split."""

from ambivox.calibration.calibration import Calibration
from ambivox.calibration.fitted import (
    Fit,
    Scaling,
    cross_entropy_nats,
    cross_fit,
    fit_temperature,
    fit_vector,
    fit_weights,
)
from ambivox.calibration.kept import HeldOut, KeptCalibration, KeptFit, kept_fit_of, read_kept, write_kept
from ambivox.calibration.label_free import batch, divide, prior_match
from ambivox.calibration.registry import CALIBRATIONS

__all__ = [
    "CALIBRATIONS",
    "Calibration",
    "Fit",
    "HeldOut",
    "KeptCalibration",
    "KeptFit",
    "Scaling",
    "batch",
    "cross_entropy_nats",
    "cross_fit",
    "divide",
    "fit_temperature",
    "fit_vector",
    "fit_weights",
    "kept_fit_of",
    "prior_match",
    "read_kept",
    "write_kept",
]
