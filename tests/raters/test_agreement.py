from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ambivox.raters.agreement import (
    agreement,
    agreement_per_label,
    confusions,
    fleiss_kappa,
    krippendorff_alpha,
)

# Fleiss's own kind of table: 14 raters, 10 subjects, 5 categories, as in many textbooks (kappa 0.210).
TEXTBOOK = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]

COUNTS = st.integers(2, 4).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 4), min_size=n, max_size=n), min_size=1, max_size=8)
)


def pairs_of(row: list[int]) -> list[tuple[int, int]]:
    """All ordered pairs of two different raters' labels."""
    votes = [label for label, count in enumerate(row) for _ in range(count)]
    return [(votes[a], votes[b]) for a, b in permutations(range(len(votes)), 2)]


def alpha_by_pairs(counts: list[list[int]]) -> float:
    """One minus observed over expected disagreement, with every pair written out."""
    rows = [row for row in counts if sum(row) >= 2]
    total = sum(map(sum, rows))
    observed = sum(sum(a != b for a, b in pairs_of(row)) / (sum(row) - 1) for row in rows) / max(total, 1)
    votes = [label for row in rows for label, count in enumerate(row) for _ in range(count)]
    expected = sum(votes[a] != votes[b] for a, b in permutations(range(total), 2))
    return 1 - observed / (expected / (total * (total - 1))) if expected else math.nan


def test_fleiss_kappa_of_the_textbook_table() -> None:
    assert fleiss_kappa(TEXTBOOK) == pytest.approx(0.210, abs=5e-4)


@given(COUNTS)
def test_alpha_is_that_of_all_pairs_of_raters(counts: list[list[int]]) -> None:
    assert krippendorff_alpha(counts) == pytest.approx(alpha_by_pairs(counts), nan_ok=True)


@given(COUNTS)
def test_kappa_is_that_of_all_pairs_of_raters(counts: list[list[int]]) -> None:
    rows = [row for row in counts if sum(row) >= 2]
    shares = np.sum(rows, axis=0) / max(np.sum(rows), 1) if rows else np.zeros(1)
    chance = float((shares**2).sum())
    expected = math.nan
    if rows and chance < 1:
        agreed = np.mean([np.mean([a == b for a, b in pairs_of(row)]) for row in rows])
        expected = (agreed - chance) / (1 - chance)
    assert fleiss_kappa(counts) == pytest.approx(expected, nan_ok=True)


@given(COUNTS)
def test_confusions_are_the_mean_of_what_the_other_raters_say(counts: list[list[int]]) -> None:
    n = len(counts[0])
    sums: NDArray[np.float64] = np.zeros((n, n))
    firsts = np.zeros(n)
    for row in (row for row in counts if sum(row) >= 2):
        for label, count in enumerate(row):
            others = np.array(row) - np.eye(n)[label]
            sums[label] += count * others / (sum(row) - 1)
            firsts[label] += count
    found = confusions(counts)
    for label in range(n):
        expected = sums[label] / firsts[label] if firsts[label] else np.full(n, np.nan)
        np.testing.assert_allclose(found[label], expected, atol=1e-12)


def test_agreement_on_a_label_is_that_of_it_against_the_rest() -> None:
    counts = np.array(TEXTBOOK)
    found = agreement_per_label(counts)
    assert len(found) == 5
    for n, one in enumerate(found):
        binary = np.stack([counts[:, n], 14 - counts[:, n]], axis=1)
        assert one == agreement(binary)


def test_utterances_with_one_vote_say_nothing() -> None:
    assert agreement([[3, 0], [0, 3], [1, 0]]).n_pairable == 2
    assert agreement([[3, 0], [0, 3], [1, 0]]) == agreement([[3, 0], [0, 3]])
    assert math.isnan(agreement([[1, 0]]).alpha)
    assert math.isnan(agreement([[3, 0], [2, 0]]).kappa)
    assert agreement([[3, 0], [0, 3]]).alpha == agreement([[3, 0], [0, 3]]).kappa == 1


@pytest.mark.parametrize("counts", [[1, 2], [[0.5, 1]], [[-1, 2]], [[float("nan"), 1]]])
def test_what_is_no_table_of_votes_is_refused(counts: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        fleiss_kappa(counts)
