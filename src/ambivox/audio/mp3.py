"""How long an mp3 is when it does not say so itself.

The decoder (libsndfile over mpg123) takes the length of an mp3 from its Xing header. Where there is none it
guesses from the bitrate of the first frame and stops reading there, which at a variable bitrate can lose most
of a clip without a word. `with_length` counts the frames and puts the missing header in front.

Source: ISO/IEC 11172-3 and 13818-3 for frames, the Xing header as LAME writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# kbit/s by bitrate index, layer III; index 0 (free) and 15 (invalid) are not read
_MPEG1_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_MPEG2_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_MPEG1_RATES_HZ = (44_100, 48_000, 32_000, 0)
_64_KBPS = {True: 5, False: 8}  # bitrate index that leaves room for a header frame, by "is MPEG 1"


class _Frame(NamedTuple):
    kind: int  # version, layer and rate: the same for all frames of a stream
    mpeg1: bool
    mono: bool
    n_bytes: int


def with_length(content: bytes) -> bytes | None:
    """The same mp3 with a Xing header that holds its number of frames.

    Returns:
        The content to decode instead, or None if it says its length itself or is no layer III stream.
    """
    frames = _frame_starts(content)
    start = next(frames, None)
    if start is None:
        return None
    first = content[start : start + 48]
    frame = _parse(first)
    assert frame is not None
    side = (17 if frame.mono else 32) if frame.mpeg1 else (9 if frame.mono else 17)
    for at in (4 + side, 6 + side):  # with a checksum the side information is two bytes later
        if first[at : at + 4] in (b"Xing", b"Info") and first[at + 7] & 1:
            return None
    head = bytes([0xFF, first[1] | 1, _64_KBPS[frame.mpeg1] << 4 | first[2] & 0x0C, first[3]])
    size = _parse(head)
    assert size is not None
    n_frames = 1 + sum(1 for _ in frames)
    header = head + bytes(side) + b"Xing" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
    return header.ljust(size.n_bytes, b"\0") + content[start:]


def _frame_starts(content: bytes) -> Iterator[int]:
    """Where the whole frames of the stream begin; what lies between them (tags, junk) is passed over."""
    at, end = _after_tags(content), len(content)
    kind: int | None = None
    in_step = False
    while at + 4 <= end:
        frame = _parse(content[at : at + 4])
        fits = frame is not None and kind in (None, frame.kind) and at + frame.n_bytes <= end
        if fits and not in_step:  # a stray sync word is not followed by another frame
            assert frame is not None
            after = _parse(content[at + frame.n_bytes : at + frame.n_bytes + 4])
            fits = at + frame.n_bytes == end or (after is not None and after.kind == frame.kind)
        if fits:
            assert frame is not None
            yield at
            kind, in_step = frame.kind, True
            at += frame.n_bytes
        else:
            in_step = False
            at = content.find(b"\xff", at + 1, end)
            if at < 0:
                return


def _after_tags(content: bytes) -> int:
    at = 0
    while content[at : at + 3] == b"ID3" and len(content) >= at + 10:
        size = 0
        for byte in content[at + 6 : at + 10]:  # seven bits each
            size = size << 7 | byte
        at += 10 + size + (10 if content[at + 5] & 0x10 else 0)
    return at


def _parse(header: bytes) -> _Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:  # sync word, layer III
        return None
    version = header[1] >> 3 & 3  # 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
    mpeg1 = version == 3
    kbps = (_MPEG1_KBPS if mpeg1 else _MPEG2_KBPS)[header[2] >> 4]
    rate_hz = _MPEG1_RATES_HZ[header[2] >> 2 & 3] // {3: 1, 2: 2, 0: 4}.get(version, 1)
    if version == 1 or not kbps or not rate_hz:
        return None
    n_bytes = (144_000 if mpeg1 else 72_000) * kbps // rate_hz + (header[2] >> 1 & 1)
    return _Frame((header[1] & 0x1E) << 8 | header[2] & 0x0C, mpeg1, header[3] >> 6 == 3, n_bytes)
