import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ambivox.statistics import holm, paired_permutation_test


@given(st.lists(st.integers(-5, 5), min_size=6, max_size=10).filter(any))
def test_few_clusters_give_scipys_exact_p_value(differences):
    expected = stats.permutation_test(
        (np.array(differences, float), np.zeros(len(differences))),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    test = paired_permutation_test(differences, range(len(differences)))
    assert test.p == pytest.approx(expected.pvalue)


def test_the_sampled_p_value_is_near_the_exact_one():
    differences = np.random.default_rng(2).normal(0.4, 1, size=15)
    totals = [
        abs(np.dot(signs, differences)) >= abs(differences.sum()) - 1e-9
        for signs in itertools.product([1, -1], repeat=15)
    ]
    assert paired_permutation_test(differences, range(15)).p == pytest.approx(np.mean(totals), abs=0.015)


def test_signs_are_flipped_speaker_by_speaker():
    differences = np.repeat([1.0, 2.0, 1.0, -1.0, 2.0, 1.0, 1.0], 50)
    speakers = np.repeat(np.arange(7), 50).tolist()
    test = paired_permutation_test(differences, speakers)
    assert test.clusters == 7
    assert test.p == paired_permutation_test([1, 2, 1, -1, 2, 1, 1], range(7)).p
    assert test.p > paired_permutation_test(differences, range(350)).p


def test_the_same_seed_gives_the_same_p_value():
    differences = np.random.default_rng(0).normal(0.1, 1, size=40)
    first, again, other = (paired_permutation_test(differences, range(40), seed=s).p for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("differences", "groups", "reason"),
    [
        ([1, 2], "ab", "2 speakers: the smallest p-value they can give is 0.5"),
        ([1, 2, 3], "aaa", "1 speaker: the smallest p-value they can give is 1"),
        ([0.0] * 8, "abcdefgh", "no variance: the difference is 0 for all speakers"),
        ([np.nan] * 8, "abcdefgh", "no clip has both scores"),
    ],
)
def test_a_reason_stands_in_place_of_a_p_value(differences, groups, reason):
    test = paired_permutation_test(differences, groups)
    assert test.reason.text == reason
    assert np.isnan(test.p)


def test_clips_without_both_scores_are_left_out():
    test = paired_permutation_test([1, 2, np.nan, 1, 3, 1, 2, np.nan], "abcdefgh")
    assert test.clusters == 6
    assert test.p == 2 / 2**6
    assert test.difference == pytest.approx(10 / 6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_just_what_the_stepwise_procedure_rejects(p_values):
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, i in enumerate(np.argsort(p_values, kind="stable")):
            if p_values[i] * (len(p_values) - step) > level:
                break
            rejected.add(int(i))
        assert set(np.flatnonzero(adjusted <= level)) == rejected


def test_holm_does_not_count_what_was_not_tested():
    assert holm([0.02, np.nan, 0.03])[[0, 2]] == pytest.approx(holm([0.02, 0.03]))
    assert np.isnan(holm([0.02, np.nan, 0.03])[1])
    assert holm([]).shape == (0,)
