from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.metrics import calibration_curve, ece
from tests.metrics.made_up_rows import corpora, untied


def brute_force(p, q, edges, target, closed):
    """Bin by bin over explicit edges, for rows without ties."""
    total = 0.0
    for low, high in pairwise(edges):
        inside = []
        for a, b in zip(p, q, strict=True):
            confidence = max(a)
            if low < confidence <= high if closed == "right" else low <= confidence < high:
                n = int(np.argmax(a))
                inside.append(confidence - (b[n] if target == "votes" else float(n == np.argmax(b))))
        if inside:
            total += len(inside) / len(p) * abs(sum(inside) / len(inside))
    return total


@given(corpora(row=untied), st.sampled_from(["plurality", "votes"]), st.sampled_from(["right", "left"]))
def test_ece_is_the_weighted_gap_of_each_bin(corpus, target, closed):
    edges = [n / 10 for n in range(11)]
    edges[-1] = 1.0 if closed == "right" else 1.1
    expected = brute_force(*corpus, edges, target, closed)
    assert ece(*corpus, n_bins=10, target=target, closed=closed) == pytest.approx(expected, abs=1e-12)


def test_written_numbers_on_an_edge_fall_on_the_side_that_is_named():
    p = [[0.6, 0.4], [0.61, 0.39], [0.59, 0.41]]
    q = [[1, 0], [0, 1], [1, 0]]
    apart = ece(p, q, n_bins=5, closed="left")
    together = ece(p, q, n_bins=5, closed="right")
    assert together == pytest.approx((0.4 + 0.41 + 0.61) / 3)
    assert apart == pytest.approx((abs(0.6 - 1 + 0.61) + 0.41) / 3)


@given(
    st.lists(st.tuples(st.integers(51, 100), st.booleans()), min_size=1, max_size=12),
    st.sampled_from([4, 5, 10, 20]),
)
def test_two_decimal_confidences_fall_into_the_bin_that_whole_percents_say(utterances, n_bins):
    p = [[percent / 100, 1 - percent / 100] for percent, _ in utterances]
    q = [[1, 0] if hit else [0, 1] for _, hit in utterances]
    for closed in ("right", "left"):
        gaps = dict.fromkeys(range(n_bins + 1), 0)
        for percent, hit in utterances:
            upper = -(-percent * n_bins // 100) if closed == "right" else percent * n_bins // 100 + 1
            gaps[min(upper, n_bins)] += percent - 100 * hit
        expected = sum(map(abs, gaps.values())) / 100 / len(utterances)
        assert ece(p, q, n_bins=n_bins, closed=closed) == pytest.approx(expected, abs=1e-9)


def test_a_copy_of_the_votes_is_calibrated_against_the_votes_only():
    q = np.array([[0.75, 0.25], [0.4, 0.6]])
    assert ece(q, q, target="votes") == 0
    assert ece(q, q, target="plurality") == pytest.approx(0.325)


def test_ties_are_shared_by_default_and_first_on_request():
    p, q = [[0.5, 0.5]], [[0, 1]]
    assert ece(p, q) == 0
    assert ece(p, q, ties="first") == 0.5


def test_ece_of_no_utterance_is_undefined():
    assert np.isnan(ece(np.zeros((0, 4)), np.zeros((0, 4))))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"target": "mode"}, "target: 'mode' is not one of plurality, votes"),
        ({"closed": "both"}, "closed: 'both' is not one of right, left"),
        ({"ties": "last"}, "ties: 'last' is not one of share, first"),
        ({"n_bins": 0}, "n_bins: 0, at least 1 is needed"),
    ],
)
def test_an_option_that_is_not_listed_is_refused(option, message):
    with pytest.raises(ValueError, match=message):
        ece([[1, 0]], [[1, 0]], **option)


@given(st.integers(1, 40), st.integers(2, 6), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_the_curve_is_what_a_loop_over_the_utterances_finds(u: int, n: int, n_bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(n), u), rng.dirichlet(np.ones(n), u)
    bins = calibration_curve(p, q, n_bins=n_bins, target="votes")
    inside: list[list[tuple[float, float]]] = [[] for _ in range(n_bins)]
    for row, votes in zip(p, q, strict=True):
        place = next(b for b in range(n_bins) if row.max() <= (b + 1) / n_bins or b == n_bins - 1)
        inside[place].append((row.max(), votes[row.argmax()]))
    assert bins.count.tolist() == [len(found) for found in inside]
    for b, found in enumerate(inside):
        if found:
            np.testing.assert_allclose((bins.confidence[b], bins.hit[b]), np.mean(found, axis=0))
        else:
            assert np.isnan(bins.confidence[b])
    gaps = np.abs(bins.confidence - bins.hit) * bins.count / u
    assert float(ece(p, q, n_bins=n_bins, target="votes")) == pytest.approx(np.nansum(gaps))


def by_printed_tenths(tenths, hits, n_bins, closed):
    """The published definitions on whole tenths, in which no edge is missed by rounding."""
    gaps = dict.fromkeys(range(n_bins), 0.0)
    for tenth, hit in zip(tenths, hits, strict=True):
        place = tenth * n_bins
        b = -(-place // 10) - 1 if closed == "right" else place // 10
        gaps[min(max(b, 0), n_bins - 1)] += tenth / 10 - hit
    return sum(map(abs, gaps.values())) / len(tenths)


@given(st.integers(1, 20), st.sampled_from([(5, "right"), (10, "left")]), st.integers(0, 2**32 - 1))
def test_printed_tenths_lie_in_the_bin_that_their_print_says_however_they_were_divided(n, bins, seed):
    """Dictionaries are divided by their sum, which moves .6 by the sixteenth digit."""
    rng, (n_bins, closed) = np.random.default_rng(seed), bins
    tenths = rng.multinomial(10, rng.dirichlet(np.ones(4), size=n))
    printed = tenths / 10
    p = printed / printed.sum(axis=1, keepdims=True)
    q = np.eye(4)[rng.integers(4, size=n)]
    hits = q[np.arange(n), tenths.argmax(axis=1)]
    expected = by_printed_tenths(tenths.max(axis=1).tolist(), hits, n_bins, closed)
    assert ece(p, q, n_bins=n_bins, closed=closed, ties="first") == pytest.approx(expected, abs=1e-9)


def test_ties_that_rounding_parts_are_ties():
    tied = [[0.3 / 0.9, (0.1 + 0.2) / 0.9, 0.3 / 0.9]]
    assert tied[0][0] < tied[0][1]
    assert ece(tied, [[1, 0, 0]], ties="first") == pytest.approx(2 / 3)
    assert ece(tied, [[0, 1, 0]]) == pytest.approx(0)
