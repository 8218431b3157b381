"""Intervals over speakers and repetitions against the plain t interval and simulated truth."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ambivox.statistics.crossed import crossed_interval


def test_one_repetition_with_one_clip_each_is_the_t_interval():
    values = np.random.default_rng(0).normal(size=9)
    found = crossed_interval(values[None], range(9))
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], [low, high])


def test_repetitions_alone_that_differ_give_their_t_interval():
    seeds = np.array([0.1, 0.4, 0.2])
    found = crossed_interval(np.repeat(seeds[:, None], 6, axis=1), ["a", "a", "b", "b", "c", "c"])
    low, high = ttest_1samp(seeds, 0).confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], [low, high])


@pytest.mark.parametrize(("of_speakers", "of_seeds"), [(1.0, 0.3), (0.3, 1.0), (0.0, 0.0)])
def test_intervals_hold_the_mean_at_least_as_often_as_they_say(of_speakers, of_seeds):
    rng, speakers = np.random.default_rng(0), np.repeat(range(6), 4)
    held = []
    for _ in range(800):
        values = rng.normal(0, of_speakers, 6)[speakers] + rng.normal(0, of_seeds, (3, 1))
        found = crossed_interval(values + rng.normal(0, 0.5, (3, 24)), speakers)
        held.append(found.low < 0 < found.high)
    assert np.mean(held) > 0.93  # standard error 0.008


def test_values_without_variance_have_no_interval():
    found = crossed_interval(np.full((3, 4), 0.5), ["a", "a", "b", "b"])
    assert (found.estimate, found.reason.code) == (0.5, "no-variance")
    assert np.isnan([found.low, found.high]).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\), expected \(K, 3\)"):
        crossed_interval([0.1, 0.2, 0.3], ["a", "b", "c"])
