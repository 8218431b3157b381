"""Small versions of ``benchmarks/coverage.py``: bounds as wide as so few studies leave them."""

import pytest
from benchmarks.simulated_studies import STATISTICS, WORLDS, coverage, true_scores
from benchmarks.simulated_values import WORLDS as VALUES
from benchmarks.simulated_values import coverage_of_means
from scipy.stats import binom

N_STUDIES = 150


@pytest.fixture(scope="module")
def found():
    return coverage(24, N_STUDIES, n_draws=500, truth=true_scores(WORLDS["plain"], 4000), seed=1)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_intervals_hold_the_truth_as_often_as_they_promise(found, statistic):
    """Between 93% and 97%, give or take the chance of 150 studies (one in a thousand on each side)."""
    low, high = binom.ppf(0.001, N_STUDIES, 0.93), binom.ppf(0.999, N_STUDIES, 0.97)
    held, given = found[statistic]
    assert given == N_STUDIES
    assert low <= held <= high


@pytest.mark.parametrize("world", [name for name, world in VALUES.items() if world.promised])
@pytest.mark.parametrize("n_speakers", [12, 24])
def test_means_are_held_as_often_as_promised_in_every_promised_world(world, n_speakers):
    n_studies = 600
    found = coverage_of_means(world, n_speakers, n_studies, n_draws=800, seed=3)
    assert found["given"] > 90
    assert binom.ppf(0.001, n_studies, 0.93) <= found["held"] / 100 * n_studies


@pytest.mark.parametrize("world", ["skewed, sizes very uneven", "one speaker has 50%"])
def test_intervals_hold_more_than_those_that_take_speakers_for_equals(world):
    found = coverage_of_means(world, 12, 2000, n_draws=500, seed=4)
    assert found["held"] > found["plain"] + 1.5


def test_sign_flips_reject_the_true_mean_of_skewed_values_too_often():
    """Why tests are not sign flips."""
    found = coverage_of_means("lognormal (0.8)", 12, 2000, n_draws=500, seed=5)
    assert found["flips"] > 9
    assert 100 - found["held"] < 8
