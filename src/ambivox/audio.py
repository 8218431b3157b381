"""Sound files to samples at 16 kHz mono, and the stand-ins (controls) that hold no speech."""

from __future__ import annotations

import hashlib
import math
import os
import wave
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from ambivox._mp3 import with_length
from ambivox.errors import AudioError

Samples = NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000
"""What every speech encoder that ambivox knows was trained on."""

MIN_DURATION_S = 0.1
"""Below this no speech encoder has enough frames (25 ms each) to say anything."""

SEGMENT_TOLERANCE_S = 0.01
"""An end that passes the file by less is the rounding of a table to two decimals, and means the end."""

NOISE_FLOOR_RMS = 1e-3
"""-60 dB of full scale, about a quiet room: how loud `noise_like` is for a silent clip."""

FORMATS = ("WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3")
"""libsndfile's names of the containers that can be checked for missing audio; others are refused."""

_OPEN_LENGTH = 2**62  # libsndfile's count for a header that leaves the length open is 2**63 - 1
_OPEN_SIZE = 0x7FFF_0000  # a RIFF size from here on was written by a program that piped: "until the end"
_BLOCK_VALUES = 2**20  # samples decoded at once, all channels together
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_CONVERT = "convert it to WAV or FLAC"


def load_audio(path: str | Path, start_s: float | None = None, end_s: float | None = None) -> Samples:
    """Decode a sound file, or a segment of it, to 16 kHz mono.

    Reads wav, aiff, flac, ogg (vorbis, opus) and mp3 at any rate, width and channel count. Channels are
    averaged; resampling is soxr's HQ. Only the segment is decoded, so a fault of the file beyond the segment
    may go unseen.

    A truncated file is an error wherever the format lets it be known: wav, aiff and flac by their header, mp3
    by its Xing header where it has one, ogg by its missing end-of-stream mark. An mp3 without that header is
    read to its last whole frame, of which the decoder alone would lose some.

    Args:
        path: the sound file.
        start_s: where the segment starts, in seconds; None for the beginning.
        end_s: where the segment ends, in seconds; None for the end of the file.

    Returns:
        Shape ``(n_samples,)``, nominally in [-1, 1]; at least `MIN_DURATION_S` long. Silence is not an error.

    Raises:
        AudioError: no such file, not audio, truncated, a git-lfs pointer, shorter than `MIN_DURATION_S`,
            samples that are not finite, or a segment that is empty or outside the file.
    """
    path = Path(path)
    with _open(path) as file:
        head = _check_whole(file, path)
        mended = with_length(head + file.read()) if head[:3] == b"ID3" or head[:1] == b"\xff" else None
    try:
        with sf.SoundFile(path if mended is None else BytesIO(mended)) as sound:
            samples, rate_hz = _decode(sound, path, start_s, end_s), int(sound.samplerate)
    except sf.LibsndfileError as error:
        raise _not_sound(path, error) from None
    except TypeError:  # soundfile takes the ending .raw as a promise of headerless samples
        raise AudioError(f"{path}: raw samples do not say their rate and width: {_CONVERT}") from None
    if len(samples) < math.floor(MIN_DURATION_S * rate_hz):
        raise AudioError(
            f"{path}: {len(samples) / rate_hz:.3g} s of audio, at least {MIN_DURATION_S} s is needed"
        )
    if not np.isfinite(samples).all():
        where = int(np.flatnonzero(~np.isfinite(samples))[0]) / rate_hz + (start_s or 0)
        raise AudioError(f"{path}: a sample at {where:.3f} s is NaN or infinite: export the file again")
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    resampled: Samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    return resampled


@dataclass(frozen=True)
class AudioInfo:
    """What the header of a sound file says: how long it is, its sample rate and its channels."""

    duration_s: float
    sample_rate_hz: int
    n_channels: int


def audio_info(path: str | Path) -> AudioInfo:
    """Read the header of a sound file; nothing is decoded.

    Raises:
        AudioError: no such file, not audio, a git-lfs pointer, or a header that promises more than is there.
    """
    path = Path(path)
    with _open(path) as file:
        head = _check_whole(file, path)
        file.seek(0)
        if head.startswith(b"RIFF"):
            try:  # most corpora are plain WAV, and this reads no more than the header
                with wave.open(file) as sound:
                    rate_hz = sound.getframerate()
                    return AudioInfo(sound.getnframes() / rate_hz, rate_hz, sound.getnchannels())
            except (wave.Error, EOFError, ZeroDivisionError):
                pass  # a kind of WAV that libsndfile knows
    try:
        found = sf.info(str(path))
    except sf.LibsndfileError as error:
        raise _not_sound(path, error) from None
    if found.format not in FORMATS or found.frames > _OPEN_LENGTH:
        raise AudioError(f"{path}: {found.format} of unknown length: {_CONVERT}")
    return AudioInfo(found.frames / found.samplerate, int(found.samplerate), int(found.channels))


