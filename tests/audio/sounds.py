"""Sounds and files of sound that the tests here share."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile as sf

from ambivox.audio import SAMPLE_RATE_HZ, AudioFacts


def sine(rate_hz: int, duration_s: float = 1.0, tone_hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * tone_hz * np.arange(round(rate_hz * duration_s)) / rate_hz)).astype(
        "f4"
    )


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * SAMPLE_RATE_HZ / len(samples))


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def write(path: Path, samples: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ, subtype: str | None = None) -> Path:
    sf.write(path, samples, rate_hz, subtype=subtype)
    return path


def cut(path: Path, share: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def speechlike(rate_hz: int = SAMPLE_RATE_HZ, duration_s: float = 1.0, seed: int = 0) -> np.ndarray:
    """Bursts of noise: something to compare that no measurement finds odd."""
    noise = 0.2 * np.random.default_rng(seed).standard_normal(round(rate_hz * duration_s))
    noise = np.convolve(noise, np.full(4, 0.25), mode="same")
    return (noise * np.abs(np.sin(3 * np.pi * np.arange(len(noise)) / rate_hz))).astype("f4")


def encoded(samples: np.ndarray, ending: str, subtype: str | None = None, rate_hz: int = 16_000) -> bytes:
    """The bytes of a file with these samples."""
    kinds = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "aiff": "AIFF", "opus": "OGG"}
    file = BytesIO()
    sf.write(file, samples, rate_hz, format=kinds[ending], subtype="OPUS" if ending == "opus" else subtype)
    return file.getvalue()


def codes(facts: AudioFacts) -> list[str]:
    return [caution.code for caution in facts.cautions]


def chunk(name: bytes, body: bytes, size: int | None = None, pad: bool = True) -> bytes:
    """A chunk of a RIFF file, with a size of its own or a true one."""
    size = len(body) if size is None else size
    return name + struct.pack("<I", size & 0xFFFF_FFFF) + body + b"\0" * (len(body) % 2 if pad else 0)


FORMAT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16))


def wav(data: bytes, size: int | None = None, riff_size: int | None = None, before: bytes = b"") -> bytes:
    """A WAV of 16-bit samples at 16 kHz whose header may say anything."""
    body = b"WAVE" + FORMAT + before + chunk(b"data", data, size)
    return b"RIFF" + struct.pack("<I", (len(body) if riff_size is None else riff_size) & 0xFFFF_FFFF) + body
