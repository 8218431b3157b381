"""Apply a calibration that was kept: to readings as they are made, with the ones before beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ambivox.calibration import KeptCalibration, Scaling, read_kept
from ambivox.emotions import EmotionSet
from ambivox.prompts import Prompt
from ambivox.readouts import Reading, Readout

Calibrate = str | Path | KeptCalibration | None
"""A calibration: the file that `ambivox calibrate` wrote, or what `ambivox.calibrate` gave."""


def kept_calibration(given: Calibrate) -> KeptCalibration | None:
    """The calibration of a file, or the one that is given."""
    return read_kept(given) if isinstance(given, str | Path) else given


def check_kept(
    kept: KeptCalibration | None, wanted: Iterable[tuple[Prompt, Iterable[Readout]]], emotions: EmotionSet
) -> None:
    """Refuse what can be seen to be something else before the model is loaded.

    Raises:
        UsageError: the calibration is for other emotions, or was fitted to none of a prompt and readout.
    """
    if kept is None:
        return
    kept.check_emotions(emotions.labels)
    for prompt, readouts in wanted:
        for readout in readouts:
            if readout.formats is None or prompt.format in readout.formats:
                kept.fit_of(prompt.name, readout.spec)


def calibrated(reading: Reading, scaling: Scaling, method: str) -> Reading:
    """The reading with its distribution calibrated, and the one before kept; one without stays as it is."""
    p = reading.distribution
    if p is None:
        return reading
    return replace(reading, distribution=scaling(p[np.newaxis])[0], calibration=method, uncalibrated=p)
