"""What a plan promises against studies that are drawn as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from ambivox.statistics import detectable_difference, equivalent, ratio_intervals, scatter


def draw(n_studies, sizes, mean, between, within, seed=0):
    """Sums and sizes of each speaker, shape ``(G, S)``."""
    rng, n = np.random.default_rng(seed), np.array(sizes, dtype=float)[:, None]
    shape = (len(sizes), n_studies)
    means = mean + between * rng.normal(size=shape) + within * rng.normal(size=shape) / np.sqrt(n)
    return means * n, np.broadcast_to(n, shape)


@pytest.mark.parametrize("sizes", [[20] * 16, [10, 40] * 12], ids=["equal", "unequal"])
@pytest.mark.parametrize("n_tests", [1, 10])
def test_the_detectable_difference_is_found_in_as_many_studies_as_it_says(sizes, n_tests):
    least = float(detectable_difference(sizes, between=0.04, within=0.2, n_tests=n_tests))
    found = ratio_intervals(*draw(600, sizes, least, 0.04, 0.2), n_draws=3000)
    power = np.mean([one.p < 0.05 / n_tests and one.estimate > 0 for one in found])
    assert power == pytest.approx(0.8, abs=0.08)


def test_with_many_equal_speakers_it_is_that_of_the_t_test():
    sd, n, rng = 1.0, 60, np.random.default_rng(1)
    least = float(detectable_difference([1] * n, between=0.0, within=sd))
    found = [ttest_1samp(rng.normal(least, sd, size=n), 0).pvalue < 0.05 for _ in range(1000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


def test_more_speakers_more_clips_and_less_scatter_show_smaller_differences():
    least = detectable_difference([10] * 12, between=[0.05, 0.02], within=[0.2, 0.2])
    assert least.shape == (2,)
    assert least[1] < least[0]
    assert detectable_difference([10] * 24, between=0.05, within=0.2) < least[0]
    assert detectable_difference([40] * 12, between=0.05, within=0.2) < least[0]
    assert detectable_difference([10] * 12, between=0.05, within=0.2, n_tests=9) > least[0]


def test_scatter_finds_what_was_drawn():
    rng = np.random.default_rng(3)
    speakers = np.repeat(np.arange(300), rng.integers(3, 30, size=300))
    values = 0.5 * rng.normal(size=300)[speakers] + 0.8 * rng.normal(size=len(speakers))
    assert scatter(values, speakers.tolist()) == (pytest.approx(0.5, rel=0.1), pytest.approx(0.8, rel=0.05))


def test_scatter_of_speakers_that_differ_by_chance_alone_is_none():
    values = [1.0, -1.0] * 6
    assert scatter(values, np.repeat(np.arange(6), 2).tolist())[0] == 0


def test_scatter_needs_several_speakers_and_several_clips_of_one():
    assert np.isnan(scatter([1, 2, 3], ["ann"] * 3)).all()
    assert np.isnan(scatter([1, 2, 3], ["ann", "bob", "cat"])).all()


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.01, 1))
def test_equivalent_means_that_no_value_of_the_interval_reaches_the_margin(low, width, margin):
    inside = np.abs(np.linspace(low, low + width, 5)).max() < margin
    assert bool(equivalent(low, low + width, margin)) == inside


def test_no_interval_shows_no_equivalence():
    assert not equivalent(np.nan, np.nan, 0.1)


def test_a_margin_of_nothing_is_refused():
    with pytest.raises(ValueError, match="margin: 0 is not above 0"):
        equivalent(0.0, 0.1, 0)


@pytest.mark.parametrize(
    "wrong", [{"sizes": [3]}, {"sizes": [0, 3]}, {"level": 0}, {"power": 1}, {"n_tests": 0}]
)
def test_plans_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"sizes: expected|out of range"):
        detectable_difference(**{"sizes": [3, 3], "between": 0.1, "within": 0.1, **wrong})
