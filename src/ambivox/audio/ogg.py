"""The pages of an Ogg file: whether all are there and unharmed, and where one file ends in another's tail.

The decoder skips a damaged page and stops at the end of the first of several streams, both without a word.

Source: RFC 3533.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ambivox.audio.cautions import AudioCaution
from ambivox.audio.files import CONVERT, Layout, Stream, damaged, read_at, truncated
from ambivox.errors import AudioError

_FIRST, _LAST = 2, 4  # flags of a page: begins a stream, ends a stream
_DECODED = (b"\x01vorbis", b"OpusHead")
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class _Page:
    start: int
    end: int
    flags: int
    stream: int
    number: int
    content: bytes


def ogg_layout(file: BinaryIO, n_bytes: int, path: Path) -> Layout:
    """Where the streams of an Ogg file lie.

    Raises:
        AudioError: a page is missing, damaged or cut, or the last is not marked as the last.
    """
    starts: list[int] = []
    running: dict[int, int] = {}  # stream -> number of its last page
    seen = 0
    for page in _pages(file, n_bytes, path):
        if page.flags & _FIRST:
            if not running:
                starts.append(page.start)
            elif seen > len(running):
                raise truncated(path, f"another Ogg file begins at byte {page.start} before the first ended")
            else:
                return Layout(demuxer="ogg")  # several streams side by side: video, or what describes sound
            if not page.content.startswith(_DECODED):
                return Layout(demuxer="ogg")
            seen = 0
        elif page.stream not in running or page.number != running[page.stream] + 1:
            raise damaged(path, f"Ogg pages are missing before byte {page.start}")
        running[page.stream] = page.number
        seen += 1
        if page.flags & _LAST:
            del running[page.stream]
    if running:
        raise AudioError(
            f"{path}: truncated, its last Ogg page is not marked as the last: copy or download the file "
            f"again, or, if it is whole, {CONVERT}"
        )
    if len(starts) == 1:
        return Layout()
    ends = [*starts[1:], n_bytes]
    caution = AudioCaution("joined", f"{len(starts)} Ogg files in one, heard one after another")
    return Layout(tuple(Stream(((a, b),)) for a, b in zip(starts, ends, strict=True)), (caution,))


def _pages(file: BinaryIO, n_bytes: int, path: Path) -> Iterator[_Page]:
    at = 0
    while at < n_bytes:
        head = read_at(file, at, 27 + 255)
        if head[:4] != b"OggS":
            rest = read_at(file, at, n_bytes - at if n_bytes - at < 2**16 else 2**16)
            if at and (rest[:3] in (b"TAG", b"ID3") or rest[:8] == b"APETAGEX" or not rest.strip(b"\0")):
                return
            raise damaged(path, f"what is at byte {at} is no Ogg page")
        n_head = 27 + (head[26] if len(head) > 26 else 0)
        n_content = sum(head[27:n_head])
        page = read_at(file, at, n_head + n_content)
        if len(head) < 27 or len(page) < n_head + n_content or len(head) < n_head:
            raise truncated(path, "its last Ogg page is cut")
        if _checksum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            raise damaged(path, f"the Ogg page at byte {at} does not fit its checksum")
        stream, number = (int.from_bytes(page[a : a + 4], "little") for a in (14, 18))
        yield _Page(at, at + len(page), page[5], stream, number, page[n_head : n_head + 8])
        at += len(page)


def _checksum(page: bytes) -> int:
    """CRC-32 of Ogg: that of zlib with the bits of bytes and result mirrored, and no inversion.

    >>> hex(_checksum(b"123456789"))
    '0x89a1897f'
    """
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")
