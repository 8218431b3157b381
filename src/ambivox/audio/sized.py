"""AU, CAF and NIST SPHERE files, which ffmpeg hears: whether they are as long as their headers say.

ffmpeg hears what there is of them, be it half of the sound, or a second file in the tail as noise.

Source: the headers as libsndfile, Apple (Core Audio Format Specification 1.0) and NIST (SPHERE 2) have them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ambivox.audio.files import CONVERT, Layout, not_sound, read_at, truncated
from ambivox.errors import AudioError

_AU_OPEN = 0xFFFF_FFFF
_CAF_OPEN = -1
_NIST_FIELD = re.compile(rb"^(\w+) -i (\d{1,18})$", re.MULTILINE)
_MAX_NIST_HEADER_BYTES = 2**16


def sized_layout(file: BinaryIO, n_bytes: int, path: Path, demuxer: str) -> Layout:
    """The file for ffmpeg, once it was found to be as long as its header says.

    Raises:
        AudioError: truncated, no samples, more bytes than the header says, or a header that leaves it open in
            a way that is not checked.
    """
    end = SIZED[demuxer](file, n_bytes)
    if end is None:
        raise not_sound(path, "its header does not say how many samples there are")
    if (missing := end - n_bytes) > 0:
        raise truncated(path, f"{missing} bytes of samples that its header promises are missing")
    if n_bytes > end:
        n_after = n_bytes - end
        raise AudioError(f"{path}: {n_after} bytes after its end, as of another file: split it, or {CONVERT}")
    return Layout(demuxer=demuxer)


def _au_end(file: BinaryIO, n_bytes: int) -> int | None:
    head = read_at(file, 4, 8)
    offset, size = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
    return n_bytes if size == _AU_OPEN else offset + size


def _caf_end(file: BinaryIO, n_bytes: int) -> int | None:
    at, found = 8, False
    while at + 12 <= n_bytes:
        header = read_at(file, at, 12)
        size = int.from_bytes(header[4:], "big", signed=True)
        if header[:4] == b"data" and size == _CAF_OPEN:
            return n_bytes
        if size < 0 or not header[:4].isalpha() or (found and at + 12 + size > n_bytes):
            break
        found = found or header[:4] == b"data"
        at += 12 + size
    return at if found else None


def _nist_end(file: BinaryIO, n_bytes: int) -> int | None:
    length = read_at(file, 8, 8).strip()
    n_header = int(length) if length.isdigit() else 0
    if not 0 < n_header <= _MAX_NIST_HEADER_BYTES:
        return None
    header = read_at(file, 0, n_header)
    fields = {name: int(value) for name, value in _NIST_FIELD.findall(header)}
    sizes = [fields.get(name) for name in (b"sample_count", b"sample_n_bytes", b"channel_count")]
    if None in sizes or b"shorten" in header:
        return None
    return n_header + math.prod(size for size in sizes if size is not None)


SIZED: dict[str, Callable[[BinaryIO, int], int | None]] = {
    "au": _au_end,
    "caf": _caf_end,
    "nistsphere": _nist_end,
}
"""ffmpeg's name of a container -> where its samples end by its header; None where that is not said."""
