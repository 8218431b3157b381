"""How many samples a FLAC file holds, whatever its header says, and where one ends in another's tail.

The decoder stops at the count in the header; what was piped leaves that at 0, and a second file in the tail
is never reached.

Source: RFC 9639.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ambivox.audio.cautions import AudioCaution
from ambivox.audio.files import (
    CONVERT,
    MAX_EXTRA_BYTES,
    Layout,
    Stream,
    extra_bytes,
    n_after_padding,
    not_sound,
    read_at,
    truncated,
)
from ambivox.errors import AudioError

_BLOCK_BYTES = 2**20
_MARKS = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22|\xff[\xf8\xf9]")
_MARK_BYTES = 20  # a frame header has at most 16
_MIN_FRAME_BYTES, _MAX_FRAME_BYTES, _MAX_ENDS = 10, 2**18, 64
_TOTAL = 2**36 - 1
_MAX_GAP = 2**20  # samples; a frame further off than this is noise that looks like a header


def flac_layout(file: BinaryIO, n_bytes: int, path: Path, start: int = 0) -> Layout:
    """Where the FLAC streams of a file lie, the first at `start`, each with its true count of samples.

    Raises:
        AudioError: the header is cut or no header.
    """
    cautions: list[AudioCaution] = []
    streams: list[Stream] = []
    at: int | None = start
    while at is not None:
        stream, caution, at = _one_flac(file, n_bytes, path, at)
        streams.append(stream)
        cautions += [caution] if caution else []
    if len(streams) == 1 and not cautions:
        return Layout()
    if len(streams) > 1:
        cautions.append(AudioCaution("joined", f"{len(streams)} FLAC files in one, heard one after another"))
    return Layout(tuple(streams), tuple(cautions))


def _one_flac(
    file: BinaryIO, n_bytes: int, path: Path, start: int
) -> tuple[Stream, AudioCaution | None, int | None]:
    head = read_at(file, start, 42)
    if len(head) < 42 or head[4] & 0x7F or head[5:8] != b"\0\0\x22":
        raise not_sound(path, "a FLAC header that is cut or damaged")
    info = int.from_bytes(head[18:26], "big")  # rate 20, channels 3, bits 5, total 36 bits
    promised = info & _TOTAL
    frames = _frames(file, n_bytes, _audio_start(file, n_bytes, path, start), head)
    n_after = _n_after_frame(file, frames.last, frames.end)
    if n_after > MAX_EXTRA_BYTES:
        raise AudioError(
            f"{path}: {n_after} bytes after its last frame, as of another file: split it, or {CONVERT}"
        )
    extra = extra_bytes(n_after) if n_after else None
    following = frames.end if frames.end < n_bytes else None
    if frames.n_samples <= promised:  # the decoder says what is missing
        return Stream(((start, frames.end),)), extra, following
    patched = head[:18] + (info & ~_TOTAL | frames.n_samples).to_bytes(8, "big") + head[26:]
    caution = (
        AudioCaution(
            "wrong-length", f"its header counts {promised} of {frames.n_samples} samples: all were read"
        )
        if promised
        else AudioCaution("open-length", "its header leaves its length open: read to the end of the file")
    )
    return Stream((patched, (start + len(head), frames.end))), caution, following


def _audio_start(file: BinaryIO, n_bytes: int, path: Path, start: int) -> int:
    at = start + 4
    while at < n_bytes:
        header = read_at(file, at, 4)
        at += 4 + int.from_bytes(header[1:], "big")
        if header[:1] >= b"\x80":
            return at
    raise truncated(path, "its header ends before any samples")


class _Frames(NamedTuple):
    n_samples: int
    last: int  # where the last frame begins
    end: int  # where the next file begins, or the end


def _frames(file: BinaryIO, n_bytes: int, at: int, head: bytes) -> _Frames:
    """The frames up to the next file, by their headers in their order."""
    fixed_size = int.from_bytes(head[8:10], "big")
    n_samples, reach, last, carried = 0, 0, at, b""
    file.seek(at)
    while block := file.read(_BLOCK_BYTES):
        window = carried + block
        offset = at - len(carried)
        is_end = at + len(block) >= n_bytes
        for mark in _MARKS.finditer(window):
            if len(window) - mark.start() < _MARK_BYTES and not is_end:
                break
            if mark.end() - mark.start() == 8:
                return _Frames(max(n_samples, reach), last, offset + mark.start())
            frame = _frame(window[mark.start() : mark.start() + _MARK_BYTES], fixed_size)
            if frame and frame[0] == n_samples:
                n_samples += frame[1]
                last = offset + mark.start()
            elif frame and 0 < frame[0] - n_samples < _MAX_GAP:  # promised, so that the decoder misses it
                reach, last = frame[0] + frame[1], offset + mark.start()
        at += len(block)
        carried = window[1 - _MARK_BYTES :]
    return _Frames(max(n_samples, reach), last, n_bytes)


def _n_after_frame(file: BinaryIO, start: int, end: int) -> int:
    """How many bytes follow the frame that begins at `start`; tags do not count, nor do zeros.

    A frame ends where the checksum over all of it comes to 0, which by chance it also does elsewhere.
    """
    content = read_at(file, start, min(end - start, _MAX_FRAME_BYTES))
    crc, ends = 0, []
    for n, byte in enumerate(content, 1):
        crc = (crc << 8 ^ _CRC16[crc >> 8 ^ byte]) & 0xFFFF
        if not crc and n > _MIN_FRAME_BYTES:
            ends.append(start + n)
    if not ends or ends[-1] == end:  # none: the frame is damaged, which the decoder says
        return 0
    counts = [n_after_padding(file, end, candidate) for candidate in (ends[0], *ends[-_MAX_ENDS:])]
    return 0 if 0 in counts else counts[0]


def _frame(header: bytes, fixed_size: int) -> tuple[int, int] | None:
    """Where a frame begins and how long it is, in samples; None if this is no header of a frame."""
    if len(header) < 6 or header[2] >> 4 == 0 or header[2] & 15 == 15 or header[3] & 1:
        return None
    n_more = next((n for n in range(8) if not header[4] << n & 0x80), 8)  # coded like UTF-8
    if n_more in (1, 8):
        return None
    number = header[4] & (0x7F >> n_more)
    at = 5
    for byte in header[at : at + max(0, n_more - 1)]:
        number = number << 6 | byte & 0x3F
    at += max(0, n_more - 1)
    size, rate = header[2] >> 4, header[2] & 15
    n_size, n_rate = {6: 1, 7: 2}.get(size, 0), {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if n_size:
        n_samples = 1 + int.from_bytes(header[at : at + n_size], "big")
    else:
        n_samples = 192 if size == 1 else 576 << size - 2 if size < 6 else 256 << size - 8
    at += n_size + n_rate
    if len(header) <= at or _crc8(header[:at]) != header[at]:
        return None
    return (number if header[1] & 1 else number * fixed_size), n_samples


def _crc8(header: bytes) -> int:
    """The checksum of a frame header: polynomial x^8 + x^2 + x + 1.

    >>> hex(_crc8(b"123456789"))
    '0xf4'
    """
    crc = 0
    for byte in header:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (0x107 if crc & 0x80 else 0)
    return crc & 0xFF


def _crc16_table() -> tuple[int, ...]:
    """Checksums of single bytes: polynomial x^16 + x^15 + x^2 + 1."""
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (0x18005 if crc & 0x8000 else 0)
        table.append(crc)
    return tuple(table)


_CRC16 = _crc16_table()
