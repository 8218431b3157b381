"""The log-mel spectrogram of Whisper, from which `mini` hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.models.protocol import FloatArray

LEAST_POWER = 1e-10
RANGE_LOG10 = 8.0
"""What is weaker than the loudest by more than this many powers of ten is cut off."""


@dataclass(frozen=True)
class Features:
    """How samples become features, as a processor's configuration says."""

    rate_hz: int
    n_samples: int
    """Of the window: clips are filled up to it with zeros."""
    n_fft: int
    hop: int
    n_mels: int

    @classmethod
    def configured(cls, config: Mapping[str, Any]) -> Features:
        """From the ``feature_extractor`` of a ``processor_config.json``."""
        return cls(
            rate_hz=config["sampling_rate"],
            n_samples=config["n_samples"],
            n_fft=config["n_fft"],
            hop=config["hop_length"],
            n_mels=config["feature_size"],
        )

    @property
    def n_frames(self) -> int:
        """Of the window."""
        return self.n_samples // self.hop

    def frames_of(self, samples: FloatArray) -> int:
        """How many frames begin within the clip."""
        return -(-len(samples) // self.hop)

    def log_mel(self, samples: FloatArray, n_frames: int) -> FloatArray:
        """The first frames of the window with a clip in it, shape ``(n_frames, n_mels)``, or all if there are
        fewer. `samples` have shape ``(n_samples,)`` and fit into the window.
        """
        window = np.zeros(self.n_samples, dtype=np.float32)
        window[: len(samples)] = samples
        around = np.pad(window, self.n_fft // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(around, self.n_fft)[:: self.hop]
        # all that hear of the clip, since the loudest decides where the others are cut off
        reached = self.frames_of(samples) + self.n_fft // self.hop
        frames = frames[: min(max(n_frames, reached), self.n_frames)]
        hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.n_fft) / self.n_fft)).astype(np.float32)
        power = np.abs(np.fft.rfft(frames * hann)).astype(np.float32) ** 2
        mel = power @ mel_filters(self.n_fft, self.n_mels, self.rate_hz)
        log10 = np.log10(np.maximum(mel, LEAST_POWER))
        features: FloatArray = (np.maximum(log10, log10.max() - RANGE_LOG10) + 4) / 4
        return features[:n_frames]


def mel_filters(n_fft: int, n_mels: int, rate_hz: int) -> FloatArray:
    """Triangles between neighbours on Slaney's mel scale, of equal area: shape ``(n_fft // 2 + 1, n_mels)``.

    Source: Slaney (1998), Auditory Toolbox, as ``librosa.filters.mel`` makes them.
    """
    top_hz = rate_hz / 2
    corners_hz = _hz(np.linspace(0, _mel(top_hz), n_mels + 2))
    bins_hz = np.linspace(0, top_hz, n_fft // 2 + 1)
    widths_hz = np.diff(corners_hz)
    slopes = corners_hz - bins_hz[:, None]
    rising, falling = -slopes[:, :-2] / widths_hz[:-1], slopes[:, 2:] / widths_hz[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters: FloatArray = (triangles * 2 / (corners_hz[2:] - corners_hz[:-2])).astype(np.float32)
    return filters


LINEAR_TO_HZ, LINEAR_TO_MEL = 1000.0, 15.0
"""Up to here the scale is linear, and above it logarithmic."""

STEP = np.log(6.4) / 27


def _mel(hz: float) -> float:
    return float(LINEAR_TO_MEL + np.log(hz / LINEAR_TO_HZ) / STEP)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * LINEAR_TO_HZ / LINEAR_TO_MEL
    return np.where(mel < LINEAR_TO_MEL, linear, LINEAR_TO_HZ * np.exp(STEP * (mel - LINEAR_TO_MEL)))
