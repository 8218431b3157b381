import math

import numpy as np
import pytest
from hypothesis import given

from ambivox.metrics import bhattacharyya, hellinger, total_variation
from tests.metrics.made_up_rows import row_pairs


@given(row_pairs())
def test_bhattacharyya_sums_the_roots_of_the_products(rows):
    expected = math.fsum(math.sqrt(a * b) for a, b in zip(*rows, strict=True))
    assert bhattacharyya(*rows) == pytest.approx(expected, abs=1e-12)


@given(row_pairs())
def test_hellinger_is_the_root_of_one_minus_bhattacharyya(rows):
    overlap = math.fsum(math.sqrt(a * b) for a, b in zip(*rows, strict=True))
    assert hellinger(*rows) ** 2 == pytest.approx(1 - overlap, abs=1e-12)


@given(row_pairs())
def test_total_variation_is_the_largest_difference_of_any_event(rows):
    p, q = rows
    events = range(2 ** len(p))
    largest = max(abs(sum(p[n] - q[n] for n in range(len(p)) if event >> n & 1)) for event in events)
    assert total_variation(p, q) == pytest.approx(largest, abs=1e-12)


def test_equal_rows_overlap_fully_and_disjoint_rows_not_at_all():
    p, q = [[0.2, 0.8], [1, 0]], [[0.2, 0.8], [0, 1]]
    assert bhattacharyya(p, q).tolist() == pytest.approx([1, 0])
    assert hellinger(p, q).tolist() == pytest.approx([0, 1])
    assert total_variation(p, q).tolist() == pytest.approx([0, 1])


def test_rows_that_sum_to_one_only_within_tolerance_stay_in_range():
    p = [1 + 9e-7, 0]
    assert bhattacharyya(p, p) == 1
    assert hellinger(p, [0, 1 + 9e-7]) == 1
    assert total_variation(p, [0, 1 + 9e-7]) == 1


def test_small_probabilities_do_not_underflow_in_the_product():
    assert bhattacharyya([1e-200, 1, 0], [1e-200, 0, 1]) > 0


def test_overlaps_keep_the_leading_shape():
    p = np.full((3, 2, 4), 0.25)
    for metric in (bhattacharyya, hellinger, total_variation):
        assert metric(p, p).shape == (3, 2)
