"""Recordings to hear in training: copies of clips as if made elsewhere, and recordings without a voice."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, fftconvolve, sosfilt

from ambivox.audio import SAMPLE_RATE_HZ

Wave = NDArray[np.float32]


def elsewhere(wave: Wave, rng: np.random.Generator) -> Wave:
    """A copy of a recording ``(n_samples,)``, as another person in another place could have made it.

    Played faster or slower, cut or with a pause at its ends, in a room, with noise, through a microphone, a
    band as of a telephone and a codec; each of these in some of the copies only.
    """
    copy = wave
    if rng.random() < 0.6:
        copy = at_speed(copy, rng.uniform(0.86, 1.16))
    if rng.random() < 0.7:
        copy = with_other_ends(copy, rng)
    if rng.random() < 0.5:
        copy = in_room(copy, rng.uniform(0.15, 0.8), rng.uniform(0.0, 15.0), rng)
    if rng.random() < 0.5:
        copy = with_noise(copy, rng.uniform(10.0, 40.0), rng.uniform(0.0, 2.0), rng)
    if rng.random() < 0.7:
        copy = through_microphone(copy, rng.uniform(1.0, 6.0), rng)
    if rng.random() < 0.35:
        low_hz = 300.0 if rng.random() < 0.5 else 60.0
        copy = in_band(copy, low_hz, rng.uniform(3_400.0, 7_000.0))
    if rng.random() < 0.3:
        copy = coded(copy, rng)
    return np.asarray(copy * (10 ** rng.uniform(-1, 0) / max(1e-6, np.abs(copy).max())), dtype=np.float32)


def at_speed(wave: Wave, speed: float) -> Wave:
    """Play a recording faster or slower: pitch, formants and tempo all move, as if another person spoke."""
    return np.asarray(soxr.resample(wave, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ), dtype=np.float32)


def with_other_ends(wave: Wave, rng: np.random.Generator) -> Wave:
    """Cut what lies before and after the voice at random places, or make it longer by up to 0.8 s."""
    level = np.convolve(np.abs(wave), np.full(800, 1 / 800), mode="same")
    voiced = np.flatnonzero(level > 0.05 * level.max())
    start, end = rng.integers(0, voiced[0] + 1), rng.integers(voiced[-1], len(wave)) + 1
    if rng.random() < 0.7:
        return wave[start:end]
    pauses = rng.integers(0, int(0.8 * SAMPLE_RATE_HZ), size=2)
    floor = np.quantile(level, 0.02) * rng.standard_normal(len(wave) + int(pauses.sum()))
    floor[pauses[0] : pauses[0] + len(wave)] = wave
    return np.asarray(floor, dtype=np.float32)


def in_room(wave: Wave, tail_s: float, below_db: float, rng: np.random.Generator) -> Wave:
    """With the tail of a room.

    Args:
        tail_s: in which it dies away by 60 dB.
        below_db: how far its energy lies below the voice's.
    """
    times = np.arange(int(tail_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    room = rng.standard_normal(len(times)) * 10 ** (-3 * times / tail_s)
    room *= np.sqrt(10 ** (-below_db / 10) / (room**2).sum())
    room[0] = 1.0
    return np.asarray(fftconvolve(wave, room)[: len(wave)], dtype=np.float32)


def with_noise(wave: Wave, below_db: float, slope: float, rng: np.random.Generator) -> Wave:
    """With noise so far below the voice, whose power falls with frequency to a power of ``slope``."""
    noise = coloured(rng.standard_normal(len(wave)), slope)
    noise *= 10 ** (-below_db / 20) * np.sqrt(np.mean(wave**2) / np.mean(noise**2))
    return np.asarray(wave + noise, dtype=np.float32)


def coloured(white: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """White noise ``(n_samples,)`` with power that falls with frequency to a power of ``slope`` (1: pink)."""
    length = next_fast_len(len(white), real=True)
    spectrum = rfft(white, length)
    shaped = spectrum * np.maximum(np.arange(len(spectrum)), 20.0) ** (-slope / 2)
    return np.asarray(irfft(shaped, length)[: len(white)])


def through_microphone(wave: Wave, spread_db: float, rng: np.random.Generator) -> Wave:
    """Through a filter that is smooth on the octaves; its gains differ by about ``spread_db``."""
    length = next_fast_len(len(wave), real=True)
    spectrum = rfft(wave, length)
    octaves = np.log2(np.maximum(np.linspace(0, SAMPLE_RATE_HZ / 2, len(spectrum)), 50.0) / 50.0)
    place = np.pi * octaves / octaves[-1]
    gain_db = sum(rng.normal() / k**0.5 * np.cos(k * place + rng.uniform(0, np.pi)) for k in (1, 2, 3, 4))
    filtered = irfft(spectrum * 10 ** (spread_db * np.asarray(gain_db) / 20), length)
    return np.asarray(filtered[: len(wave)], dtype=np.float32)


def in_band(wave: Wave, low_hz: float, high_hz: float) -> Wave:
    """Without what lies outside a band."""
    sections = butter(4, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(sosfilt(sections, wave), dtype=np.float32)


def coded(wave: Wave, rng: np.random.Generator) -> Wave:
    """Through a codec: 8 bits on a logarithmic scale as telephones have it, Ogg Vorbis or MP3."""
    loud = wave / max(1e-6, np.abs(wave).max())
    if rng.random() < 0.4:
        bits = np.round(127 * np.sign(loud) * np.log1p(255 * np.abs(loud)) / np.log(256)) / 127
        return np.asarray(np.sign(bits) * np.expm1(np.abs(bits) * np.log(256)) / 255, dtype=np.float32)
    form, kind = ("OGG", "VORBIS") if rng.random() < 0.5 else ("MP3", "MPEG_LAYER_III")
    file = io.BytesIO()
    squeezed = rng.uniform(0.5, 1.0)
    soundfile.write(file, loud, SAMPLE_RATE_HZ, format=form, subtype=kind, compression_level=squeezed)
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0], dtype=np.float32)


def in_a_noisy_room(wave: Wave, rng: np.random.Generator) -> Wave:
    """A recording with the tail of a room (0.5 s, 3 dB below the voice) and pink noise 15 dB below it."""
    return with_noise(in_room(wave, 0.5, 3.0, rng), 15.0, 1.0, rng)


def voiceless(rng: np.random.Generator) -> Wave:
    """Half a second to six seconds without a voice: silence, noise of any colour, or music, at any level."""
    count = int(rng.uniform(0.5, 6.0) * SAMPLE_RATE_HZ)
    kind = rng.random()
    if kind < 0.15:
        return np.zeros(count, dtype=np.float32)
    if kind < 0.6:
        sound = coloured(rng.standard_normal(count), rng.uniform(0.0, 2.0) if rng.random() < 0.7 else 0.0)
    else:
        sound = music(count, rng)
    level = 10 ** rng.uniform(-3.0, -0.5)
    return np.asarray(sound * (level / np.sqrt(np.mean(sound**2))), dtype=np.float32)


def music(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Chords of decaying tones with overtones, one after the other, ``(count,)`` samples."""
    sound = np.zeros(count)
    beat_s = rng.uniform(0.15, 0.7)
    brightness, decay_s = rng.uniform(0.3, 0.9), rng.uniform(0.1, 1.0)
    for start in range(0, count, int(beat_s * SAMPLE_RATE_HZ)):
        times = np.arange(min(SAMPLE_RATE_HZ, count - start)) / SAMPLE_RATE_HZ
        for half_tones in rng.integers(-24, 24, size=rng.integers(1, 5)):
            pitch_hz = 220.0 * 2 ** (half_tones / 12)
            for overtone in range(1, 9):
                loudness = brightness ** (overtone - 1) * np.exp(-times * overtone**0.5 / decay_s)
                sound[start : start + len(times)] += loudness * np.sin(
                    2 * np.pi * overtone * pitch_hz * times
                )
    return sound + 1e-4 * rng.standard_normal(count)
