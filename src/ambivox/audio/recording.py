"""A recording of any length, of which segments are heard one after another."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ambivox.audio.decode import (
    AudioFacts,
    Channel,
    Samples,
    at_16_khz,
    check_channel,
    check_length,
    float_scale,
    frames_of,
    judged,
    min_frames,
    read_frames,
)
from ambivox.audio.opened import opened
from ambivox.errors import AudioError

_AT_ONCE = 16
"""Segments for which a file is opened that cannot be kept open."""

Segment = tuple[float, float]
"""Where it starts and where it ends, in seconds."""

Heard = tuple[Samples, AudioFacts] | AudioError
"""Samples at 16 kHz with the facts, as of `read_audio`, or why there are none."""


@dataclass(frozen=True)
class Recording:
    """A sound file whose beginning was looked at and found in order.

    Args:
        path: the file.
        channel: which of its channels is heard, see `read_audio`.
        rate_hz: frames per second.
        n_frames: of the whole file.
        stays_open: whether it may be held open while others do something else.
    """

    path: Path
    channel: Channel
    rate_hz: int
    n_frames: int
    stays_open: bool

    def windows(self, window_s: float, hop_s: float) -> Iterator[Segment]:
        """Where each window of a length starts and ends, to the nearest frame; see `ambivox.track`."""
        n_window, end = round(window_s * self.rate_hz), 0
        for n in itertools.count():
            start = round(n * hop_s * self.rate_hz)
            if end == self.n_frames or self.n_frames - start < min_frames(self.rate_hz):
                return
            end = min(start + n_window, self.n_frames)
            yield start / self.rate_hz, end / self.rate_hz

    def hear(self, segments: Iterable[Segment]) -> Iterator[tuple[Segment, Heard]]:
        """Decode segments, each when it is asked for, as `read_audio` decodes it.

        Only the frames of the segment are in memory, and it is resampled on its own.

        Yields:
            Each segment with what was heard of it. What is wrong with a segment is no matter of the others.

        Raises:
            AudioError: the file itself is in the way: it is gone, or cannot be decoded to its end.
        """
        waiting = iter(segments)
        if self.stays_open:
            yield from self._hear(waiting)
            return
        while some := list(itertools.islice(waiting, _AT_ONCE)):
            yield from list(self._hear(some))

    def _hear(self, segments: Iterable[Segment]) -> Iterator[tuple[Segment, Heard]]:
        with opened(self.path) as (sounds, cautions):
            scale, odd = float_scale(sounds)
            for start_s, end_s in segments:
                start, stop = frames_of(self.path, start_s, end_s, self.n_frames, self.rate_hz)
                samples, channels = read_frames(sounds, start, stop, self.channel)
                try:
                    samples, facts = judged(
                        sounds, start, samples, channels, self.channel, scale, [*cautions, *odd]
                    )
                    heard: Heard = (at_16_khz(samples, self.rate_hz), facts)
                except AudioError as error:
                    heard = error
                yield (start_s, end_s), heard


def open_recording(path: str | Path, channel: Channel = None) -> Recording:
    """Look at a sound file that is too long to be heard at once.

    Raises:
        AudioError: as `read_audio`, as far as the file shows without decoding all of it.
    """
    path = Path(path)
    with opened(path) as (sounds, _):
        check_channel(path, channel, sounds.n_channels)
        check_length(path, sum(sounds.n_frames), sounds.rate_hz)
        # The decoder of mp3 talks, and is listened to, as long as the file is open.
        talks = any(stream.format == "MP3" for stream in sounds.streams)
        return Recording(path, channel, sounds.rate_hz, sum(sounds.n_frames), not talks)
