"""Calibration: from distributions to distributions, without labels or fitted to a development split."""

from ambivox.calibration.calibration import Calibration
from ambivox.calibration.fitted import Scaling, fit_temperature, fit_vector
from ambivox.calibration.label_free import batch, divide, prior_match
from ambivox.calibration.registry import CALIBRATIONS

__all__ = [
    "CALIBRATIONS",
    "Calibration",
    "Scaling",
    "batch",
    "divide",
    "fit_temperature",
    "fit_vector",
    "prior_match",
]
