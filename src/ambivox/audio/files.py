"""Opening a sound file, the errors every reader of one raises, and what a decoder is given of it."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from ambivox.audio.cautions import AudioCaution
from ambivox.errors import AudioError, no_such_clip

CONVERT = "convert it to WAV or FLAC"

MAX_EXTRA_BYTES = 2**10
"""So much after the end of the sound may be what players leave there; more may be sound."""

ENDINGS = (
    *(".wav", ".w64", ".aiff", ".aif", ".flac", ".ogg", ".opus", ".mp3"),
    *(".m4a", ".aac", ".mp4", ".webm", ".wma", ".amr"),  # through ffmpeg
)
"""By which the sound files of a folder are known."""

_BLOCK_BYTES = 2**20
_TAGS = (b"TAG", b"ID3", b"APETAGEX")
_MAX_TAG_BYTES = 2**12

Piece = bytes | tuple[int, int]
"""What a decoder is given: these bytes, or those of the file from the first offset up to the second."""


def sound_files(folder: str | Path) -> list[Path]:
    """The sound files of a folder and of those in it, by their endings and in order; hidden ones left out.

    Raises:
        AudioError: there are none, or a folder cannot be listed.
    """
    shown = (p for p in Path(folder).rglob("*") if not _is_hidden(p.relative_to(folder)))
    try:
        found = sorted(path for path in shown if path.suffix.lower() in ENDINGS)
    except OSError as error:
        where = error.filename or folder
        raise AudioError(f"{where}: cannot be listed ({error.strerror}): give a folder of clips") from None
    if not found:
        raise AudioError(f"{folder}: no sound files in this folder (by ending: {', '.join(ENDINGS)})")
    return found


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@dataclass(frozen=True)
class Stream:
    """One sound from its header to its end.

    Args:
        pieces: what the decoder is given; none where it can be given the file as it is.
        n_frames: how many frames there are where the decoder would count more.
    """

    pieces: tuple[Piece, ...] = ()
    n_frames: int | None = None


@dataclass(frozen=True)
class Layout:
    """Where the sound of a file lies.

    Args:
        streams: heard one after another; more than one where files were put in one another's tail.
        cautions: what is odd about the file.
        demuxer: ffmpeg's name of the container where libsndfile cannot read it, else empty.
        chatty: whether the decoder prints what it thinks of the file.
    """

    streams: tuple[Stream, ...] = (Stream(),)
    cautions: tuple[AudioCaution, ...] = ()
    demuxer: str = ""
    chatty: bool = False


class Pieces(io.RawIOBase):
    """A file for a decoder, made of pieces of another; nothing is copied before it is read.

    >>> Pieces(io.BytesIO(b"abcdef"), [b"<", (1, 3), b">"]).read()
    b'<bc>'
    """

    def __init__(self, file: BinaryIO, pieces: Sequence[Piece]) -> None:
        self._file = file
        self._pieces = pieces
        lengths = [len(p) if isinstance(p, bytes) else p[1] - p[0] for p in pieces]
        self._starts = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; never before the beginning."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as there are bytes."""
        view = memoryview(buffer).cast("B")
        n_read = 0
        for piece, start, end in zip(self._pieces, self._starts, self._starts[1:], strict=False):
            wanted = min(end - self._at, len(view) - n_read)
            if not (start <= self._at < end) or wanted <= 0:
                continue
            found = self._read(piece, self._at - start, wanted)
            view[n_read : n_read + len(found)] = found
            n_read += len(found)
            self._at += len(found)
            if len(found) < wanted:
                break
        return n_read

    def _read(self, piece: Piece, offset: int, n_bytes: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[offset : offset + n_bytes]
        try:
            self._file.seek(piece[0] + offset)
            return self._file.read(n_bytes)
        except OSError:  # the decoder calls this from C, where no error can pass; it sees a short file
            return b""


def open_sound(path: Path) -> BufferedReader:
    """Open a regular file for reading; pipes and devices are refused and never waited for.

    Raises:
        AudioError: no such file, a folder, a pipe or a device, or a file that may not be read.
    """
    try:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise no_such_clip(path) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioError(f"{path}: cannot be opened ({reason})") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise AudioError(f"{path}: a folder, not a sound file")
    raise AudioError(f"{path}: a pipe or a device, not a sound file: write the sound to a file")


def truncated(path: Path, how: str) -> AudioError:
    """The error for a file that is cut off."""
    return AudioError(f"{path}: truncated, {how}: copy or download the file again")


def damaged(path: Path, how: str) -> AudioError:
    """The error for a file that was changed after it was written."""
    return AudioError(f"{path}: damaged, {how}: copy or download the file again")


def not_sound(path: Path, reason: str) -> AudioError:
    """The error for a file that no decoder takes."""
    return AudioError(f"{path}: not sound that can be decoded ({reason.rstrip('. ')}): {CONVERT}")


def search(file: BinaryIO, pattern: re.Pattern[bytes], start: int, longest: int) -> int | None:
    """Where the first match from `start` on begins, in bounded memory; None without one.

    Args:
        file: any size.
        pattern: matches at most `longest` bytes.
        start: offset to begin at.
        longest: see `pattern`.
    """
    carried, at = b"", start
    file.seek(start)
    while block := file.read(_BLOCK_BYTES):
        window = carried + block
        if found := pattern.search(window):
            return at - len(carried) + found.start()
        at += len(block)
        carried = window[1 - longest :]
    return None


def n_after_padding(file: BinaryIO, n_bytes: int, at: int) -> int:
    """How many bytes are left from the first that is not zero on, tags of players not counted."""
    file.seek(at)
    while block := file.read(_BLOCK_BYTES):
        if left := block.lstrip(b"\0"):
            at += len(block) - len(left)
            return 0 if left.startswith(_TAGS) and n_bytes - at <= _MAX_TAG_BYTES else n_bytes - at
        at += len(block)
    return 0


def extra_bytes(n_bytes: int) -> AudioCaution:
    """The caution for a few bytes behind the end of the sound."""
    return AudioCaution("extra-bytes", f"{n_bytes} bytes after the end of its sound were not read")


def read_at(file: BinaryIO, offset: int, n_bytes: int) -> bytes:
    """These bytes of a file, fewer at its end, none where a damaged header asks for less than none."""
    file.seek(offset)
    return file.read(max(0, n_bytes))
