"""Follow a long recording: windows as they come, and then all that a page shows of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ambivox.app.limits import DEFAULT_LIMITS, Limits, checked_length_s, named_as_given
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.models import SpeechModel
from ambivox.run import WindowReading, track

AT_ONCE = 16
"""Windows that are asked about together; other pages have their turn in between."""

MAX_WINDOWS = 10_000
"""Of one recording."""


@dataclass(frozen=True)
class Followed:
    """A recording as far as it was read.

    Args:
        recording: its name.
        length_s: of the whole recording.
        labels: of the emotion set.
        windows: those that were read.
    """

    recording: str
    length_s: float
    labels: tuple[str, ...]
    windows: tuple[WindowReading, ...]

    @property
    def read_s(self) -> float:
        """Up to where it was read."""
        return self.windows[-1].end_s if self.windows else 0.0


def follow(
    recording: Path,
    model: SpeechModel,
    *,
    window_s: float = 4.0,
    hop_s: float = 1.0,
    prompt: str | None = None,
    emotions: str = "cremad6",
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Followed]:
    """Read a recording by `ambivox.track`, and tell of it now and then; the last one is whole.

    Raises:
        AmbivoxError: the recording cannot be heard, or is larger or longer than it may be; a window or hop
            that cannot be; the model fails.
    """
    length_s = checked_length_s(recording, limits.max_bytes, limits.max_recording_s)
    if window_s > limits.max_clip_s:
        raise UsageError(f"window {window_s:g} s: at most {limits.max_clip_s:g} s are heard at once here")
    if 0 < hop_s < length_s / MAX_WINDOWS:
        raise UsageError(f"hop {hop_s:g} s: more than {MAX_WINDOWS:,} windows: take a longer one")
    labels = load_emotions(emotions).labels
    windows: list[WindowReading] = []
    try:
        with named_as_given(recording):
            for window in track(
                recording,
                model,
                window_s=window_s,
                hop_s=hop_s,
                prompt=prompt,
                emotions=emotions,
                batch_size=AT_ONCE,
            ):
                windows.append(window)
                if len(windows) % AT_ONCE == 0:
                    yield Followed(recording.name, length_s, labels, tuple(windows))
    except AmbivoxError:
        raise
    except Exception as error:  # an engine may raise anything, and the page goes on
        raise AmbivoxError(f"{model.name} failed: {type(error).__name__}: {first_line(error)}") from None
    yield Followed(recording.name, length_s, labels, tuple(windows))
