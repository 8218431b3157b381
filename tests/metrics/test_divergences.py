import math

import numpy as np
import pytest
from hypothesis import given
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from ambivox.metrics import js_distance, jsd_bits, jsd_nats, kl_bits
from tests.metrics.made_up_rows import row_pairs

EXAMPLE = [0.5, 0.5, 0, 0], [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (jsd_nats(*EXAMPLE), 0.216),
        (jsd_bits(*EXAMPLE), 0.311),
        (js_distance(*EXAMPLE), 0.465),
        (js_distance(*EXAMPLE, unit="bits"), 0.558),
    ],
    ids=["nats", "bits", "root of nats", "root of bits"],
)
def test_the_four_numbers_called_js_of_the_literature(value, expected):
    assert round(float(value), 3) == expected


@given(row_pairs())
def test_jsd_is_the_square_of_scipys_distance(rows):
    assert jsd_nats(*rows) == pytest.approx(jensenshannon(*rows) ** 2, abs=1e-12)
    assert jsd_bits(*rows) == pytest.approx(jensenshannon(*rows, base=2) ** 2, abs=1e-12)


@given(row_pairs())
def test_js_distance_is_scipys_distance_in_either_base(rows):
    assert js_distance(*rows) == pytest.approx(jensenshannon(*rows), abs=1e-6)
    assert js_distance(*rows, unit="bits") == pytest.approx(jensenshannon(*rows, base=2), abs=1e-6)


@given(row_pairs())
def test_kl_is_scipys_entropy_of_the_truth_relative_to_the_prediction(rows):
    p, q = rows
    assert kl_bits(p, q) == pytest.approx(entropy(q, p, base=2), abs=1e-12)


def test_kl_is_infinite_only_where_a_voted_label_is_ruled_out():
    p, q = [[1, 0], [0.5, 0.5]], [[0.5, 0.5], [1, 0]]
    assert kl_bits(p, q).tolist() == [math.inf, 1.0]


@given(row_pairs())
def test_jsd_is_symmetric_and_within_its_range(rows):
    p, q = rows
    assert jsd_bits(p, q) == jsd_bits(q, p)
    assert 0 <= jsd_bits(p, q) <= 1
    assert jsd_bits(p, p) == 0


def test_jsd_survives_probabilities_whose_half_underflows():
    assert jsd_bits([1, 5e-324], [1, 0]) == 0


def test_rows_that_sum_to_one_only_within_tolerance_keep_divergences_in_range():
    p, q = [0.5 - 4e-7, 0.5 - 4e-7], [0.5, 0.5]
    assert jsd_nats(p, q) >= 0
    assert kl_bits(q, p) >= 0
    assert jsd_bits([1 + 9e-7, 0], [0, 1 + 9e-7]) <= 1


def test_divergences_keep_the_leading_shape():
    p = np.full((3, 2, 4), 0.25)
    for metric in (jsd_bits, jsd_nats, js_distance, kl_bits):
        assert metric(p, p).shape == (3, 2)


def test_another_unit_is_refused():
    with pytest.raises(ValueError, match="'bans' is not one of nats, bits"):
        js_distance(*EXAMPLE, unit="bans")


def test_shapes_that_differ_are_refused_even_where_they_would_broadcast():
    with pytest.raises(ValueError, match=r"shape \(1, 2\) and q \(2, 2\)"):
        jsd_bits([[0.5, 0.5]], [[1, 0], [0, 1]])


def test_a_row_that_is_no_distribution_is_named():
    with pytest.raises(ValueError, match=r"q row 1: sums to 0\.9"):
        jsd_bits([[1, 0], [1, 0]], [[1, 0], [0.9, 0]])
