"""The digest that names a sound, wherever its file lies."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ambivox.audio.decode import Channel
from ambivox.audio.fetched import on_disk
from ambivox.audio.files import open_sound


def audio_digest(
    path: str | Path, start_s: float | None = None, end_s: float | None = None, channel: Channel = None
) -> str:
    """SHA-256 (hex) over a file's bytes, the segment and the channel: which sound was heard.

    Raises:
        AudioError: the file cannot be read.
    """
    with on_disk(path) as here, open_sound(here) as file:
        digest = hashlib.file_digest(file, "sha256")
    segment = [None if bound is None else float(bound) for bound in (start_s, end_s)]
    digest.update(f"|{segment}".encode())
    if channel is not None:
        digest.update(f"|channel {channel}".encode())
    return digest.hexdigest()
