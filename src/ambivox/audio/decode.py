"""Sound files to samples at 16 kHz mono."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from ambivox.audio.integrity import (
    CONVERT,
    FORMATS,
    OPEN_LENGTH,
    check_whole,
    not_sound,
    open_sound,
    truncated,
)
from ambivox.audio.mp3 import with_length
from ambivox.errors import AudioError

Samples = NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000
"""What every speech encoder that ambivox knows was trained on."""

MIN_DURATION_S = 0.1
"""Below this no speech encoder has enough frames (25 ms each) to say anything."""

SEGMENT_TOLERANCE_S = 0.01
"""An end that passes the file by less is the rounding of a table to two decimals, and means the end."""

_BLOCK_VALUES = 2**20  # samples decoded at once, all channels together


def load_audio(path: str | Path, start_s: float | None = None, end_s: float | None = None) -> Samples:
    """Decode a sound file, or a segment of it, to 16 kHz mono.

    Reads wav, aiff, flac, ogg (vorbis, opus) and mp3 at any rate, width and channel count. Channels are
    averaged; resampling is soxr's HQ. Only the segment is decoded, so a fault of the file beyond the segment
    may go unseen.

    A truncated file is an error wherever the format lets it be known: wav, aiff and flac by their header, mp3
    by its Xing header where it has one, ogg by its missing end-of-stream mark. An mp3 without that header is
    read to its last whole frame, of which the decoder alone would lose some.

    Args:
        path: the sound file.
        start_s: where the segment starts, in seconds; None for the beginning.
        end_s: where the segment ends, in seconds; None for the end of the file.

    Returns:
        Shape ``(n_samples,)``, nominally in [-1, 1]; at least `MIN_DURATION_S` long. Silence is not an error.

    Raises:
        AudioError: no such file, not audio, truncated, a git-lfs pointer, shorter than `MIN_DURATION_S`,
            samples that are not finite, or a segment that is empty or outside the file.
    """
    path = Path(path)
    with open_sound(path) as file:
        head = check_whole(file, path)
        mended = with_length(head + file.read()) if head[:3] == b"ID3" or head[:1] == b"\xff" else None
    try:
        with sf.SoundFile(path if mended is None else BytesIO(mended)) as sound:
            samples, rate_hz = _decode(sound, path, start_s, end_s), int(sound.samplerate)
    except sf.LibsndfileError as error:
        raise not_sound(path, error) from None
    except TypeError:  # soundfile takes the ending .raw as a promise of headerless samples
        raise AudioError(f"{path}: raw samples do not say their rate and width: {CONVERT}") from None
    if len(samples) < math.floor(MIN_DURATION_S * rate_hz):
        raise AudioError(
            f"{path}: {len(samples) / rate_hz:.3g} s of audio, at least {MIN_DURATION_S} s is needed"
        )
    if not np.isfinite(samples).all():
        where = int(np.flatnonzero(~np.isfinite(samples))[0]) / rate_hz + (start_s or 0)
        raise AudioError(f"{path}: a sample at {where:.3f} s is NaN or infinite: export the file again")
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    resampled: Samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return resampled


def _decode(sound: Any, path: Path, start_s: float | None, end_s: float | None) -> Samples:
    """The segment at the file's own rate, channels averaged; shape ``(n_samples,)``."""
    if sound.format not in FORMATS or (sound.format == "MP3") != (sound.subtype == "MPEG_LAYER_III"):
        kind = f"{sound.format} ({sound.subtype})"
        raise AudioError(f"{path}: {kind} files cannot be checked for missing audio: {CONVERT}")
    rate_hz, n_frames = sound.samplerate, sound.frames
    if n_frames > OPEN_LENGTH:
        raise AudioError(f"{path}: its header does not say how long it is, so it may be cut: encode it again")
    _check_segment(path, start_s, end_s, n_frames / rate_hz)
    start = round((start_s or 0) * rate_hz)
    stop = n_frames if end_s is None else min(round(end_s * rate_hz), n_frames)

    position = sound.seek(start)
    blocks: list[Samples] = []
    while position < stop:
        wanted = min(stop - position, max(1, _BLOCK_VALUES // sound.channels))
        try:
            block = sound.read(wanted, dtype="float32", always_2d=True)
        except sf.LibsndfileError:
            block = np.empty((0, sound.channels), dtype=np.float32)
        if not len(block):
            break
        blocks.append(block.mean(axis=1, dtype=np.float32))
        position += len(block)
    if position < stop:
        raise AudioError(truncated(path, f"{position} of {n_frames} frames can be decoded"))
    return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.float32)


def _check_segment(path: Path, start_s: float | None, end_s: float | None, duration_s: float) -> None:
    for name, value in (("start", start_s), ("end", end_s)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise AudioError(f"{path}: {name} {value} s: give seconds from the beginning of the file")
    if start_s is not None and start_s >= duration_s:
        raise _outside(path, "start", start_s, duration_s)
    if end_s is not None and end_s > duration_s + SEGMENT_TOLERANCE_S:
        raise _outside(path, "end", end_s, duration_s)
    if end_s is not None and end_s <= (start_s or 0):
        raise AudioError(f"{path}: end {end_s} s is not after start {start_s or 0} s")


def _outside(path: Path, name: str, value_s: float, duration_s: float) -> AudioError:
    return AudioError(f"{path}: {name} {value_s} s is outside the file, which lasts {duration_s:.3f} s")
