import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.metrics import bootstrap_draws, bootstrap_interval, skill


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


def test_a_drawn_group_comes_with_all_its_utterances():
    groups = ["ann", "bob", "ann", "cat", "bob", "ann"]
    for rows in bootstrap_draws(groups, n_draws=20, seed=3):
        drawn = np.bincount(rows, minlength=6)
        assert drawn[0] == drawn[2] == drawn[5]
        assert drawn[1] == drawn[4]
        assert drawn[0] + drawn[1] + drawn[3] == 3


def test_the_same_seed_draws_the_same_corpora_and_another_does_not():
    def draws(seed):
        return [rows.tolist() for rows in bootstrap_draws(list("abcdefgh"), n_draws=5, seed=seed)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


def test_the_interval_is_wider_where_utterances_of_a_speaker_hang_together():
    values = np.repeat(np.linspace(0, 1, 10), 20)
    speakers = np.repeat(np.arange(10), 20).tolist()
    by_speaker = bootstrap_interval(values, speakers, seed=0)
    by_utterance = bootstrap_interval(values, range(200), seed=0)
    assert by_speaker[1] - by_speaker[0] > 3 * (by_utterance[1] - by_utterance[0])


def test_the_interval_of_independent_values_is_near_the_normal_one():
    values = np.random.default_rng(5).normal(size=400)
    low, high = bootstrap_interval(values, range(400), n_draws=2000, seed=0, level=0.9)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.645 * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + 1.645 * error, abs=0.1 * error)


def test_a_higher_level_gives_a_wider_interval():
    values, groups = np.arange(12.0), range(12)
    low80, high80 = bootstrap_interval(values, groups, seed=0, level=0.8)
    low99, high99 = bootstrap_interval(values, groups, seed=0, level=0.99)
    assert low99 < low80 < values.mean() < high80 < high99


@pytest.mark.parametrize("groups", [[], ["ann"], ["ann", "ann"]])
def test_fewer_than_two_groups_give_no_interval(groups):
    assert np.isnan(bootstrap_interval(np.ones(len(groups)), groups, seed=0)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_gives_no_interval(value):
    assert np.isnan(bootstrap_interval([1, 2, value], "abc", seed=0)).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"groups": "ab"}, r"expected \(2,\)"),
        ({"level": 1}, "level: 1 is not between 0 and 1"),
        ({"n_draws": 0}, "n_draws: 0, at least 1 is needed"),
    ],
)
def test_options_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval([1, 2, 3], **{"groups": "abc", "seed": 0, **wrong})
