"""Changes to a clip that leave its emotion: gain, a small shift, noise, and masks in time and frequency.

Pitch, tempo and formants carry emotion, so speed and pitch perturbation (Ko et al. 2015) are left out. All
works on samples, before any model's own features, so every family of models is trained alike.

Sources: masks as in SpecAugment (Park et al. 2019, arXiv 1904.08779), its policy "Switchboard mild": two
masks of at most 15 of 80 mel bands, two of at most 0.7 s and a fifth of the clip; no time warping. Noise as
in the x-vector recipe (Snyder et al. 2018, doi:10.1109/ICASSP.2018.8461375), which adds noise at 0 to 15 dB;
milder here, 15 to 30 dB, since breath and voice quality tell emotions apart. Gain and shift are our choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.finetuning.config import AugmentSpec

Samples = NDArray[np.float32]

MEL_BANDS = 80
WIDEST_MASK_BANDS = 15
LONGEST_MASK_S = 0.7
LONGEST_MASK_SHARE = 0.2


def augment(samples: Samples, how: AugmentSpec, rng: np.random.Generator) -> Samples:
    """One changed copy of a clip, of the same length.

    Args:
        samples: shape ``(n_samples,)``, 16 kHz mono.
        how: what is changed, and how strongly.
        rng: the draws.

    Returns:
        Shape ``(n_samples,)`` float32, finite where `samples` is.
    """
    changed = shift(samples, how.shift_s, rng)
    for _ in range(how.frequency_masks):
        changed = mask_band(changed, rng)
    for _ in range(how.time_masks):
        changed = mask_time(changed, rng)
    if rng.random() < how.noise_share:
        changed = add_noise(changed, float(rng.uniform(*how.snr_db)), rng)
    gain = 10 ** (rng.uniform(-how.gain_db, how.gain_db) / 20)
    return np.asarray(changed * gain, dtype=np.float32)


def shift(samples: Samples, most_s: float, rng: np.random.Generator) -> Samples:
    """Move the clip by at most ``most_s``, silence moving in; what moves out at the edge is lost."""
    most = min(round(most_s * SAMPLE_RATE_HZ), len(samples) // 4)
    by = int(rng.integers(-most, most + 1))
    moved = np.zeros_like(samples)
    if by >= 0:
        moved[by:] = samples[: len(samples) - by]
    else:
        moved[:by] = samples[-by:]
    return moved


def add_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """Add white noise at a signal-to-noise ratio in dB over the whole clip; silence stays silence."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if len(samples) else 0.0
    noise = rng.normal(0, np.sqrt(power / 10 ** (snr_db / 10)), len(samples))
    return np.asarray(samples + noise, dtype=np.float32)


def mask_time(samples: Samples, rng: np.random.Generator) -> Samples:
    """Silence a stretch of at most `LONGEST_MASK_S` and `LONGEST_MASK_SHARE` of the clip."""
    most = int(min(LONGEST_MASK_S * SAMPLE_RATE_HZ, LONGEST_MASK_SHARE * len(samples)))
    width = int(rng.integers(0, most + 1))
    start = int(rng.integers(0, len(samples) - width + 1))
    masked = samples.copy()
    masked[start : start + width] = 0
    return masked


def mask_band(samples: Samples, rng: np.random.Generator) -> Samples:
    """Remove a band of at most `WIDEST_MASK_BANDS` of `MEL_BANDS` mel bands from the whole clip."""
    width = int(rng.integers(0, WIDEST_MASK_BANDS + 1))
    first = int(rng.integers(0, MEL_BANDS - width + 1))
    low_hz, high_hz = (_mel_edge_hz(band) for band in (first, first + width))
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    spectrum[(hz >= low_hz) & (hz < high_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), dtype=np.float32)


def _mel_edge_hz(band: int) -> float:
    """The lower edge of a band when `MEL_BANDS` share the mel scale (HTK's) up to half the sample rate."""
    most_mel = 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    return float(700 * (10 ** (most_mel * band / MEL_BANDS / 2595) - 1))
