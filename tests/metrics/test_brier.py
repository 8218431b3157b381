import pytest
from hypothesis import given
from sklearn.metrics import mean_squared_error

from ambivox.metrics import brier_mean, brier_sum
from tests.metrics.made_up_rows import corpora, row_pairs


@given(corpora())
def test_brier_mean_averages_to_the_mean_squared_error(corpus):
    p, q = corpus
    assert brier_mean(p, q).mean() == pytest.approx(mean_squared_error(q, p), abs=1e-12)


@given(row_pairs())
def test_brier_sum_is_n_times_brier_mean(rows):
    assert brier_sum(*rows) == pytest.approx(len(rows[0]) * brier_mean(*rows), abs=1e-12)


def test_brier_reaches_its_upper_end_for_certain_and_wrong():
    assert brier_sum([1, 0, 0, 0], [0, 1, 0, 0]) == 2
    assert brier_mean([1, 0, 0, 0], [0, 1, 0, 0]) == 0.5
