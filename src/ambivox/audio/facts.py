"""What a sound file says of itself, and the digest that names its sound."""

from __future__ import annotations

import hashlib
import wave
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from ambivox.audio.integrity import CONVERT, FORMATS, OPEN_LENGTH, check_whole, not_sound, open_sound
from ambivox.errors import AudioError


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
    with open_sound(path) as file:
        head = check_whole(file, path)
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
        raise not_sound(path, error) from None
    if found.format not in FORMATS or found.frames > OPEN_LENGTH:
        raise AudioError(f"{path}: {found.format} of unknown length: {CONVERT}")
    return AudioInfo(found.frames / found.samplerate, int(found.samplerate), int(found.channels))


def audio_digest(path: str | Path, start_s: float | None = None, end_s: float | None = None) -> str:
    """SHA-256 (hex) over a file's bytes and the segment: which sound was heard, wherever the file lies.

    Raises:
        AudioError: the file cannot be read.
    """
    with open_sound(Path(path)) as file:
        digest = hashlib.file_digest(file, "sha256")
    segment = [None if bound is None else float(bound) for bound in (start_s, end_s)]
    digest.update(f"|{segment}".encode())
    return digest.hexdigest()
