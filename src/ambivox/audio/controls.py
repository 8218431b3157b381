"""The stand-ins for a clip (controls) that hold no speech."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ambivox.audio.decode import Samples

NOISE_FLOOR_RMS = 1e-3
"""-60 dB of full scale, about a quiet room: how loud `noise_like` is for a silent clip."""


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
