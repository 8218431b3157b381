"""What kind of file this is, by its first bytes, and where its sound lies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from ambivox.audio.aiff import aiff_layout
from ambivox.audio.files import Layout, read_at, search
from ambivox.audio.flac import flac_layout
from ambivox.audio.mp3 import mp3_layout, starts_late
from ambivox.audio.ogg import ogg_layout
from ambivox.audio.riff import W64_MAGIC, wav_layout
from ambivox.audio.sized import SIZED, sized_layout
from ambivox.errors import AudioError

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"

# ffmpeg's name of a container -> (offset, what stands there); only what is known by its mark is given to it
_DEMUXERS: tuple[tuple[str, int, tuple[bytes, ...]], ...] = (
    ("mov", 4, (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    ("matroska", 0, (b"\x1aE\xdf\xa3",)),
    ("amr", 0, (b"#!AMR",)),
    ("asf", 0, (bytes.fromhex("3026b2758e66cf11"),)),
    ("flv", 0, (b"FLV\x01",)),
    ("mpeg", 0, (b"\0\0\x01\xba",)),
    ("ape", 0, (b"MAC ",)),
    ("wv", 0, (b"wvpk",)),
    ("tta", 0, (b"TTA1",)),
    ("ac3", 0, (b"\x0bw",)),
    ("avi", 8, (b"AVI ",)),
    ("au", 0, (b".snd",)),
    ("caf", 0, (b"caff\0\1",)),
    ("nistsphere", 0, (b"NIST_1A\n",)),
)
_BEGINNINGS = {
    "mov": re.compile(rb"\0\0\0[\x10-\x80]ftyp[A-Za-z0-9 ]{4}"),
    "matroska": re.compile(rb"\x1aE\xdf\xa3.{1,40}\x42\x82.{1,8}(?:webm|matroska)", re.DOTALL),
    "amr": re.compile(rb"#!AMR(?:-WB)?\n"),
    "asf": re.compile(re.escape(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"))),
    "flv": re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09"),
    "avi": re.compile(rb"RIFF.{4}AVI LIST", re.DOTALL),
    "tta": re.compile(rb"TTA1\x01\0"),
    "ape": re.compile(rb"MAC .{2}\0\0\x34\0", re.DOTALL),
}
_TS_PACKET_BYTES = 188


def find_layout(file: BinaryIO, n_bytes: int, path: Path) -> Layout:
    """Where the sound of a file lies and which decoder hears it.

    Raises:
        AudioError: empty, a git-lfs pointer, truncated, damaged, or several sounds that cannot be joined.
    """
    if n_bytes == 0:
        raise AudioError(f"{path}: an empty file: copy or download it again")
    head = read_at(file, 0, 64)
    if head.startswith(_LFS_POINTER):
        raise AudioError(
            f"{path}: a git-lfs pointer, not the audio itself: run 'git lfs pull' where it was cloned"
        )
    if (head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE") or head[:16] == W64_MAGIC:
        return wav_layout(file, n_bytes, path)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return aiff_layout(file, n_bytes, path)
    if head[:4] == b"OggS":
        return ogg_layout(file, n_bytes, path)
    after = _after_id3(head)
    if read_at(file, after, 4) == b"fLaC":
        return flac_layout(file, n_bytes, path, after)
    first = read_at(file, after, 2)
    if len(first) == 2 and first[0] == 0xFF and first[1] & 0xE0 == 0xE0:
        layer = first[1] >> 1 & 3
        if layer == 0 and first[1] & 0xF0 == 0xF0:
            return Layout(demuxer="aac")
        return mp3_layout(file, n_bytes, path) if layer in (0, 1) else Layout(demuxer="mp3")
    if after:
        return mp3_layout(file, n_bytes, path)
    demuxer = _demuxer(file, head)
    if demuxer in SIZED:
        return sized_layout(file, n_bytes, path, demuxer)
    if demuxer:
        _check_single(file, path, demuxer)
    elif starts_late(file):
        return mp3_layout(file, n_bytes, path)
    return Layout(demuxer=demuxer)


def _demuxer(file: BinaryIO, head: bytes) -> str:
    for name, at, marks in _DEMUXERS:
        if head[at:].startswith(marks):
            return name
    starts = (read_at(file, n * _TS_PACKET_BYTES, 1) for n in range(3))
    return "mpegts" if all(start == b"G" for start in starts) else ""


def _check_single(file: BinaryIO, path: Path, demuxer: str) -> None:
    """Refuse containers in one another's tail, of which ffmpeg hears the first."""
    again = search(file, _BEGINNINGS[demuxer], 16, 64) if demuxer in _BEGINNINGS else None
    if again is not None:
        raise AudioError(f"{path}: another file of its kind begins near byte {again}: split it")


def _after_id3(head: bytes) -> int:
    """Where what follows a leading ID3v2 tag begins; 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 0x7F:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)
