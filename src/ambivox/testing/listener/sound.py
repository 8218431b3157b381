"""Sounds that carry a distribution: one tone per label, its power the label's probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.audio import SAMPLE_RATE_HZ, Samples
from ambivox.raters.distribution import Array, as_distributions

_LOWEST_HZ, _STEP_HZ = 300, 200
_PERIOD = SAMPLE_RATE_HZ // 100
"""Samples in which all tones complete whole periods, so that none leaks into another."""
_PEAK = 0.9
MAX_LABELS = (SAMPLE_RATE_HZ // 2 - _LOWEST_HZ) // _STEP_HZ


def sound_of(p: ArrayLike, *, duration_s: float = 0.5) -> Samples:
    """A sound from which `heard` reads the distribution back.

    Args:
        p: shape ``(N,)``, non-negative, sum 1; N at most `MAX_LABELS`.
        duration_s: at least 0.01 s.

    Returns:
        Shape ``(n_samples,)``, 16 kHz mono float32 within [-0.9, 0.9].

    Raises:
        ValueError: not a distribution, or too many labels.

    >>> import numpy as np
    >>> heard(sound_of([0.7, 0.2, 0.1]), 3)[0].round(4).tolist()
    [0.7, 0.2, 0.1]
    """
    amplitudes = np.sqrt(as_distributions(p))
    if amplitudes.shape[-1] > MAX_LABELS:
        raise ValueError(f"{amplitudes.shape[-1]} labels, a sound carries at most {MAX_LABELS}")
    amplitudes *= _PEAK / amplitudes.sum()
    tones = np.sin(2 * np.pi * _phases(len(amplitudes), round(duration_s * SAMPLE_RATE_HZ)))
    return np.asarray(amplitudes @ tones, dtype=np.float32)


def heard(samples: Samples, n_labels: int) -> tuple[Array, float]:
    """The distribution that a sound carries, and how much of the sound's power carries it.

    Returns:
        Shape ``(n_labels,)``, sum 1, and a share in [0, 1]: near 1 for `sound_of`, near 0 for noise, 0 for
        silence (whose distribution is uniform).
    """
    whole = samples[: len(samples) // _PERIOD * _PERIOD].astype(np.float64)
    power = float(whole @ whole)
    if power <= 0:
        return np.full(n_labels, 1 / n_labels), 0.0
    waves = np.exp(-2j * np.pi * _phases(n_labels, len(whole)))
    tones = np.abs(waves @ whole) ** 2 * (2 / len(whole))
    if tones.sum() <= 1e-12 * power:
        return np.full(n_labels, 1 / n_labels), 0.0
    return tones / tones.sum(), float(min(tones.sum() / power, 1.0))


def _phases(n_labels: int, n_samples: int) -> NDArray[np.float64]:
    """Periods passed by each label's tone at each sample, shape ``(n_labels, n_samples)``."""
    hertz = _LOWEST_HZ + _STEP_HZ * np.arange(n_labels)
    return np.outer(hertz, np.arange(n_samples)) / SAMPLE_RATE_HZ
