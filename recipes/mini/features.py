"""Recordings and log-mel features of the training: clips at several speeds, silence, noise, rooms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter
from transformers import WhisperFeatureExtractor

from ambivox.audio import SAMPLE_RATE_HZ, load_audio
from recipes.mini.data import Clip

Mel = NDArray[np.floating]
FLOOR_RANGE = 2.0
"""Whisper features end 8 decades below the loudest bin, and are divided by 4."""
SPEEDS = (1.0, 0.84, 0.88, 0.92, 0.96, 1.04, 1.08, 1.12, 1.16)


def speed_copy(wave: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Play a recording faster or slower: pitch, formants and tempo all move, as if another person spoke."""
    if speed == 1.0:
        return wave
    return np.asarray(soxr.resample(wave, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ), dtype=np.float32)


def log_mel(extractor: WhisperFeatureExtractor, wave: NDArray[np.float32]) -> Mel:
    """Features of the real part of one recording, shape ``(n_frames, n_mels)``, float16."""
    out = extractor(wave, sampling_rate=SAMPLE_RATE_HZ, return_attention_mask=True, padding="max_length")
    frames = int(np.asarray(out["attention_mask"][0]).sum())
    return np.asarray(out["input_features"][0])[:, :frames].T.astype(np.float16)


def empty_wave(rng: np.random.Generator) -> NDArray[np.float32]:
    """Half a second to six seconds without a voice: silence in three of ten cases, else noise of any colour.

    The noise is stationary, its power falls with frequency to a power of 0 (white) to 2 (brown), and its root
    mean square is 1e-3 to 0.3.
    """
    count = int(rng.uniform(0.5, 6.0) * SAMPLE_RATE_HZ)
    if rng.random() < 0.3:
        return np.zeros(count, dtype=np.float32)
    white = rng.standard_normal(count)
    noise = coloured(white, rng.uniform(0.0, 2.0) if rng.random() < 0.7 else 0.0)
    level = 10 ** rng.uniform(-3.0, -0.5)
    return np.asarray(noise * (level / np.sqrt(np.mean(noise**2))), dtype=np.float32)