def audio_digest(path: str | Path, start_s: float | None = None, end_s: float | None = None) -> str:
    """SHA-256 (hex) over a file's bytes and the segment: which sound was heard, wherever the file lies.

    Raises:
        AudioError: the file cannot be read.
    """
    with _open(Path(path)) as file:
        digest = hashlib.file_digest(file, "sha256")
    segment = [None if bound is None else float(bound) for bound in (start_s, end_s)]
    digest.update(f"|{segment}".encode())
    return digest.hexdigest()


def silence_like(samples: Samples) -> Samples:
    """The control without sound: digital silence as long as the clip.

    Args:
        samples: shape ``(n_samples,)``.

    Returns:
        Zeros of the same shape.

    >>> silence_like(np.ones(3, dtype=np.float32)).tolist()
    [0.0, 0.0, 0.0]
    """
    return np.zeros_like(samples, dtype=np.float32)


def noise_like(samples: Samples, seed: int) -> Samples:
    """The control without speech: white Gaussian noise as long and as loud as the clip.

    Args:
        samples: shape ``(n_samples,)``.
        seed: of numpy's default generator; the same seed and length give the same noise.

    Returns:
        The same shape; its root mean square is that of the clip, or `NOISE_FLOOR_RMS` if the clip is quieter.
        Single samples may pass 1 where the clip is very loud.

    >>> loud = np.full(1600, 0.25, dtype=np.float32)
    >>> noise = noise_like(loud, seed=0)
    >>> round(float(np.sqrt(np.mean(noise**2))), 4)
    0.25
    """
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    target = max(_rms(samples.astype(np.float64)), NOISE_FLOOR_RMS)
    scaled: Samples = (noise * (target / (_rms(noise) or 1.0))).astype(np.float32)
    return scaled


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else 0.0


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except IsADirectoryError:
        raise AudioError(f"{path}: a folder, not a sound file") from None
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file: check the path or download the audio") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioError(f"{path}: cannot be opened ({reason})") from None


def _decode(sound: Any, path: Path, start_s: float | None, end_s: float | None) -> Samples:
    """The segment at the file's own rate, channels averaged; shape ``(n_samples,)``."""
    if sound.format not in FORMATS or (sound.format == "MP3") != (sound.subtype == "MPEG_LAYER_III"):
        kind = f"{sound.format} ({sound.subtype})"
        raise AudioError(f"{path}: {kind} files cannot be checked for missing audio: {_CONVERT}")
    rate_hz, n_frames = sound.samplerate, sound.frames
    if n_frames > _OPEN_LENGTH:
        raise AudioError(f"{path}: its header does not say how long it is, so it may be cut: encode it again")
    _check_segment(path, start_s, end_s, n_frames / rate_hz)
    start = round((start_s or 0) * rate_hz)
    stop = n_frames if end_s is None else min(round(end_s * rate_hz), n_frames)

    position = sound.seek(start)
    blocks: list[Samples] = []
    while position < stop:
        wanted = min(stop - position, max(1, _BLOCK_VALUES // sound.channels))
        try:
            block = sound.read(wanted, dtype="float32", always_2d=True)
        except sf.LibsndfileError:
            block = np.empty((0, sound.channels), dtype=np.float32)
        if not len(block):
            break
        blocks.append(block.mean(axis=1, dtype=np.float32))
        position += len(block)
    if position < stop:
        raise AudioError(_truncated(path, f"{position} of {n_frames} frames can be decoded"))
    return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.float32)


def _check_segment(path: Path, start_s: float | None, end_s: float | None, duration_s: float) -> None:
    for name, value in (("start", start_s), ("end", end_s)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise AudioError(f"{path}: {name} {value} s: give seconds from the beginning of the file")
    if start_s is not None and start_s >= duration_s:
        raise _outside(path, "start", start_s, duration_s)
    if end_s is not None and end_s > duration_s + SEGMENT_TOLERANCE_S:
        raise _outside(path, "end", end_s, duration_s)
    if end_s is not None and end_s <= (start_s or 0):
        raise AudioError(f"{path}: end {end_s} s is not after start {start_s or 0} s")


def _not_sound(path: Path, error: sf.LibsndfileError) -> AudioError:
    reason = error.error_string.rstrip(". ")
    return AudioError(f"{path}: not sound that can be decoded ({reason}): {_CONVERT}")


def _outside(path: Path, name: str, value_s: float, duration_s: float) -> AudioError:
    return AudioError(f"{path}: {name} {value_s} s is outside the file, which lasts {duration_s:.3f} s")


def _truncated(path: Path, how: str) -> str:
    return f"{path}: truncated, {how}: copy or download the file again"


def _check_whole(file: BufferedReader, path: Path) -> bytes:
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
                _truncated(path, f"{missing} bytes of samples that its header promises are missing")
            )
    elif head[:4] == b"OggS" and not _ogg_ends(file, n_bytes):
        raise AudioError(
            f"{path}: truncated, its last Ogg page is cut or not marked as the last: copy or download the "
            f"file again, or, if it is whole, {_CONVERT}"
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
