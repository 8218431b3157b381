"""Where the samples of a WAV lie, whatever its header says.

Streams, text-to-speech services and recorders that crash leave headers that promise too much, too little or
nothing. Here the chunks are walked, what is there is compared with what is promised, and where the two
differ the decoder is given a header that is true.

Source: RIFF and WAVE as Microsoft and IBM describe them (1991), RF64 in EBU Tech 3306, W64 as Sony does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

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
    search,
    truncated,
)
from ambivox.errors import AudioError

W64_MAGIC = bytes.fromhex("726966662e91cf11a5d628db04c10000")

_OPEN_SIZE = 0x7FFF_0000  # sizes from here on are written by programs that pipe: "until the end"
_PLACEHOLDER_SIZE = 2**29  # half a gigabyte that is hardly there was never meant
_MAX_FMT_BYTES = 2**12
_MAX_SEARCH_BYTES = 2**20
_WAV = re.compile(rb"(?:RIFF|RIFX|RF64).{4}WAVE(?:fmt |LIST|JUNK|ds64|bext)", re.DOTALL)
_DECODED = (1, 2, 3, 6, 7, 0x11, 0x31, 0x38, 0x40)  # formats of samples that libsndfile decodes and checks
_GSM, _GSM_BLOCK_FRAMES = 0x31, 320  # the decoder takes a pad byte for a block, and repeats the last one
_OF_FULL_BLOCKS = (1, 3, 6, 7, _GSM)
_EXTENSIBLE = 0xFFFE
_KNOWN = frozenset(
    (b"data", b"fmt ", b"LIST", b"fact", b"bext", b"cue ", b"smpl", b"inst", b"iXML", b"id3 ", b"ID3 ",
     b"JUNK", b"junk", b"PAD ", b"cart", b"PEAK", b"ds64", b"note", b"afsp", b"_PMX", b"axml", b"chna")
)  # fmt: skip
"""Names of chunks that are met; any four letters may be one."""
_CHUNK_ID = re.compile(rb"[A-Za-z0-9_ ]{4}")


@dataclass(frozen=True)
class _Dialect:
    """How chunks are written: the size of their header, to what they are padded, the order of bytes."""

    header: int
    padding: int
    order: Literal["little", "big"] = "little"


_RIFF, _RIFX, _W64 = _Dialect(8, 2), _Dialect(8, 2, "big"), _Dialect(24, 8)


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    body: int
    size: int

    @property
    def end(self) -> int:
        return self.body + self.size

    def padded(self, dialect: _Dialect) -> int:
        """Where the next chunk begins."""
        return self.end + -self.size % dialect.padding


@dataclass(frozen=True)
class _Samples:
    """The bytes of samples of one WAV, and where what follows them begins."""

    start: int
    end: int
    after: int
    caution: AudioCaution | None = None


@dataclass(frozen=True)
class _Wav:
    """One WAV: its format, what the decoder is given, what is odd, and where the next one begins."""

    fmt: bytes
    tag: int
    stream: Stream
    cautions: list[AudioCaution]
    following: int | None


def wav_layout(file: BinaryIO, n_bytes: int, path: Path) -> Layout:
    """Where the samples of a WAV, RF64, RIFX or W64 file lie.

    Raises:
        AudioError: truncated, no samples, or sound after the samples that cannot be heard along with them.
    """
    wavs = [_one_wav(file, n_bytes, path, 0)]
    while (following := wavs[-1].following) is not None:
        wavs.append(_one_wav(file, n_bytes, path, following))
    if len({wav.fmt[:16] for wav in wavs}) > 1:
        raise AudioError(f"{path}: {len(wavs)} WAV files of different formats in one: split it")
    cautions = [caution for wav in wavs for caution in wav.cautions]
    if len(wavs) > 1:
        cautions.append(AudioCaution("joined", f"{len(wavs)} WAV files in one, heard one after another"))
    elif wavs[0].tag not in _DECODED:
        return Layout(demuxer="wav")
    elif not cautions and wavs[0].tag != _GSM and read_at(file, 0, 4) != W64_MAGIC[:4]:
        return Layout()
    return Layout(tuple(wav.stream for wav in wavs), tuple(cautions))


def _one_wav(file: BinaryIO, n_bytes: int, path: Path, start: int) -> _Wav:
    magic = read_at(file, start, 16)
    dialect = _W64 if magic == W64_MAGIC else _RIFX if magic[:4] == b"RIFX" else _RIFF
    whole = int.from_bytes(read_at(file, start + 4, 4), dialect.order)
    cautions: list[AudioCaution] = []
    fmt: bytes | None = None
    long_size: int | None = None
    for chunk in _chunks_to_data(file, n_bytes, path, start, dialect, cautions):
        if chunk.name == b"ds64":
            long_size = int.from_bytes(read_at(file, chunk.body + 8, 8), "little")
        elif chunk.name == b"fmt ":
            fmt = read_at(file, chunk.body, min(chunk.size, _MAX_FMT_BYTES))
    if chunk.size == 0xFFFF_FFFF and long_size and long_size < 2**63:
        chunk = _Chunk(chunk.name, chunk.body, long_size)
    if fmt is None or len(fmt) < 16:
        raise not_sound(path, "its header does not say what its samples are")
    excess = chunk.body - start  # a size may count the header, too
    if dialect.header == 8 and start + whole + 8 == n_bytes:
        excess = chunk.size  # the file is as long as it says, so nothing was cut off
    samples = _samples(file, n_bytes, path, chunk, excess, dialect)
    cautions += [samples.caution] if samples.caution else []
    n_after, following = _after(file, n_bytes, samples.after, dialect)
    if 0 < n_after <= MAX_EXTRA_BYTES:
        cautions.append(extra_bytes(n_after))
    elif n_after:
        raise AudioError(
            f"{path}: {n_after} bytes after its {samples.end - samples.start} bytes of samples are neither "
            f"samples nor anything known: its header is wrong, or it is two files: split it, or {CONVERT}"
        )
    tag = int.from_bytes(fmt[:2], dialect.order)
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(fmt[24:26], dialect.order)
    return _Wav(fmt, tag, _true_header(fmt, tag, samples, path, dialect), cautions, following)


def _true_header(fmt: bytes, tag: int, samples: _Samples, path: Path, dialect: _Dialect) -> Stream:
    block = int.from_bytes(fmt[12:14], dialect.order) or 1
    size = samples.end - samples.start
    if tag in _OF_FULL_BLOCKS:
        size = size // block * block
    if size >= _OPEN_SIZE * 2:
        raise AudioError(f"{path}: {size} bytes of samples under a header that is wrong: {CONVERT}")
    head = fmt + b"\0" * (len(fmt) % 2)
    whole, n_fmt, n_data = (n.to_bytes(4, dialect.order) for n in (20 + len(head) + size, len(fmt), size))
    magic = b"RIFX" if dialect is _RIFX else b"RIFF"
    text = magic + whole + b"WAVEfmt " + n_fmt + head + b"data" + n_data
    n_frames = size // block * _GSM_BLOCK_FRAMES if tag == _GSM else None
    return Stream((text, (samples.start, samples.start + size)), n_frames)


def _chunks_to_data(
    file: BinaryIO, n_bytes: int, path: Path, start: int, dialect: _Dialect, cautions: list[AudioCaution]
) -> Iterator[_Chunk]:
    """The chunks of a WAV up to and with its data; whatever is odd about them is added to the cautions."""
    at = start + (40 if dialect is _W64 else 12)
    while (chunk := _chunk(file, at, dialect)) is not None:
        if chunk.name == b"data":
            yield chunk
            return
        if chunk.end > n_bytes or not _CHUNK_ID.fullmatch(chunk.name):
            found = _find_data(file, n_bytes, chunk.body, dialect)
            if found is None:
                break
            cautions.append(AudioCaution("wrong-chunk", f"a chunk of its header claims {chunk.size} bytes"))
            at = found
            continue
        yield chunk
        at = _next(file, n_bytes, chunk, dialect)
        if at < chunk.padded(dialect):
            cautions.append(AudioCaution("wrong-chunk", "an odd chunk of its header lacks its pad byte"))
    raise truncated(path, "its header ends before any samples")


def _samples(
    file: BinaryIO, n_bytes: int, path: Path, data: _Chunk, excess: int, dialect: _Dialect
) -> _Samples:
    """How much of what the data chunk promises is there; so much in excess is no sign of a cut."""
    present = n_bytes - data.body
    empty = data.size == 0 and (present == 0 or _is_chunk(file, n_bytes, data.body, dialect))
    if 0 < data.size <= present or empty:
        return _Samples(data.body, data.end, _next(file, n_bytes, data, dialect))
    if data.size == 0 or data.size >= _OPEN_SIZE:
        following = search(file, _WAV, data.body, 16)
        end = n_bytes if following is None else following
        text = "its header leaves its length open: read to the end of the file"
        return _Samples(data.body, end, end, AudioCaution("open-length", text))
    missing = data.size - present
    never_meant = data.size >= _PLACEHOLDER_SIZE and present < data.size // 10
    if missing <= excess or never_meant:
        text = (
            f"its header promises {missing} bytes of samples more than there are: read to the end of the file"
        )
        return _Samples(data.body, n_bytes, n_bytes, AudioCaution("wrong-length", text))
    raise truncated(path, f"{missing} bytes of samples that its header promises are missing")


def _after(file: BinaryIO, n_bytes: int, at: int, dialect: _Dialect) -> tuple[int, int | None]:
    """How many bytes from here on are no chunk nor padding, and where another WAV begins, if one does."""
    while at < n_bytes:
        if read_at(file, at, 4) in (b"RIFF", b"RIFX", b"RF64") and read_at(file, at + 8, 4) == b"WAVE":
            return 0, at
        if read_at(file, at, 16) == W64_MAGIC:
            return 0, at
        chunk = _chunk(file, at, dialect)
        if chunk is None or chunk.end > n_bytes or not _CHUNK_ID.fullmatch(chunk.name):
            return n_after_padding(file, n_bytes, at), None
        at = _next(file, n_bytes, chunk, dialect)
    return 0, None


def _find_data(file: BinaryIO, n_bytes: int, at: int, dialect: _Dialect) -> int | None:
    """Where a data chunk that can be believed begins, behind a chunk whose size cannot."""
    window = read_at(file, at, _MAX_SEARCH_BYTES)
    for found in re.finditer(rb"data", window):
        chunk = _chunk(file, at + found.start(), dialect)
        if chunk is not None and (chunk.end == n_bytes or chunk.size >= _OPEN_SIZE):
            return at + found.start()
    return None


def _chunk(file: BinaryIO, at: int, dialect: _Dialect) -> _Chunk | None:
    header = read_at(file, at, dialect.header)
    if len(header) < dialect.header:
        return None
    if dialect is _W64:
        size = int.from_bytes(header[16:], "little") - dialect.header
        return _Chunk(header[:4], at + dialect.header, max(0, size))
    return _Chunk(header[:4], at + 8, int.from_bytes(header[4:], dialect.order))


def _is_chunk(file: BinaryIO, n_bytes: int, at: int, dialect: _Dialect) -> bool:
    chunk = _chunk(file, at, dialect)
    return (
        chunk is not None
        and _CHUNK_ID.fullmatch(chunk.name) is not None
        and (chunk.end <= n_bytes or chunk.name == b"data")
    )


def _next(file: BinaryIO, n_bytes: int, chunk: _Chunk, dialect: _Dialect) -> int:
    """Where the next chunk begins, whether or not this one is padded as it should be."""
    padded = chunk.padded(dialect)
    names = [read_at(file, at, 4) for at in (chunk.end, padded)]
    if names[0] in _KNOWN and names[1] not in _KNOWN:  # "atar" may be the name of a chunk
        return chunk.end if _is_chunk(file, n_bytes, chunk.end, dialect) else padded
    lost = padded < n_bytes and not _is_chunk(file, n_bytes, padded, dialect)
    return chunk.end if lost and _is_chunk(file, n_bytes, chunk.end, dialect) else padded
