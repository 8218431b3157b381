"""Whether an AIFF file holds all the samples that its header promises, and no second file in its tail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from ambivox.audio.files import (
    CONVERT,
    MAX_EXTRA_BYTES,
    Layout,
    extra_bytes,
    n_after_padding,
    not_sound,
    read_at,
    truncated,
)
from ambivox.errors import AudioError

_CHUNK_ID = re.compile(rb"[\x20-\x7e]{4}")


def aiff_layout(file: BinaryIO, n_bytes: int, path: Path) -> Layout:
    """The file as it is, once it was found whole.

    Raises:
        AudioError: truncated, no samples, or another file in the tail.
    """
    at, found = 12, False
    while at < n_bytes:
        header = read_at(file, at, 8)
        if not _CHUNK_ID.fullmatch(header[:4]) or header[:4] in (b"FORM", b"RIFF"):
            break
        size = int.from_bytes(header[4:], "big")
        if header[:4] != b"SSND" and at + 8 + size > n_bytes:
            break
        if header[:4] == b"SSND":
            found = True
            if (missing := at + 8 + size - n_bytes) > 0:
                raise truncated(path, f"{missing} bytes of samples that its header promises are missing")
        at += 8 + size + size % 2
    if not found:
        raise not_sound(path, "an AIFF file without samples")
    if (n_after := n_after_padding(file, n_bytes, at)) > MAX_EXTRA_BYTES:
        raise AudioError(
            f"{path}: {n_after} bytes after its last chunk, as of another file: split it, or {CONVERT}"
        )
    return Layout(cautions=(extra_bytes(n_after),) if n_after else ())
