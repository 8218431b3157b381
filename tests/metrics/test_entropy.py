import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from ambivox.metrics import entropy_bits, entropy_spearman
from tests.metrics.made_up_rows import SIZES, corpora, row


@given(SIZES.flatmap(row))
def test_entropy_is_scipys_entropy_in_base_two(p):
    assert entropy_bits(p) == pytest.approx(stats.entropy(p, base=2), abs=1e-12)


def test_entropy_is_within_zero_and_log2_n():
    assert entropy_bits([1 + 9e-7, 0]) == 0
    assert entropy_bits(np.full(8, 1 / 8)) == 3
    assert entropy_bits(np.full(6, 1 / 6)) <= np.log2(6)


@given(corpora(min_utterances=3))
def test_entropy_spearman_is_scipys_rank_correlation(corpus):
    a, b = (stats.entropy(rows, base=2, axis=1).round(9) for rows in corpus)
    got = entropy_spearman(*corpus)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert np.isnan(got)
    else:
        assert got == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)


def test_equally_ambiguous_votes_tie_although_their_labels_differ():
    spread = [0.1, 0.2, 0.7]
    orders = [[spread[i] for i in order] for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1))]
    q = [[1, 0, 0], [0.5, 0.5, 0], [0.4, 0.3, 0.3], [0.6, 0.4, 0]]
    assert np.isnan(entropy_spearman(orders, q))


def test_entropy_spearman_is_undefined_for_a_constant_prediction_or_one_utterance():
    assert np.isnan(entropy_spearman([[0.5, 0.5]] * 2, [[1, 0], [0.5, 0.5]]))
    assert np.isnan(entropy_spearman([[1, 0], [0.5, 0.5]], [[0.5, 0.5]] * 2))
    assert np.isnan(entropy_spearman([[0.5, 0.5]], [[1, 0]]))
    assert np.isnan(entropy_spearman(np.zeros((0, 2)), np.zeros((0, 2))))


def test_entropy_spearman_is_minus_one_where_ambiguity_is_turned_round():
    rows = [[1, 0], [0.8, 0.2], [0.5, 0.5]]
    assert entropy_spearman(rows, rows[::-1]) == pytest.approx(-1)
