import numpy as np
import pytest

from ambivox.metrics import count_failed

P = [[0.8, 0.1, 0.1], [np.nan, np.nan, np.nan], [0.2, 0.3, 0.5]]
Q = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
FAILED = [False, True, False]


def test_excluded_failures_leave_both_predictions_and_truths():
    p, q = count_failed(P, Q, FAILED, failed_as="excluded")
    assert p.tolist() == [P[0], P[2]]
    assert q.tolist() == [Q[0], Q[2]]


def test_uniform_failures_keep_the_denominator():
    p, q = count_failed(P, Q, FAILED, failed_as="uniform")
    assert p[1].tolist() == [1 / 3] * 3
    assert len(q) == 3


def test_neutral_failures_are_certain_of_the_neutral_label():
    p, _ = count_failed(P, Q, FAILED, failed_as="neutral", neutral=2)
    assert p[1].tolist() == [0, 0, 1]


def test_the_given_predictions_are_left_as_they_are():
    given = np.array(P)
    count_failed(given, Q, FAILED, failed_as="uniform")
    assert np.isnan(given[1]).all()


@pytest.mark.parametrize("neutral", [None, 3, -1])
def test_neutral_needs_the_index_of_a_label(neutral):
    with pytest.raises(ValueError, match="not the index of one of the 3 labels"):
        count_failed(P, Q, FAILED, failed_as="neutral", neutral=neutral)


def test_another_treatment_is_refused():
    with pytest.raises(ValueError, match="'dropped' is not one of excluded, uniform, neutral"):
        count_failed(P, Q, FAILED, failed_as="dropped")


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"failed \(2,\)"):
        count_failed(P, Q, [False, True], failed_as="uniform")