def coloured(white: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """White noise ``(n_samples,)`` with power that falls with frequency to a power of ``slope`` (1: pink)."""
    spectrum = np.fft.rfft(white)
    shaped = spectrum * np.maximum(np.arange(len(spectrum)), 20.0) ** (-slope / 2)
    return np.asarray(np.fft.irfft(shaped, len(white)))


def in_a_noisy_room(wave: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A recording with the tail of a room (0.5 s, 3 dB below the voice) and pink noise 15 dB below it."""
    tail_s = 0.5
    times = np.arange(int(tail_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    room = rng.standard_normal(len(times)) * 10 ** (-3 * times / tail_s)
    room *= np.sqrt(0.5 / (room**2).sum())
    room[0] = 1.0
    voice = fftconvolve(wave, room)[: len(wave)]
    noise = coloured(rng.standard_normal(len(wave)), slope=1.0)
    noise *= 10 ** (-15 / 20) * np.sqrt(np.mean(voice**2) / np.mean(noise**2))
    return np.asarray(voice + noise, dtype=np.float32)


class MelBank:
    """Features of every clip at every speed: ``bank.mels[clip][speed]``, ``(n_frames, n_mels)``."""

    def __init__(
        self, clips: Sequence[Clip], extractor: WhisperFeatureExtractor, speeds: Sequence[float]
    ) -> None:
        self.mels: list[list[Mel]] = []
        for clip in clips:
            wave = load_audio(clip.path)
            self.mels.append([log_mel(extractor, speed_copy(wave, speed)) for speed in speeds])


@dataclass(frozen=True)
class Augment:
    """How strongly features are changed in training; the zeros leave them as they are."""

    gain_db: float = 0.0
    tilt_db: float = 0.0
    noise: float = 0.0
    """Share of the clips with noise at 5 to 40 dB below the voice."""
    colour_db: float = 4.0
    """Standard deviation of the slope of the noise, from the middle band to the highest."""
    reverb: float = 0.0
    """Share of the clips with an exponential tail of 0.1 to 0.8 s (60 dB), 0 to 20 dB below the voice."""
    tempo: float = 0.0
    trim: float = 0.0
    masks: int = 0


GENTLE = Augment(gain_db=6.0, tilt_db=2.0, noise=0.2, tempo=0.08, trim=0.5, masks=1)


def augmented(mel: Mel, how: Augment, rng: np.random.Generator) -> NDArray[np.float32]:
    """One changed copy of ``(n_frames, n_mels)`` features; 10 dB are 0.25 in these units."""
    x = mel.astype(np.float32)
    bins = x.shape[1]
    if how.trim and rng.random() < how.trim:  # many corpora hold less silence at the ends than RAVDESS does
        level = x.mean(1)
        loud = np.flatnonzero(level > level.max() - 0.6)
        start, end = rng.integers(0, loud[0] + 1), rng.integers(loud[-1] + 1, len(x) + 1)
        if end - start >= 25:
            x = x[start:end]
    if how.tempo:
        step = rng.uniform(1 - how.tempo, 1 + how.tempo)
        x = x[np.arange(0, len(x) - 0.5, step).astype(int)]
    if how.gain_db:
        x = x + rng.uniform(-how.gain_db, how.gain_db) / 40
    if how.tilt_db:
        place = np.linspace(0, np.pi, bins)
        curve = sum(rng.normal() / k * np.cos(k * place + rng.uniform(0, np.pi)) for k in (1, 2, 3))
        x = x + (how.tilt_db / 40) * np.asarray(curve, dtype=np.float32)
    if how.reverb and rng.random() < how.reverb:
        x = reverberated(x, rng.uniform(0.1, 0.8), rng.uniform(0, 20))
    if rng.random() < how.noise:
        snr_db = rng.uniform(5, 40)
        colour = (rng.normal() * how.colour_db / 40) * np.linspace(-1, 1, bins)
        noise = x.max(0).mean() - 0.25 - snr_db / 40 + colour + 0.08 * rng.normal(size=x.shape)
        x = np.log10(10.0 ** (4 * x) + 10.0 ** (4 * noise)) / 4
    x = np.maximum(x, x.max() - FLOOR_RANGE)
    for _ in range(how.masks):
        width = int(rng.integers(0, 12))
        first = int(rng.integers(0, max(1, len(x) - width)))
        x[first : first + width] = x.mean()
        width = int(rng.integers(0, bins // 9))
        first = int(rng.integers(0, bins - width))
        x[:, first : first + width] = x.mean()
    return np.asarray(x, dtype=np.float32)


def reverberated(mel: NDArray[np.float32], tail_s: float, below_db: float) -> NDArray[np.float32]:
    """The features of a voice in a room: every frame's power dies away over the frames after it.

    Args:
        mel: ``(n_frames, n_mels)``, 10 ms each.
        tail_s: in which the tail falls by 60 dB.
        below_db: how far the tail of a steady sound lies below the sound.
    """
    power, kept = 10.0 ** (4 * mel), 10 ** (-6 / (tail_s * 100))
    tail = lfilter([0.0, 1 - kept], [1.0, -kept], power, axis=0)
    return np.asarray(np.log10(power + 10 ** (-below_db / 10) * tail) / 4, dtype=np.float32)


def collate(mels: Sequence[NDArray[np.float32]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features padded to the longest: ``(B, n_mels, T)`` with ``T % 4 == 0``, and real frames ``(B,)``."""
    longest = max(len(mel) for mel in mels)
    width = (longest + 3 + 3) // 4 * 4
    batch = np.empty((len(mels), mels[0].shape[1], width), dtype=np.float32)
    for row, mel in enumerate(mels):
        batch[row] = mel.max() - FLOOR_RANGE
        batch[row, :, : len(mel)] = mel.T
    return torch.from_numpy(batch), torch.tensor([len(mel) for mel in mels])


def batches(lengths: Sequence[int], size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Indices in random order, clips of like length together, so that little padding is computed."""
    order = np.argsort(np.asarray(lengths) * rng.uniform(0.85, 1.15, len(lengths)))
    chunks = [order[i : i + size].tolist() for i in range(0, len(order), size)]
    rng.shuffle(chunks)
    yield from chunks
