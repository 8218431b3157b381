"""A calibration that is kept in a file: fitted once to a run with votes, applied to what is read later."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from ambivox.calibration.calibration import Calibration
from ambivox.calibration.fitted import Fit, Scaling, fit_weights
from ambivox.calibration.label_free import batch, prior_match
from ambivox.calibration.registry import CALIBRATIONS
from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.location import location
from ambivox.write_aside import write_text

_WEIGHTS = {"batch": batch, "prior-match": prior_match}
"""Those without labels that come down to a weight for each label."""

_Pair = tuple[FiniteFloat, FiniteFloat]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HeldOut(_Strict):
    """How well a calibration fits clips that it was not fitted to."""

    on: Literal["folds of speakers", "folds of clips", "other speakers"]
    """Each fold, by what was fitted to the others; or all clips but those of development speakers. Folds of
    clips, where a speaker is not known, may share voices."""
    n_clips: int
    """How many clips they are."""
    loss_nats: _Pair
    """Mean cross-entropy with the votes, before and after."""
    jsd_bits: _Pair
    """Mean Jensen-Shannon divergence from the votes, before and after."""


class KeptFit(_Strict):
    """What was fitted to the readings of one readout of the answers to one prompt."""

    prompt: str
    """Its name."""
    texts: tuple[str, ...]
    """Hashes of what the prompt came to, by the order of its options."""
    readout: str
    """As it is written, such as ``first``."""
    scale: tuple[FiniteFloat, ...]
    """Of the logarithm of each probability."""
    shift: tuple[FiniteFloat, ...]
    """Added to it, before it is normalised."""
    at_end: bool
    """Whether the temperature is the smallest or largest that is tried: a flat guess suits as well."""
    n_readings: int
    """It was fitted to so many."""
    n_clips: int
    """They are about so many clips."""
    n_speakers: int | None
    """Of so many speakers; null where the corpus does not say."""
    n_failed: int
    """So many readings had no distribution, and were left out."""
    loss_nats: _Pair
    """Mean cross-entropy on the clips it was fitted to, before and after: too good to be true of others."""
    held_out: HeldOut | None
    """The same on clips of others; null where there were too few."""

    @property
    def scaling(self) -> Scaling:
        """What turns distributions into calibrated ones."""
        return Scaling(np.array(self.scale), np.array(self.shift), self.loss_nats)


class KeptCalibration(_Strict):
    """Everything that was fitted for one model on one run, and what it may be applied to."""

    format: Literal["ambivox-calibration-1"] = "ambivox-calibration-1"
    method: str
    """The name of the calibration."""
    model: str
    """How the model was named."""
    fingerprint: str
    """Of the model; another one is refused."""
    emotions: tuple[str, ...]
    """Labels of the emotion set; another one is refused."""
    corpora: tuple[str, ...]
    """Names of the corpora whose votes it was fitted to."""
    fits: Annotated[tuple[KeptFit, ...], Field(min_length=1)]
    """One for each prompt and readout."""

    @model_validator(mode="after")
    def _check_lengths(self) -> KeptCalibration:
        for fit in self.fits:
            if not len(fit.scale) == len(fit.shift) == len(self.emotions):
                raise ValueError(f"{fit.prompt}/{fit.readout}: give a scale and a shift for every label")
        return self

    @property
    def readouts(self) -> dict[str, list[str]]:
        """The readouts that it is for, by prompt."""
        found: dict[str, list[str]] = {}
        for fit in self.fits:
            found.setdefault(fit.prompt, []).append(fit.readout)
        return found

    @property
    def content_hash(self) -> str:
        """All of it as 16 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def check_model(self, fingerprint: str, labels: tuple[str, ...]) -> None:
        """Refuse a model or an emotion set that it was not fitted to.

        Raises:
            UsageError: it is another one.
        """
        self.check_emotions(labels)
        if fingerprint != self.fingerprint:
            raise UsageError(
                f"calibration: fitted to another model ({self.model}, fingerprint {self.fingerprint[:12]}, "
                f"not {fingerprint[:12]}): fit one to a run of this model"
            )

    def check_emotions(self, labels: tuple[str, ...]) -> None:
        """Refuse another emotion set.

        Raises:
            UsageError: it is another one.
        """
        if labels != self.emotions:
            raise UsageError(
                f"calibration: fitted to the emotions {', '.join(self.emotions)}, not {', '.join(labels)}: "
                "fit one to a run with these"
            )

    def scaling_of(self, prompt: str, text_hash: str, readout: str) -> Scaling:
        """What was fitted for a prompt, as it is worded, and a readout.

        Raises:
            UsageError: nothing was.
        """
        fit = self.fit_of(prompt, readout)
        if text_hash not in fit.texts:
            raise UsageError(
                f"calibration: the prompt {prompt!r} was worded otherwise, or its options stood in another "
                "order, when it was fitted: ask as the run did, or fit one to a run of this"
            )
        return fit.scaling

    def fit_of(self, prompt: str, readout: str) -> KeptFit:
        """What was fitted for a prompt and a readout, by name.

        Raises:
            UsageError: nothing was.
        """
        for fit in self.fits:
            if (fit.prompt, fit.readout) == (prompt, readout):
                return fit
        self.refuse(f"{prompt}/{readout}")

    def refuse(self, asked: str) -> NoReturn:
        """Say that it was fitted to other prompts and readouts.

        Raises:
            UsageError: always.
        """
        fitted = ", ".join(f"{fit.prompt}/{fit.readout}" for fit in self.fits)
        raise UsageError(f"calibration: not fitted to {asked}, only to {fitted}: ask for what it has")


def kept_fit_of(name: str) -> Fit:
    """How a calibration is fitted that can be kept: by name, such as ``temperature``.

    Raises:
        UsageError: there is no such calibration, or it needs more than a distribution when it is applied.
    """
    if name in _WEIGHTS:
        return fit_weights(_WEIGHTS[name])
    calibration: Calibration = CALIBRATIONS[name]
    if calibration.fit is None:
        can = [other for other in CALIBRATIONS if other in _WEIGHTS or CALIBRATIONS[other].fit]
        raise UsageError(f"calibration {name!r}: cannot be kept: choose one of {', '.join(sorted(can))}")
    return calibration.fit


def write_kept(kept: KeptCalibration, path: Path) -> None:
    """Write it as JSON, whole or not at all.

    Raises:
        UsageError: the path is not one of a plain file.
        AmbivoxError: it cannot be written.
    """
    write_text(path, kept.model_dump_json(indent=1) + "\n")


def read_kept(path: str | Path) -> KeptCalibration:
    """Read what `write_kept` wrote.

    Raises:
        UsageError: there is no such file, or it holds something else.
        AmbivoxError: it cannot be read.
    """
    try:
        return KeptCalibration.model_validate_json(location(path).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; 'ambivox calibrate RUN -o {path}' writes one") from None
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        said = ": ".join([*map(str, first["loc"]), first_line(first["msg"].removeprefix("Value error, "))])
        raise UsageError(f"{path}: not a calibration that 'ambivox calibrate' wrote ({said})") from None
