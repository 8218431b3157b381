import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.metrics import skill


@given(st.floats(0, 10), st.floats(0.01, 10))
def test_skill_of_a_lower_is_better_metric_is_one_minus_the_ratio(score, control):
    assert skill(score, control, lower_is_better=True) == pytest.approx(1 - score / control, abs=1e-9)


@given(st.floats(-1, 1), st.floats(-1, 0.99))
def test_skill_of_a_higher_is_better_metric_is_the_share_of_the_way_to_one(score, control):
    expected = (score - control) / (1 - control)
    assert skill(score, control, lower_is_better=False) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_skill_is_one_for_perfection_zero_for_the_control_and_negative_below(lower_is_better):
    perfect, worse = (0, 0.6) if lower_is_better else (1, 0.4)
    got = skill([perfect, 0.5, worse], 0.5, lower_is_better=lower_is_better)
    assert got == pytest.approx([1, 0, -0.2])


def test_skill_against_a_perfect_or_infinite_control_is_undefined():
    assert np.isnan(skill([0, 0.1], 0, lower_is_better=True)).all()
    assert np.isnan(skill(1, 1, lower_is_better=False))
    assert np.isnan(skill([1, np.inf], np.inf, lower_is_better=True)).all()


def test_skill_of_an_infinite_score_is_minus_infinity():
    assert skill(np.inf, 1, lower_is_better=True) == -np.inf
