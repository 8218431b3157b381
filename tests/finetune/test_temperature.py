"""Temperature scaling against what it should recover and against a plain search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from ambivox.finetune.temperature import fit_temperature, with_temperature
from ambivox.metrics import METRICS


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5))
def test_a_known_temperature_is_found_again(seed, temperature):
    logits = np.random.default_rng(seed).normal(0, 1, (50, 4))
    assert fit_temperature(softmax(logits, -1), softmax(logits / temperature, -1)) == pytest.approx(
        temperature, rel=1e-3
    )


def test_the_fit_is_the_minimum_of_a_plain_search():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.3), 40)
    q = rng.multinomial(9, np.full(5, 0.2), 40) / 9
    grid = np.geomspace(0.05, 20, 4000)
    losses = [-(q * np.log(np.maximum(with_temperature(p, t), 1e-300))).sum() for t in grid]
    assert fit_temperature(p, q) == pytest.approx(grid[int(np.argmin(losses))], rel=2e-3)


def test_overconfident_predictions_are_calibrated():
    rng = np.random.default_rng(1)
    q = rng.dirichlet(np.ones(4), 500)
    p = with_temperature(q, 0.3)
    before, after = (
        float(METRICS["vote_ece"].function(x, q)) for x in (p, with_temperature(p, fit_temperature(p, q)))
    )
    assert before > 0.2
    assert after < 0.005


def test_a_probability_of_zero_stays_finite():
    assert np.isfinite(with_temperature([[1.0, 0.0]], 20)).all()
    assert 0.05 <= fit_temperature([[1.0, 0.0]], [[0.5, 0.5]]) <= 20.001
