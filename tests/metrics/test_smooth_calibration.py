"""SmoothECE against its definition, summed one utterance and one reflection at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambivox.metrics import smooth_ece
from ambivox.metrics.smooth_calibration import smooth_ece_linearised


def by_definition(confidence, hit):
    """The width at which the integral of the smoothed residual's size equals the width."""
    grid = (np.arange(4000) + 0.5) / 4000

    def error(width):
        smoothed = np.zeros_like(grid)
        for x, residual in zip(confidence, hit - confidence, strict=True):
            for centre in np.concatenate([[x + 2 * k, 2 * k - x] for k in range(-3, 4)]):
                smoothed += residual * np.exp(-(((grid - centre) / width) ** 2) / 2)
        return np.abs(smoothed).mean() / width / np.sqrt(2 * np.pi) / len(confidence)

    low, high = 0.002, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if error(middle) > middle else (low, middle)
    return error(high)


def two_labels(confidence, hit):
    """Predictions of two labels with these largest probabilities, and truths of which so much is on it."""
    return np.column_stack([confidence, 1 - confidence]), np.column_stack([hit, 1 - hit])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_it_is_its_definition(n, seed):
    rng = np.random.default_rng(seed)
    confidence, hit = rng.uniform(0.51, 1, size=n), rng.random(n)
    found = smooth_ece(*two_labels(confidence, hit), target="votes")
    assert found == pytest.approx(by_definition(confidence, hit), abs=2e-3)


def test_it_sees_errors_of_both_signs_that_a_mean_would_cancel():
    confidence, hit = np.repeat([0.55, 0.95], 50), np.repeat([0.95, 0.55], 50)
    p, q = two_labels(confidence, hit)
    assert abs((hit - confidence).mean()) < 1e-12
    assert smooth_ece(p, q, target="votes") > 0.2


def test_a_confidence_moved_a_little_moves_it_a_little():
    """A bin's edge does not: .6 and .6000001 are in two bins."""
    hit = np.tile([1.0, 0.0], 20)
    errors = [smooth_ece(*two_labels(np.full(40, x), hit)) for x in (0.6, 0.6 + 1e-6)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.sampled_from(["plurality", "votes"]), st.integers(0, 2**32 - 1))
def test_the_mean_of_its_values_is_the_error(n, target, seed):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(4), size=n), rng.multinomial(5, [0.25] * 4, size=n) / 5
    values = smooth_ece_linearised(p, q, target=target)
    assert values.mean() == pytest.approx(float(smooth_ece(p, q, target=target)), abs=1e-3)


def test_its_values_scatter_as_it_does_from_corpus_to_corpus():
    rng = np.random.default_rng(0)
    found, errors = [], []
    for _ in range(200):
        confidence = rng.uniform(0.5, 1, size=400)
        hit = (rng.random(400) < confidence - 0.15).astype(float)
        p, q = two_labels(confidence, hit)
        found.append(float(smooth_ece(p, q)))
        errors.append(smooth_ece_linearised(p, q).std() / 20)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.15)


def test_the_error_of_no_utterance_is_undefined():
    assert np.isnan(smooth_ece(np.zeros((0, 4)), np.zeros((0, 4))))


def test_a_target_that_is_not_listed_is_refused():
    with pytest.raises(ValueError, match="target: 'mode' is not one of plurality, votes"):
        smooth_ece([[1, 0]], [[1, 0]], target="mode")
