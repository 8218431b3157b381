"""What the samples themselves show: silence, clipping, offsets, channels that cancel or differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ambivox.audio.cautions import AudioCaution

NEAR_SILENCE_RMS = 1e-3
"""-60 dB of full scale. The loudest 25 ms of the quietest of 3693 clips of five corpora are at -55 dB."""

CLIPPED_SHARE = 0.005
"""Samples that stay at the loudest value for two and more; those clips have none."""

RAILS_SHARE = 0.02
"""Samples within 5% of full scale, for sound compressed after it was clipped; those clips have up to 0.7%."""

OFFSET = 0.01
"""Mean of the samples, if also `OFFSET_SHARE` of their deviation; those clips have up to 0.006."""

OFFSET_SHARE = 0.2

CANCELLED_SHARE = 0.01
"""Of the power of the channels: when less is left in their average, they cancel out."""

DIFFERENT_SHARE = 0.75
"""When less is left, the channels do not hold the same sound; two with nothing in common leave half."""

FULL_SCALE = 2.0
"""Peaks up to here are loud mixes and decoders that overshoot."""

_WINDOW_S = 0.025


class Channels:
    """Sums over the blocks of a sound, by channel; in float64 and without the mean."""

    def __init__(self, n_channels: int, lossy: bool) -> None:
        self._lossy = lossy
        self._n = 0
        self._sums = np.zeros(n_channels)
        self._squares = np.zeros(n_channels)
        self._mix_square = 0.0
        self._at_rails = np.zeros(n_channels)

    def add(self, block: NDArray[np.float32], mix: NDArray[np.float32]) -> None:
        """Count a block of shape ``(n, n_channels)`` and its average over channels, shape ``(n,)``."""
        self._n += len(block)
        at_rails = np.abs(block[1:]) >= 0.95
        if not self._lossy:  # then what is cut off stays at one value, and a loud tone does not
            at_rails &= block[1:] == block[:-1]
        self._at_rails += np.count_nonzero(at_rails, axis=0)
        if len(self._sums) > 1:
            self._sums += block.sum(axis=0, dtype=np.float64)
            self._squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
            self._mix_square += float(np.einsum("i,i->", mix, mix, dtype=np.float64))

    @property
    def share_at_rails(self) -> float:
        """Of the samples of the loudest channel."""
        return float(self._at_rails.max() / self._n) if self._n else 0.0

    @property
    def share_left(self) -> float:
        """How much of the channels' power is in their average: 1 for equal channels, 0 for opposite ones."""
        if len(self._sums) == 1 or not self._n:
            return 1.0
        means = self._sums / self._n
        power = float((self._squares / self._n - means**2).mean())
        left = self._mix_square / self._n - float(means.mean()) ** 2
        return max(0.0, left / power) if power > 1e-12 else 1.0


def is_silent(samples: NDArray[np.float32]) -> bool:
    """Whether all samples are the same, as in digital silence."""
    return len(samples) > 0 and bool((samples == samples[0]).all())


def measured_cautions(
    samples: NDArray[np.float32], rate_hz: int, share_at_rails: float
) -> Iterator[AudioCaution]:
    """What is odd about one channel of sound.

    Args:
        samples: shape ``(n_samples,)``, finite, not silent.
        rate_hz: samples per second.
        share_at_rails: of the samples before channels were averaged; 0 where they have no rails.
    """
    peak = float(np.abs(samples).max())
    mean = float(samples.mean(dtype=np.float64))
    deviation = float(samples.std(dtype=np.float64))
    if peak > FULL_SCALE:
        yield AudioCaution("over-full-scale", f"its samples reach {peak:.3g} where full scale is 1")
    if abs(mean) > OFFSET and abs(mean) > OFFSET_SHARE * deviation:
        yield AudioCaution("dc-offset", f"its samples are {mean:+.3f} on average: an offset of the recorder")
    loudest = _loudest_window_rms(samples - np.float32(mean), rate_hz)
    if loudest < NEAR_SILENCE_RMS:
        level_db = 20 * np.log10(max(loudest, 1e-9))
        yield AudioCaution(
            "near-silence", f"its loudest 25 ms are at {level_db:.0f} dB of full scale: hardly any sound"
        )
    clipped = max(_share_clipped(samples, peak), share_at_rails if share_at_rails > RAILS_SHARE else 0.0)
    if clipped > CLIPPED_SHARE and loudest >= NEAR_SILENCE_RMS:
        yield AudioCaution("clipped", f"{100 * clipped:.0f}% of its samples are cut off at the loudest value")


def channel_caution(share_left: float, n_channels: int) -> AudioCaution | None:
    """What is odd about averaging channels of which so much power is left."""
    if share_left < 0.5 / n_channels:
        return AudioCaution(
            "channels-cancel",
            f"{100 * (1 - share_left):.0f}% of its sound cancels out between its channels: choose one",
        )
    if share_left < DIFFERENT_SHARE:
        return AudioCaution(
            "channels-differ",
            f"its {n_channels} channels differ much and were averaged: choose one, or 'mix'",
        )
    return None


def _loudest_window_rms(samples: NDArray[np.float32], rate_hz: int) -> float:
    window = max(1, min(len(samples), round(_WINDOW_S * rate_hz)))
    whole = samples[: len(samples) // window * window].reshape(-1, window)
    return float(np.sqrt(np.einsum("ij,ij->i", whole, whole).max() / window))


def _share_clipped(samples: NDArray[np.float32], peak: float) -> float:
    stays = (samples[1:] == samples[:-1]) & (np.abs(samples[1:]) >= 0.99 * peak)
    return float(np.count_nonzero(stays) / len(samples))
