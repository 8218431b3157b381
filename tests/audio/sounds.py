"""Sounds and files of sound that the tests here share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf

from ambivox.audio import SAMPLE_RATE_HZ


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
