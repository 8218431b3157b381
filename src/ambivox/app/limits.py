"""How large and how long a sound may be that a page sends, and errors that name it as its owner does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ambivox.audio import open_recording
from ambivox.errors import AmbivoxError, AudioError


@dataclass(frozen=True)
class Limits:
    """What is taken.

    Args:
        max_bytes: of a file.
        max_clip_s: of a clip that is heard at once.
        max_recording_s: of a recording that is followed by windows.
    """

    max_bytes: int = 100_000_000
    max_clip_s: float = 60.0
    max_recording_s: float = 3600.0


DEFAULT_LIMITS = Limits()


def checked_length_s(path: Path, max_bytes: int, max_s: float) -> float:
    """How long a sound file is, by its header: nothing is decoded.

    Raises:
        AudioError: it is gone, larger or longer than it may be, or no sound file.
    """
    try:
        n_bytes = path.stat().st_size
    except OSError:
        raise AudioError(f"{path.name}: is no longer here: upload or record it again") from None
    if n_bytes > max_bytes:
        raise AudioError(f"{path.name}: {n_bytes:,} bytes, at most {max_bytes:,} are taken: cut it")
    with named_as_given(path):
        recording = open_recording(path)
    length_s = recording.n_frames / recording.rate_hz
    if length_s > max_s:
        raise AudioError(f"{path.name}: {length_s:,.1f} s, at most {max_s:,g} s are taken here: cut it")
    return length_s


@contextmanager
def named_as_given(path: Path) -> Iterator[None]:
    """Leave the folder in which the server keeps a file out of errors."""
    try:
        yield
    except AmbivoxError as error:
        raise type(error)(without_folder(str(error), path)) from None


def without_folder(text: str, path: Path) -> str:
    """A text that names a file by its name alone.

    >>> without_folder("/tmp/x1/a.wav: truncated", Path("/tmp/x1/a.wav"))
    'a.wav: truncated'
    """
    return text.replace(f"{path.parent}{os.sep}", "")
