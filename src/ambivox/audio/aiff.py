"""Whether an AIFF file holds all the samples that its header promises, and no second file in its tail."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ambivox.audio.files import Layout, not_sound, read_at, truncated
from ambivox.errors import AudioError


def aiff_layout(file: BinaryIO, n_bytes: int, path: Path) -> Layout:
    """The file as it is, once it was found whole.

    Raises:
        AudioError: truncated, no samples, or another file in the tail.
    """
    at = 12
    found = False
    while len(header := read_at(file, at, 8)) == 8:
        size = int.from_bytes(header[4:], "big")
        if header[:4] == b"FORM":
            raise AudioError(f"{path}: another AIFF file begins at byte {at}: split it")
        if header[:4] == b"SSND":
            found = True
            if (missing := at + 8 + size - n_bytes) > 0:
                raise truncated(path, f"{missing} bytes of samples that its header promises are missing")
        at += 8 + size + size % 2
    if not found:
        raise not_sound(path, "an AIFF file without samples")
    return Layout()
