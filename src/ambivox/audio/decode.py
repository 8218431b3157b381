"""Sound files to samples at 16 kHz mono, along with the facts about them: the one reader of everybody."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from ambivox.audio.cautions import AudioCaution
from ambivox.audio.fetched import on_disk
from ambivox.audio.measure import (
    CANCELLED_SHARE,
    FULL_SCALE,
    Channels,
    channel_caution,
    is_silent,
    measured_cautions,
)
from ambivox.audio.opened import Sounds, opened
from ambivox.errors import AudioError, UsageError

Samples = NDArray[np.float32]

Channel = int | Literal["mix"] | None
"""Which channel of a file: a number from 0, their average by name, or their average for want of a choice."""


def channel_named(name: str | None) -> Channel:
    """A channel from its name in a record or on a command line.

    >>> channel_named("1"), channel_named("mix"), channel_named(None)
    (1, 'mix', None)

    Raises:
        UsageError: neither a whole number nor ``mix``.
    """
    if name is None or name == "mix":
        return name  # type: ignore[return-value]
    if name.isdecimal() and name.isascii():
        return int(name)
    raise UsageError(f"channel {name!r}: give a number from 0, or 'mix' for the average of all")


SAMPLE_RATE_HZ = 16_000
"""What every speech encoder that ambivox knows was trained on."""

MIN_DURATION_S = 0.1
"""Below this no speech encoder has enough frames (25 ms each) to say anything."""

MAX_SAMPLES = 2**27
"""Of what is heard at once, before and after resampling: 46 minutes at 48 kHz, 2.3 hours at 16 kHz."""

MAX_FLOAT_PEAK = 16.0
"""Float samples beyond it were not meant for a full scale of 1."""

SEGMENT_TOLERANCE_S = 0.01
"""An end that passes the file by less is the rounding of a table to two decimals, and means the end."""


@dataclass(frozen=True)
class AudioFacts:
    """What is known about a sound once it was decoded.

    Args:
        duration_s: of the segment that was asked for, or of the whole file.
        sample_rate_hz: of the file.
        n_channels: of the file.
        silent: whether the segment is digital silence throughout.
        cautions: what is odd about the file or the segment; empty for an ordinary one.
    """

    duration_s: float
    sample_rate_hz: int
    n_channels: int
    silent: bool = False
    cautions: tuple[AudioCaution, ...] = ()


def load_audio(
    path: str | Path, start_s: float | None = None, end_s: float | None = None, channel: Channel = None
) -> Samples:
    """Decode a sound file, or a segment of it, to 16 kHz mono; see `read_audio`.

    Returns:
        Shape ``(n_samples,)``, nominally in [-1, 1]; at least `MIN_DURATION_S` long. Silence is not an error.

    Raises:
        AudioError: as `read_audio`.
    """
    return read_audio(path, start_s, end_s, channel)[0]


def audio_facts(
    path: str | Path, start_s: float | None = None, end_s: float | None = None, channel: Channel = None
) -> AudioFacts:
    """The facts about a sound file or a segment of it; decoded as `read_audio` does, but not resampled.

    Raises:
        AudioError: as `read_audio`, of which this is the first part, so that the two agree.
    """
    return _decode(path, start_s, end_s, channel)[1]


def read_audio(
    path: str | Path, start_s: float | None = None, end_s: float | None = None, channel: Channel = None
) -> tuple[Samples, AudioFacts]:
    """Decode a sound file, or a segment of it, to 16 kHz mono, and say what is odd about it.

    Reads wav, w64, aiff, flac, ogg (vorbis, opus) and mp3 at any sane rate, width and channel count; other
    containers through ffmpeg where it is installed. Channels are averaged unless one is chosen; resampling is
    soxr's HQ. Only the segment is decoded, so a fault of the file beyond the segment may go unseen.

    What a file promises is compared with what it holds. Files in one another's tail are heard whole. What is
    cut, damaged or ambiguous is an error; what is odd but can be read in one way only is a caution.

    Args:
        path: the sound file, or its address in storage (``s3://bucket/clips/a.wav``).
        start_s: where the segment starts, in seconds; None for the beginning.
        end_s: where the segment ends, in seconds; None for the end of the file.
        channel: a number from 0, ``"mix"`` for the average of all, or None: also the average, with a caution
            where the channels differ much and an error where they cancel out.

    Returns:
        Samples, shape ``(n_samples,)``, nominally in [-1, 1], at least `MIN_DURATION_S` long; and the facts.

    Raises:
        AudioError: no such file, not audio, truncated, damaged, a git-lfs pointer, a pipe or a device, a rate
            or number of channels that cannot be, shorter than `MIN_DURATION_S`, more than `MAX_SAMPLES`,
            samples that are not finite or of no known scale, no such channel, or a segment that is empty or
            outside the file.
    """
    samples, facts = _decode(path, start_s, end_s, channel)
    return at_16_khz(samples, facts.sample_rate_hz), facts


def at_16_khz(samples: Samples, rate_hz: int) -> Samples:
    """Samples at `SAMPLE_RATE_HZ`, resampled by soxr's HQ where they are not."""
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    resampled: Samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return resampled


def _decode(
    name: str | Path, start_s: float | None, end_s: float | None, channel: Channel
) -> tuple[Samples, AudioFacts]:
    """The segment at the file's own rate, and the facts."""
    with on_disk(name) as path, opened(path) as (sounds, cautions):
        check_channel(path, channel, sounds.n_channels)
        start, stop = frames_of(path, start_s, end_s, sum(sounds.n_frames), sounds.rate_hz)
        scale, odd = float_scale(sounds)
        samples, channels = read_frames(sounds, start, stop, channel)
    return judged(sounds, start, samples, channels, channel, scale, [*cautions, *odd])


def judged(
    sounds: Sounds,
    start: int,
    samples: Samples,
    channels: Channels,
    channel: Channel,
    scale: float,
    cautions: Sequence[AudioCaution],
) -> tuple[Samples, AudioFacts]:
    """The samples from frame `start` on as they are heard, and the facts, with what is odd about the file.

    Raises:
        AudioError: too short, not finite, or channels that cancel out.
    """
    path, rate_hz, n_channels, where_s = (
        sounds.path,
        sounds.rate_hz,
        sounds.n_channels,
        start / sounds.rate_hz,
    )
    check_length(path, len(samples), rate_hz)
    if not np.isfinite(samples).all():
        where_s += int(np.flatnonzero(~np.isfinite(samples))[0]) / rate_hz
        raise AudioError(f"{path}: a sample at {where_s:.3f} s is NaN or infinite: export the file again")
    if scale != 1:
        samples *= np.float32(1 / scale)
    found = [*cautions, *_channel_cautions(path, channel, channels, n_channels)]
    silent = is_silent(samples)
    if not silent:
        found += measured_cautions(samples, rate_hz, 0.0 if sounds.has_floats else channels.share_at_rails)
    unique = tuple(dict.fromkeys(found))
    return samples, AudioFacts(len(samples) / rate_hz, rate_hz, n_channels, silent, unique)


def check_length(path: Path, n_frames: int, rate_hz: int) -> None:
    """Raise an `AudioError` for less sound than any speech encoder hears."""
    if n_frames < min_frames(rate_hz):
        raise AudioError(
            f"{path}: {n_frames / rate_hz:.3g} s of audio, at least {MIN_DURATION_S} s is needed"
        )


def min_frames(rate_hz: int) -> int:
    """How many frames `MIN_DURATION_S` are at a rate."""
    return math.floor(MIN_DURATION_S * rate_hz)


def check_channel(path: Path, channel: Channel, n_channels: int) -> None:
    """Raise an `AudioError` for a channel that a file of so many has not."""
    if channel is None or channel == "mix":
        return
    if isinstance(channel, bool) or not isinstance(channel, int) or channel < 0:
        raise AudioError(f"{path}: channel {channel!r}: give a number from 0, or 'mix' for the average")
    if channel >= n_channels:
        has = "one channel, 0" if n_channels == 1 else f"channels 0 to {n_channels - 1}"
        raise AudioError(f"{path}: no channel {channel}: it has {has}")


def frames_of(
    path: Path, start_s: float | None, end_s: float | None, n_frames: int, rate_hz: int
) -> tuple[int, int]:
    """The frames of the segment, from the first up to the second."""
    duration_s = n_frames / rate_hz
    for name, value in (("start", start_s), ("end", end_s)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise AudioError(f"{path}: {name} {value} s: give seconds from the beginning of the file")
    if start_s is not None and start_s >= duration_s:
        raise _outside(path, "start", start_s, duration_s)
    if end_s is not None and end_s > duration_s + SEGMENT_TOLERANCE_S:
        raise _outside(path, "end", end_s, duration_s)
    if end_s is not None and end_s <= (start_s or 0):
        raise AudioError(f"{path}: end {end_s} s is not after start {start_s or 0} s")
    start = round((start_s or 0) * rate_hz)
    stop = n_frames if end_s is None else min(round(end_s * rate_hz), n_frames)
    if (stop - start) * max(1.0, SAMPLE_RATE_HZ / rate_hz) > MAX_SAMPLES:
        raise AudioError(
            f"{path}: {(stop - start) / rate_hz:.0f} s of sound at {rate_hz} Hz is more than is heard "
            "at once: give a start and an end"
        )
    return start, stop


def _outside(path: Path, name: str, value_s: float, duration_s: float) -> AudioError:
    return AudioError(f"{path}: {name} {value_s} s is outside the file, which lasts {duration_s:.3f} s")


def read_frames(sounds: Sounds, start: int, stop: int, channel: Channel) -> tuple[Samples, Channels]:
    """Those frames as one channel, and sums over all channels."""
    samples = np.empty(stop - start, dtype=np.float32)
    channels = Channels(sounds.n_channels, sounds.is_lossy)
    filled = 0
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # samples that are not finite are refused by the caller
        for block in sounds.blocks(start, stop):
            mix = block.mean(axis=1, dtype=np.float32)
            channels.add(block, mix)
            chosen = mix if channel is None or channel == "mix" else block[:, channel]
            samples[filled : filled + len(block)] = chosen
            filled += len(block)
    return samples, channels


def float_scale(sounds: Sounds) -> tuple[float, list[AudioCaution]]:
    """What float samples count as full scale, from the whole file, whichever segment is asked for; else 1."""
    if not sounds.has_floats:
        return 1.0, []
    peak, whole = 0.0, True
    for block in sounds.blocks(0, sum(sounds.n_frames)):
        finite = block[np.isfinite(block)]
        peak = max(peak, float(np.abs(finite).max(initial=0)))
        whole = whole and bool((finite == np.rint(finite)).all())
    if whole and 2**8 < peak <= 2**15:
        text = (
            f"its float samples are whole numbers up to {peak:.0f}: heard as 16-bit samples, divided by 32768"
        )
        return 2.0**15, [AudioCaution("whole-numbers", text)]
    if peak > MAX_FLOAT_PEAK or (whole and peak > FULL_SCALE):
        raise AudioError(
            f"{sounds.path}: its float samples reach {peak:.6g} where full scale is 1: divide them by what "
            "they were scaled with, as 32768 for 16-bit values, and export the file again"
        )
    return 1.0, []


def _channel_cautions(
    path: Path, channel: Channel, channels: Channels, n_channels: int
) -> Iterator[AudioCaution]:
    left = channels.share_left
    if channel is None and left < CANCELLED_SHARE:
        raise AudioError(
            f"{path}: its {n_channels} channels cancel out when averaged: choose a channel, from 0"
        )
    caution = channel_caution(left, n_channels) if channel in (None, "mix") else None
    if caution is not None and (channel is None or caution.code == "channels-cancel"):
        yield caution
