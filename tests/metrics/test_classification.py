import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ambivox.metrics import accuracy, macro_f1, top2_share, uar, weighted_f1
from ambivox.metrics.check import top_weights
from tests.metrics.made_up_rows import corpora, first_of_the_largest, row_pairs, untied


@given(corpora(row=untied), st.sampled_from(["share", "first"]))
def test_without_ties_the_mean_accuracy_is_scikit_learns(corpus, ties):
    p, q = corpus
    assert accuracy(p, q, ties=ties).mean() == pytest.approx(
        accuracy_score(first_of_the_largest(q), first_of_the_largest(p))
    )


@given(corpora())
def test_with_ties_taken_first_accuracy_is_scikit_learns_on_argmax(corpus):
    p, q = corpus
    assert accuracy(p, q, ties="first").mean() == pytest.approx(
        accuracy_score(first_of_the_largest(q), first_of_the_largest(p))
    )


@given(corpora())
def test_with_ties_taken_first_f1_is_scikit_learns_on_argmax(corpus):
    p, q = corpus
    expected = f1_score(first_of_the_largest(q), first_of_the_largest(p), average="weighted", zero_division=0)
    assert weighted_f1(p, q, ties="first") == pytest.approx(expected)
    expected = f1_score(first_of_the_largest(q), first_of_the_largest(p), average="macro", zero_division=0)
    assert macro_f1(p, q, ties="first") == pytest.approx(expected)


@given(corpora())
def test_with_ties_taken_first_uar_is_the_mean_recall_of_the_labels_that_occur(corpus):
    p, q = corpus
    truth = first_of_the_largest(q)
    expected = recall_score(
        truth, first_of_the_largest(p), labels=np.unique(truth), average="macro", zero_division=0
    )
    assert uar(p, q, ties="first") == pytest.approx(expected)


@given(row_pairs())
def test_a_tie_is_credited_as_if_broken_at_random_on_both_sides(rows):
    p, q = rows
    guesses = [n for n in range(len(p)) if p[n] > p.max() - 1e-9]
    truths = [n for n in range(len(q)) if q[n] > q.max() - 1e-9]
    pairs = list(itertools.product(guesses, truths))
    assert accuracy(p, q) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))


def test_one_of_k_tied_labels_is_worth_one_kth():
    q = [1 / 3, 1 / 3, 1 / 3, 0]
    assert accuracy([0.7, 0.1, 0.1, 0.1], q) == pytest.approx(1 / 3)
    assert accuracy([0.1, 0.1, 0.1, 0.7], q) == 0


def test_probabilities_that_differ_by_rounding_only_are_tied():
    assert accuracy([0.1 + 0.2, 0.3, 0.4 - 1e-17 - 0.1, 0.1], [1, 0, 0, 0]) == pytest.approx(1 / 3)


def test_uar_and_f1_split_ties_like_a_table_of_shares():
    p, q = [[1, 0], [0.5, 0.5]], [[0.5, 0.5], [0, 1]]
    # Rows by votes: neutral .5 right; happy .5 as neutral, .5 as neutral, .5 right.
    assert uar(p, q) == pytest.approx((1 + 0.5 / 1.5) / 2)
    f1 = 2 * 0.5 / (0.5 + 1.5), 2 * 0.5 / (1.5 + 0.5)
    assert weighted_f1(p, q) == pytest.approx((0.5 * f1[0] + 1.5 * f1[1]) / 2)
    assert macro_f1(p, q) == pytest.approx(sum(f1) / 2)


def test_uar_leaves_out_labels_that_no_plurality_names():
    p, q = [[0.1, 0.2, 0.7], [0.8, 0.1, 0.1]], [[1, 0, 0], [1, 0, 0]]
    assert uar(p, q) == 0.5


def test_always_the_same_label_has_chance_uar_however_the_corpus_is_balanced():
    q = np.eye(4)[[0] * 97 + [1, 2, 3]]
    p = np.tile([0.7, 0.1, 0.1, 0.1], (100, 1))
    assert accuracy(p, q).mean() == pytest.approx(0.97)
    assert uar(p, q) == pytest.approx(0.25)


@pytest.mark.parametrize("metric", [uar, weighted_f1, macro_f1])
def test_a_corpus_without_utterances_has_no_score(metric):
    assert np.isnan(metric(np.zeros((0, 3)), np.zeros((0, 3))))


@given(row_pairs())
def test_top2_share_is_the_mean_over_all_ways_to_break_ties(rows):
    p, q = rows
    best = [
        pair
        for pair in itertools.combinations(range(len(p)), 2)
        if all(min(p[list(pair)]) >= p[n] - 1e-9 for n in range(len(p)) if n not in pair)
    ]
    assert top2_share(p, q) == pytest.approx(np.mean([q[list(pair)].sum() for pair in best]), abs=1e-9)


def test_top2_share_of_a_one_hot_prediction_shares_the_second_place():
    assert top2_share([1, 0, 0, 0], [0.4, 0.3, 0.2, 0.1]) == pytest.approx(0.4 + 0.6 / 3)


def test_top2_share_of_a_uniform_prediction_is_two_nths():
    assert top2_share([0.25] * 4, [0.7, 0.3, 0, 0]) == pytest.approx(0.5)


def test_top2_share_of_one_label_is_refused():
    with pytest.raises(ValueError, match="at least 2 are needed"):
        top2_share([1], [1])


@given(row_pairs(), st.integers(1, 2))
def test_top_weights_of_a_row_sum_to_k(rows, k):
    weights = top_weights(rows[0], k)
    assert weights.sum() == pytest.approx(k)
    assert ((weights >= 0) & (weights <= 1)).all()
