"""The frames of an mp3: how many there are, what lies between them, and where one file ends in another.

The decoder (libsndfile over mpg123) takes the length of an mp3 from its Xing header. Where there is none it
guesses from the bitrate of the first frame, and where the header is of the first of several files it stops
there, both without a word. Here all frames are counted, and the decoder is given a header that is true.

Source: ISO/IEC 11172-3 and 13818-3 for frames, the Xing header as LAME writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ambivox.audio.cautions import AudioCaution
from ambivox.audio.files import CONVERT, Layout, Piece, Stream, damaged, not_sound, read_at, truncated
from ambivox.errors import AudioError

MAX_MP3_BYTES = 2**28
"""An mp3 is looked through in memory: a quarter of a gigabyte is over an hour at the highest bitrate."""

_MAX_JUNK_SHARE = 0.1
"""A file of which more is neither frames nor tags is damaged beyond what a caution covers."""

_START_BYTES, _MIN_FRAMES = 2**14, 8  # what is no mp3 does not hold so many frames in a row so early
_MARK = re.compile(rb"\xff[\xe2-\xff]|ID3|TAG|APETAGEX|LYRICSBEGIN")
_MAX_LYRICS_BYTES = 2**16

# kbit/s by bitrate index, layer III; index 0 (free) and 15 (invalid) are not read
_MPEG1_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_MPEG2_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_MPEG1_RATES_HZ = (44_100, 48_000, 32_000, 0)
_64_KBPS = {True: 5, False: 8}  # bitrate index that leaves room for a header frame, by "is MPEG 1"


class _Frame(NamedTuple):
    kind: int  # version, layer, rate and whether mono: the same for all frames of a stream
    mpeg1: bool
    mono: bool
    n_bytes: int


@dataclass
class _Run:
    """Frames from one Xing header, or the beginning, to the next."""

    first: int
    kind: int
    xing: int | None = None  # where its count of frames is, if it has one
    n_frames: int = 0  # without the one that holds the header
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start: int, end: int) -> None:
        if self.ranges and self.ranges[-1][1] == start:
            self.ranges[-1] = (self.ranges[-1][0], end)
        else:
            self.ranges.append((start, end))


def mp3_layout(file: BinaryIO, n_bytes: int, path: Path) -> Layout:
    """What the decoder is given of an mp3, so that it hears every frame and nothing else.

    Raises:
        AudioError: frames that are missing or damaged, or files of different kinds in one.
    """
    if n_bytes > MAX_MP3_BYTES:
        raise AudioError(
            f"{path}: an mp3 of {n_bytes / 1e6:.0f} MB is not looked through: split it or {CONVERT}"
        )
    content = read_at(file, 0, n_bytes)
    runs: list[_Run] = []
    n_junk = 0
    for start, end, frame in _parts(content):
        if frame is None:
            n_junk += end - start
            continue
        xing = _xing(content[start:end], frame)
        if not runs or xing is not None:
            runs.append(_Run(start, frame.kind, None if xing is None else start + xing))
        runs[-1].n_frames += xing is None
        runs[-1].add(start, end)
        if frame.kind != runs[0].kind:
            raise AudioError(
                f"{path}: mp3s of different rates or channels in one, from byte {start}: split it"
            )
    if not runs:
        raise not_sound(path, "no mp3 frames that can be followed")
    if n_junk > _MAX_JUNK_SHARE * n_bytes:
        raise damaged(path, f"{n_junk} of {n_bytes} bytes are neither mp3 frames nor tags")
    cautions = [_caution_of_junk(n_junk)] if n_junk else []
    streams: list[Stream] = []
    for run in runs:
        stream, caution = _stream(content, run, path)
        streams.append(stream)
        cautions += [caution] if caution else []
    if len(runs) > 1:
        cautions.append(AudioCaution("joined", f"{len(runs)} mp3 files in one, heard one after another"))
    elif len(runs[0].ranges) > 1 and not n_junk:
        text = "tags in the midst of its frames, as where files were joined: what is around them was heard"
        cautions.append(AudioCaution("joined", text))
    elif streams[0].pieces == ((0, n_bytes),):
        return Layout(chatty=True)
    return Layout(tuple(streams), tuple(cautions), chatty=True)


def starts_late(file: BinaryIO) -> bool:
    """Whether these are mp3 frames behind junk, as where a recording was cut out of a stream."""
    found = [frame for _, _, frame in _parts(read_at(file, 0, _START_BYTES)) if frame is not None]
    return len(found) >= _MIN_FRAMES and len({frame.kind for frame in found}) == 1


def _caution_of_junk(n_bytes: int) -> AudioCaution:
    return AudioCaution(
        "damaged", f"{n_bytes} bytes are neither whole mp3 frames nor tags: sound may be missing"
    )


def _stream(content: bytes, run: _Run, path: Path) -> tuple[Stream, AudioCaution | None]:
    """The frames of a run under a header that counts them."""
    if run.xing is None:
        return Stream((_header(content[run.first : run.first + 4], run.n_frames), *run.ranges)), None
    promised = int.from_bytes(content[run.xing : run.xing + 4], "big")
    if promised > run.n_frames:
        raise truncated(path, f"{promised - run.n_frames} of {promised} mp3 frames are missing")
    if promised >= run.n_frames - 1:  # some encoders leave out one
        return Stream(tuple(run.ranges)), None
    end = run.xing + 4
    counted: list[Piece] = [content[run.first : run.xing], run.n_frames.to_bytes(4, "big")]
    if content[run.xing - 1] & 2:  # so many bytes follow, which the decoder compares
        counted.append(sum(b - a for a, b in run.ranges).to_bytes(4, "big"))
        end += 4
    rest = [(max(a, end), b) for a, b in run.ranges]
    text = f"its header counts {promised} of {run.n_frames} mp3 frames, as in joined files: all were read"
    return Stream((*counted, *rest)), AudioCaution("wrong-length", text)


def _header(first: bytes, n_frames: int) -> bytes:
    """A frame that sounds of nothing and says how many follow."""
    frame = _parse(first)
    assert frame is not None
    head = bytes([0xFF, first[1] | 1, _64_KBPS[frame.mpeg1] << 4 | first[2] & 0x0C, first[3]])
    size = _parse(head)
    assert size is not None
    text = head + bytes(_side_bytes(frame)) + b"Xing" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
    return text.ljust(size.n_bytes, b"\0")


def _side_bytes(frame: _Frame) -> int:
    return (17 if frame.mono else 32) if frame.mpeg1 else (9 if frame.mono else 17)


def _xing(content: bytes, frame: _Frame) -> int | None:
    """Where a frame says how many follow, if it does."""
    for at in (4 + _side_bytes(frame), 6 + _side_bytes(frame)):  # with a checksum it is two bytes later
        if content[at : at + 4] in (b"Xing", b"Info") and content[at + 7] & 1:
            return at + 8
    return None


def _parts(content: bytes) -> Iterator[tuple[int, int, _Frame | None]]:
    """Frames and junk in their order, each with where it begins and ends; tags are left out."""
    at, end = 0, len(content)
    kind: int | None = None
    while at < end:
        if content[at] != 0xFF and (tag := _tag_bytes(content, at)):
            at += tag
            continue
        frame = _parse(content[at : at + 4])
        # a sync word in junk is not followed by another frame; in step the next one need not be looked at
        if (
            frame is not None
            and at + frame.n_bytes <= end
            and (frame.kind == kind or _followed(content, at, frame))
        ):
            yield at, at + frame.n_bytes, frame
            kind = frame.kind
            at += frame.n_bytes
            continue
        mark = _MARK.search(content, at + 1)
        after = mark.start() if mark else end
        is_tag = after - at <= _ape_bytes_before(content, after)
        if not is_tag and content[at:after].strip(b"\0"):
            yield at, after, None
        kind = None
        at = after


def _followed(content: bytes, at: int, frame: _Frame) -> bool:
    """Whether a frame of the same kind follows, a tag, or the end."""
    after = at + frame.n_bytes
    following = _parse(content[after : after + 4])
    if following is not None:
        return following.kind == frame.kind
    return after == len(content) or _tag_bytes(content, after) > 0


def _tag_bytes(content: bytes, at: int) -> int:
    """How long the tag is that begins here; 0 where none does."""
    head = content[at : at + 32]
    left = len(content) - at
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return min(left, 10 + size + (10 if head[5] & 0x10 else 0))
    if (head[:3] == b"TAG" and left in (128, 128 + 227)) or head[:4] == b"TAG+":
        return min(left, 227 if head[:4] == b"TAG+" else 128)
    if head[:3] == b"TAG" and left > 128 and _MARK.match(content, at + 128):
        return 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        size = int.from_bytes(head[12:16], "little")
        return min(left, 32 + (size if head[23] & 0x20 else 0))
    if head[:11] == b"LYRICSBEGIN":
        stop = content.find(b"LYRICS200", at, at + _MAX_LYRICS_BYTES)
        return stop + 9 - at if stop > 0 else 0
    return 0


def _ape_bytes_before(content: bytes, at: int) -> int:
    """How long the body of an APE tag is whose end begins here; it needs no beginning of its own."""
    foot = content[at : at + 32]
    is_foot = foot[:8] == b"APETAGEX" and len(foot) == 32 and not foot[23] & 0x20
    return int.from_bytes(foot[12:16], "little") - 32 if is_foot else 0


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
    mono = header[3] >> 6 == 3
    return _Frame((header[1] & 0x1E) << 8 | header[2] & 0x0C | mono, mpeg1, mono, n_bytes)
