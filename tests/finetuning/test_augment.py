"""Augmentation changes what it says and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.finetuning.augment import add_noise, augment, mask_band, mask_time, shift
from ambivox.finetuning.config import AugmentSpec


def noise(n_samples=16_000, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, n_samples).astype(np.float32)


@given(st.integers(1, 40_000), st.integers(0, 2**32 - 1))
def test_augmentation_keeps_length_and_stays_finite(n_samples, seed):
    samples = noise(n_samples)
    changed = augment(samples, AugmentSpec(), np.random.default_rng(seed))
    assert changed.shape == samples.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()


def test_augmentation_leaves_the_clip_itself_alone_and_depends_on_the_draws_only():
    samples, before = noise(), noise()
    one, again, other = (augment(samples, AugmentSpec(), np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_nothing_is_changed_where_nothing_is_asked_for():
    none = AugmentSpec(gain_db=0, shift_s=0, noise_share=0, time_masks=0, frequency_masks=0)
    np.testing.assert_array_equal(augment(noise(), none, np.random.default_rng(0)), noise())


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
def test_noise_has_the_power_asked_for(snr_db):
    clean = noise(200_000)
    added = add_noise(clean, snr_db, np.random.default_rng(1)) - clean
    assert 10 * np.log10((clean**2).mean() / (added**2).mean()) == pytest.approx(snr_db, abs=0.1)


def test_a_shift_moves_every_sample_by_the_same_distance():
    samples = np.arange(1, 16_001, dtype=np.float32)
    for seed in range(20):
        moved = shift(samples, 0.1, np.random.default_rng(seed))
        kept = moved != 0
        distance = moved[kept] - (np.flatnonzero(kept) + 1)
        assert len(set(distance)) == 1
        assert abs(distance[0]) == (~kept).sum() <= 1600


def test_time_masks_silence_at_most_a_fifth():
    widths = [(mask_time(noise(), np.random.default_rng(seed)) == 0).sum() for seed in range(200)]
    assert 2500 < max(widths) <= 3200


def test_band_masks_remove_a_band_and_nothing_else():
    samples = noise()
    for seed in range(20):
        masked = np.abs(np.fft.rfft(mask_band(samples, np.random.default_rng(seed))))
        gone = np.flatnonzero(masked < 1e-3 * np.abs(np.fft.rfft(samples)))
        if len(gone):
            assert gone[-1] - gone[0] + 1 == len(gone)
        kept = np.delete(np.arange(len(masked)), gone)
        np.testing.assert_allclose(masked[kept], np.abs(np.fft.rfft(samples))[kept], rtol=1e-3, atol=1e-3)
