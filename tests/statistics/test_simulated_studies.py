"""A small version of ``benchmarks/coverage.py``: bounds as wide as so few studies leave them."""

import pytest
from benchmarks.simulated_studies import OVER_CORPUS, coverage, true_scores
from scipy.stats import binom

N_STUDIES = 150


@pytest.fixture(scope="module")
def found():
    return coverage(24, N_STUDIES, n_draws=500, truth=true_scores(4000), seed=1)


@pytest.mark.parametrize("statistic", ["mean", "skill", "difference", *OVER_CORPUS])
def test_intervals_hold_the_truth_as_often_as_they_promise(found, statistic):
    """Between 93% and 97%, give or take the chance of 150 studies (one in a thousand on each side)."""
    low, high = binom.ppf(0.001, N_STUDIES, 0.93), binom.ppf(0.999, N_STUDIES, 0.97)
    assert low <= found[f"{statistic}, bootstrap-t"] * N_STUDIES <= high


def test_a_true_null_is_rejected_as_often_as_promised(found):
    low, high = binom.ppf(0.001, N_STUDIES, 0.04), binom.ppf(0.999, N_STUDIES, 0.06)
    assert low <= found["rejected true nulls"] * N_STUDIES <= high


def test_the_interval_is_better_than_the_percentile_one_with_few_speakers():
    few = coverage(8, 200, n_draws=400, truth=true_scores(4000), seed=2)
    assert few["mean, bootstrap-t"] > few["mean, percentile"] + 0.02
