"""Clips that are given as arrays, bytes or open files: written down, so that one reader judges all sound."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from ambivox.audio.opened import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from ambivox.errors import AudioError, UsageError

Clip = str | Path | bytes | BinaryIO | NDArray[Any]
"""A sound: a path, the bytes of a sound file, such a file opened for reading, or samples."""

RATE_FOR_ARRAYS = "rate_hz is for arrays, a sound file says its own: leave it out"


def check_rate(rate_hz: float | None) -> int | None:
    """A sample rate as a whole number; None stays None.

    Raises:
        UsageError: it is not one that sound has.

    >>> check_rate(8000.0)
    8000
    """
    if rate_hz is None:
        return None
    try:
        whole = operator.index(int(rate_hz) if float(rate_hz).is_integer() else rate_hz)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if not MIN_RATE_HZ <= whole <= MAX_RATE_HZ:
        raise UsageError(f"rate_hz {rate_hz!r}: give a whole number from {MIN_RATE_HZ} to {MAX_RATE_HZ}")
    return whole


def as_file(clip: Clip, rate_hz: int | None, path: Path) -> Path:
    """The file of a clip: the one it names, or `path`, to which its bytes or samples are written.

    Args:
        clip: see `Clip`. Samples are floats with a full scale of 1, or int16; shape ``(n_samples,)`` or
            ``(n_samples, n_channels)``.
        rate_hz: of samples, and of nothing else.
        path: where to write; its name stands for the clip in errors.

    Raises:
        AudioError: it is none of these, or its samples cannot be sound.
    """
    is_array = hasattr(clip, "__array__")
    if rate_hz is not None and not is_array:
        name = clip if isinstance(clip, str | Path) else path.name
        raise AudioError(f"{name}: {RATE_FOR_ARRAYS}")
    if isinstance(clip, str | Path):
        return Path(clip)
    if is_array:
        _write_samples(np.asarray(clip), rate_hz, path)
        return path
    try:
        content = clip.read() if hasattr(clip, "read") else clip
    except (OSError, ValueError) as error:  # a file that is closed is a ValueError
        raise AudioError(f"{path.name}: cannot be read ({error})") from None
    if isinstance(content, str):
        raise AudioError(f"{path.name}: a file opened for text: open it as bytes, with mode 'rb'")
    if not isinstance(content, bytes | bytearray | memoryview):
        kind = type(content).__name__
        raise AudioError(f"{path.name}: {kind} is not a clip: give a path, bytes, an open file or an array")
    path.write_bytes(content)
    return path


def _write_samples(samples: NDArray[Any], rate_hz: int | None, path: Path) -> None:
    if rate_hz is None:
        raise AudioError(f"{path.name}: an array does not say its rate: give rate_hz")
    if samples.ndim not in (1, 2) or not samples.size:
        what = "no samples" if samples.ndim in (1, 2) else f"an array of {samples.ndim} dimensions"
        raise AudioError(
            f"{path.name}: {what}: give samples of shape (n_samples,) or (n_samples, n_channels)"
        )
    if samples.ndim == 2 and samples.shape[1] > min(MAX_CHANNELS, samples.shape[0]):
        raise AudioError(
            f"{path.name}: shape {samples.shape} would be {samples.shape[1]} channels: transpose it to "
            "(n_samples, n_channels)"
        )
    if samples.dtype == np.int16:
        sf.write(path, samples, rate_hz, format="WAV", subtype="PCM_16")
        return
    if samples.dtype.kind != "f":
        raise AudioError(
            f"{path.name}: samples of type {samples.dtype}: give floats with a full scale of 1, or int16"
        )
    odd = ~np.isfinite(samples)
    if odd.any():
        at_s = int(np.flatnonzero(odd.reshape(len(samples), -1).any(axis=1))[0]) / rate_hz
        raise AudioError(f"{path.name}: a sample at {at_s:.3f} s is NaN or infinite")
    sf.write(path, samples.astype(np.float64), rate_hz, format="WAV", subtype="DOUBLE")
