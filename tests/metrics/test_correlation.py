import numpy as np
import pytest
from hypothesis import assume, given
from scipy.stats import pearsonr
from sklearn.metrics import r2_score

from ambivox.metrics import r2_pearson, r2_per_emotion
from tests.metrics.made_up_rows import corpora, row_pairs


@given(row_pairs())
def test_r2_pearson_is_the_square_of_scipys_correlation(rows):
    p, q = rows
    assume(np.ptp(p) > 1e-3 and np.ptp(q) > 1e-3)
    assert r2_pearson(p, q) == pytest.approx(pearsonr(p, q).statistic ** 2, abs=1e-9)


def test_r2_pearson_is_undefined_for_a_constant_row_on_either_side():
    even, uneven = [1 / 3, 1 / 3, 1 / 3], [0.5, 0.3, 0.2]
    assert np.isnan(r2_pearson([even, uneven, even], [uneven, even, even])).all()


def test_r2_pearson_is_undefined_for_a_row_constant_up_to_rounding():
    assert np.isnan(r2_pearson([0.25 + 1e-16, 0.25, 0.25, 0.25 - 1e-16], [0.7, 0.1, 0.1, 0.1]))


def test_r2_pearson_does_not_see_the_sign():
    assert r2_pearson([0.6, 0.3, 0.1], [0.1, 0.4, 0.5]) > 0.9


def test_r2_pearson_never_exceeds_one():
    p = np.array([0.7, 0.2, 0.1])
    assert r2_pearson(p, p) <= 1
    assert r2_pearson(p, p) == pytest.approx(1)


@given(corpora(min_utterances=2))
def test_r2_per_emotion_is_scikit_learns_r2_of_each_emotion(corpus):
    p, q = corpus
    assume(((np.ptp(q, axis=0) > 1e-3) | (np.ptp(q, axis=0) == 0)).all())
    assume(
        not any((c == c[0]).all() and c[0] not in (0, 0.5, 1) for c in q.T)
    )  # rounding noise in scikit-learn
    expected = r2_score(q, p, multioutput="raw_values")
    got = r2_per_emotion(p, q, average=False, constant_truth="sklearn")
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert r2_per_emotion(p, q, constant_truth="sklearn") == pytest.approx(
        expected.mean(), rel=1e-9, abs=1e-9
    )


def test_an_emotion_that_never_varies_makes_r2_per_emotion_undefined():
    p, q = [[0.5, 0.4, 0.1], [0.4, 0.6, 0.0]], [[0.5, 0.5, 0], [0.4, 0.6, 0]]
    assert np.isnan(r2_per_emotion(p, q, average=False)).tolist() == [False, False, True]
    assert np.isnan(r2_per_emotion(p, q))


def test_scikit_learn_gives_a_constant_emotion_one_if_exactly_predicted_else_zero():
    p = [[0.25, 0.5, 0.25, 0], [0.25, 0.25, 0.5, 0]]
    q = [[0.25, 0.5, 0.0, 0.25], [0.25, 0.5, 0.25, 0]]
    expected = r2_score(q, p, multioutput="raw_values")
    got = r2_per_emotion(p, q, average=False, constant_truth="sklearn")
    assert got.tolist() == expected.tolist()
    assert got[:2].tolist() == [1, 0]


def test_the_corpus_prior_scores_zero_r2_per_emotion():
    q = np.array([[1, 0], [0.5, 0.5], [0.2, 0.8]])
    assert r2_per_emotion(np.tile(q.mean(axis=0), (3, 1)), q) == pytest.approx(0)


@pytest.mark.parametrize("n_utterances", [0, 1])
def test_r2_per_emotion_is_undefined_for_fewer_than_two_utterances(n_utterances):
    p = np.full((n_utterances, 3), 1 / 3)
    for constant_truth in ("nan", "sklearn"):
        assert np.isnan(r2_per_emotion(p, p, constant_truth=constant_truth))


def test_r2_per_emotion_refuses_another_treatment_of_constants():
    with pytest.raises(ValueError, match="'zero' is not one of nan, sklearn"):
        r2_per_emotion([[1, 0]], [[1, 0]], constant_truth="zero")


def test_a_metric_over_a_corpus_refuses_a_single_row():
    with pytest.raises(ValueError, match=r"expected \(U, N\)"):
        r2_per_emotion([1, 0], [1, 0])
