"""Calibrations against references written out, and against what made the data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression

from ambivox.calibration import batch, divide, fit_temperature, fit_vector, prior_match
from ambivox.raters.distribution import Array


def distributions(seed: int, n: int = 20, labels: int = 4, sharp: float = 1.0) -> Array:
    return softmax(sharp * np.random.default_rng(seed).normal(size=(n, labels)), axis=1)


@given(seed=st.integers(0, 999), sharp=st.sampled_from([0.1, 1.0, 10.0]))
def test_dividing_takes_a_known_bias_out(seed: int, sharp: float) -> None:
    true = distributions(seed, sharp=sharp)
    bias = distributions(seed + 1, n=1)[0]
    seen = true * bias / (true * bias).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(divide(seen, bias), true, atol=1e-9)


def test_dividing_is_a_difference_of_logarithms_under_a_softmax() -> None:
    p, r = distributions(0), distributions(1)
    np.testing.assert_allclose(divide(p, r), softmax(np.log(p) - np.log(r), axis=1))


def test_a_reference_without_probability_leaves_no_distribution() -> None:
    p = np.array([[0.5, 0.5], [1.0, 0.0], [np.nan, np.nan]])
    assert np.isnan(divide(p, np.array([1.0, 0.0]))).all()
    assert np.isnan(divide(p, np.array([0.5, 0.5]))).tolist() == [[False] * 2, [False] * 2, [True] * 2]


def test_the_batch_is_divided_by_its_own_mean_without_the_failed() -> None:
    p = distributions(3)
    p[4] = np.nan
    there = np.delete(p, 4, axis=0)
    expected = there / there.mean(axis=0)
    np.testing.assert_allclose(np.delete(batch(p), 4, axis=0), expected / expected.sum(axis=1, keepdims=True))
    assert np.isnan(batch(p)[4]).all()
    assert np.isnan(batch(np.full((2, 3), np.nan))).all()


@given(
    seed=st.integers(0, 999), sharp=st.sampled_from([0.1, 1.0, 5.0]), bias=st.sampled_from([0.0, 3.0, 30.0])
)
def test_prior_matching_shifts_the_logarithms_until_the_mean_is_uniform(
    seed: int, sharp: float, bias: float
) -> None:
    p = distributions(seed, sharp=sharp)
    biased = softmax(np.log(p) + np.array([bias, 0, 0, -bias]), axis=1)
    matched = prior_match(biased)
    np.testing.assert_allclose(matched.mean(axis=0), 0.25, atol=1e-8)
    shifts = np.log(matched) - np.log(biased)
    shifts -= shifts[:, :1]
    np.testing.assert_allclose(shifts, np.broadcast_to(shifts[0], shifts.shape), atol=1e-6)
    np.testing.assert_allclose(matched, prior_match(p), atol=1e-6)


def test_the_weights_of_prior_matching_are_those_of_a_convex_problem() -> None:
    z = np.log(distributions(7, n=50, sharp=2.0))

    def away(w: Array) -> float:
        return float(logsumexp(z + w, axis=1).mean() - w.mean())

    w = minimize(away, np.zeros(4), options={"gtol": 1e-10}).x
    np.testing.assert_allclose(prior_match(np.exp(z)), softmax(z + w, axis=1), atol=1e-5)


def test_prior_matching_leaves_failed_readings_failed_and_out_of_the_mean() -> None:
    p = distributions(3)
    p[4] = np.nan
    there = np.delete(p, 4, axis=0)
    np.testing.assert_allclose(np.delete(prior_match(p), 4, axis=0), prior_match(there))
    assert np.isnan(prior_match(p)[4]).all()
    assert np.isnan(prior_match(np.full((2, 3), np.nan))).all()


@pytest.mark.parametrize("p", [[[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]])
def test_where_no_weights_make_the_mean_uniform_there_is_no_distribution(p: list[list[float]]) -> None:
    assert np.isnan(prior_match(np.array(p))).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_votes_is_found(temperature: float) -> None:
    p = distributions(5, n=200, sharp=2.0)
    found = fit_temperature(p, softmax(np.log(p) / temperature, axis=1))
    assert found.temperature == pytest.approx(temperature, rel=1e-3)
    np.testing.assert_allclose(found(p), softmax(np.log(p) / temperature, axis=1), atol=1e-3)


def test_the_scales_and_shifts_that_made_the_votes_are_found() -> None:
    p, scale, shift = (
        distributions(6, n=4000),
        np.array([0.5, 1.0, 1.5, 0.8]),
        np.array([0.5, -0.5, 0.2, -0.2]),
    )
    q = softmax(scale * np.log(p) + shift, axis=1)
    np.testing.assert_allclose(fit_vector(p, q)(p), q, atol=5e-3)


def test_vector_scaling_of_two_labels_is_a_logistic_regression() -> None:
    p = distributions(7, n=400, labels=2)
    q = np.eye(2)[np.random.default_rng(0).binomial(1, 0.2 + 0.6 * p[:, 1])]
    reference = LogisticRegression(C=1e6).fit(np.log(p), q[:, 1]).predict_proba(np.log(p))
    np.testing.assert_allclose(fit_vector(p, q)(p), reference, atol=0.02)


@given(seed=st.integers(0, 999), n=st.integers(2, 6), sharp=st.sampled_from([0.1, 5.0, 300.0]))
def test_any_predictions_are_fitted_to_a_loss_that_does_not_grow(seed: int, n: int, sharp: float) -> None:
    p, q = distributions(seed, n=n, sharp=sharp), distributions(seed + 1, n=n)
    for fit in (fit_temperature, fit_vector):
        scaling = fit(p, q)
        before, after = scaling.loss_nats
        assert after <= before + 1e-6
        calibrated = scaling(p)
        assert np.isfinite(calibrated).all()
        np.testing.assert_allclose(calibrated.sum(axis=1), 1)


def test_a_temperature_without_an_optimum_says_that_the_search_ended() -> None:
    p = distributions(8, sharp=5.0)
    assert fit_temperature(p, np.full(p.shape, 0.25)).at_end  # flat votes: the flatter the better
    assert not fit_temperature(p, p).at_end
