"""Whether a sound file is one, and whether all of it is there."""

from __future__ import annotations

import os
from io import BufferedReader
from pathlib import Path
from typing import Literal

import soundfile as sf

from ambivox.errors import AudioError

FORMATS = ("WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3")
"""libsndfile's names of the containers that can be checked for missing audio; others are refused."""

OPEN_LENGTH = 2**62  # libsndfile's count for a header that leaves the length open is 2**63 - 1
_OPEN_SIZE = 0x7FFF_0000  # a RIFF size from here on was written by a program that piped: "until the end"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
CONVERT = "convert it to WAV or FLAC"


def open_sound(path: Path) -> BufferedReader:
    """Open a file for reading, or raise the AudioError that says why not."""
    try:
        return path.open("rb")
    except IsADirectoryError:
        raise AudioError(f"{path}: a folder, not a sound file") from None
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file: check the path or download the audio") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioError(f"{path}: cannot be opened ({reason})") from None


def not_sound(path: Path, error: sf.LibsndfileError) -> AudioError:
    """The error for a file that libsndfile refuses."""
    reason = error.error_string.rstrip(". ")
    return AudioError(f"{path}: not sound that can be decoded ({reason}): {CONVERT}")


def truncated(path: Path, how: str) -> str:
    """The message for a file that is cut off."""
    return f"{path}: truncated, {how}: copy or download the file again"


def check_whole(file: BufferedReader, path: Path) -> bytes:
    """Raise AudioError for a file that holds less than it promises; libsndfile would read on in silence.

    Returns:
        The bytes the file begins with, read up to there where it is neither RIFF, AIFF nor Ogg.
    """
    n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes == 0:
        raise AudioError(f"{path}: an empty file: copy or download it again")
    head = file.read(len(_LFS_POINTER))
    if head == _LFS_POINTER:
        raise AudioError(
            f"{path}: a git-lfs pointer, not the audio itself: run 'git lfs pull' where it was cloned"
        )
    if head[:4] in (b"RIFF", b"RF64", b"RIFX", b"FORM"):
        missing = _missing_chunk_bytes(file, n_bytes)
        if missing:
            raise AudioError(
                truncated(path, f"{missing} bytes of samples that its header promises are missing")
            )
    elif head[:4] == b"OggS" and not _ogg_ends(file, n_bytes):
        raise AudioError(
            f"{path}: truncated, its last Ogg page is cut or not marked as the last: copy or download the "
            f"file again, or, if it is whole, {CONVERT}"
        )
    return head


def _missing_chunk_bytes(file: BufferedReader, n_bytes: int) -> int:
    """How many bytes of samples a RIFF, RF64 or AIFF header promises beyond the end of the file."""
    file.seek(0)
    order: Literal["little", "big"] = "little" if file.read(12)[:4] in (b"RIFF", b"RF64") else "big"
    long_size: int | None = None  # of the data chunk, where a file of more than 4 GB keeps it
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[4:], order)
        body = file.tell()
        if header[:4] == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif header[:4] in (b"data", b"SSND"):
            if size == 0xFFFF_FFFF and long_size is not None:
                size = long_size
            elif size >= _OPEN_SIZE:
                return 0
            return max(0, body + size - n_bytes)
        file.seek(body + size + size % 2)
    return 0


def _ogg_ends(file: BufferedReader, n_bytes: int) -> bool:
    """Whether the last page is whole and carries the end-of-stream mark (RFC 3533, section 6)."""
    largest_page = 27 + 255 + 255 * 255
    file.seek(max(0, n_bytes - largest_page))
    tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at:]
    if at < 0 or len(page) < 27 or not page[5] & 4:
        return False
    n_segments = page[26]
    return len(page) >= 27 + n_segments + sum(page[27 : 27 + n_segments])
