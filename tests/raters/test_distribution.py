"""Votes of raters and the distributions they make."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.raters.distribution import (
    OUTSIDE_CHOICES,
    Votes,
    as_distributions,
    count_votes,
    normalise,
    truth,
)

IEMOCAP = load_emotions("iemocap4")
OTHER = load_emotions("iemocap4+other")
raw_votes = st.dictionaries(
    st.sampled_from(["angry", "Anger", "sad", "happy", "joy", "bored", "frustrated", "other"]),
    st.integers(0, 50),
)


@given(raw_votes)
def test_no_vote_is_lost(raw: dict[str, int]) -> None:
    votes = count_votes(raw, IEMOCAP)
    assert votes.total == sum(raw.values())
    assert votes.counts[2] == raw.get("angry", 0) + raw.get("Anger", 0)
    assert set(votes.outside) == set(raw) & {"bored", "frustrated", "other"}


def test_forms_of_one_label_are_added_up() -> None:
    assert count_votes({"angry": 2, "ANGER": 3}, IEMOCAP).counts == (0, 0, 5, 0)


def test_counts_of_numpy_and_whole_floats_are_counts() -> None:
    votes = count_votes({"sad": np.int64(2), "happy": 3.0}, IEMOCAP)  # type: ignore[dict-item]
    assert votes == Votes((0, 3, 0, 2))


@pytest.mark.parametrize("count", [1.5, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("label", ["sad", "bored"])
def test_a_count_that_is_no_count_is_refused(label: str, count: Any) -> None:
    with pytest.raises(UsageError, match=f"votes for '{label}': {count} is not a whole number"):
        count_votes({label: count}, IEMOCAP)


VOTES = {"angry": 3, "sad": 1, "bored": 4}


def test_drop_leaves_outside_votes_out_of_numerator_and_denominator() -> None:
    np.testing.assert_allclose(truth(count_votes(VOTES, IEMOCAP), IEMOCAP, "drop"), [0, 0, 0.75, 0.25])


def test_other_pools_outside_votes_with_the_votes_for_other() -> None:
    votes = count_votes(VOTES | {"other": 2}, OTHER)
    np.testing.assert_allclose(truth(votes, OTHER, "other"), [0, 0, 0.3, 0.1, 0.6])


def test_other_does_not_change_the_votes() -> None:
    votes = count_votes(VOTES, OTHER)
    truth(votes, OTHER, "other")
    assert votes == count_votes(VOTES, OTHER)


def test_exclude_utterance_gives_none_with_any_outside_vote() -> None:
    assert truth(count_votes(VOTES, IEMOCAP), IEMOCAP, "exclude-utterance") is None


def test_exclude_utterance_keeps_an_utterance_without_outside_votes() -> None:
    votes = count_votes({"angry": 1, "sad": 1, "bored": 0}, IEMOCAP)
    np.testing.assert_allclose(truth(votes, IEMOCAP, "exclude-utterance"), [0, 0, 0.5, 0.5])


@pytest.mark.parametrize("outside", OUTSIDE_CHOICES)
def test_no_votes_at_all_give_none(outside: Any) -> None:
    assert truth(count_votes({}, OTHER), OTHER, outside) is None


def test_votes_that_are_all_outside() -> None:
    votes = count_votes({"bored": 3}, OTHER)
    assert truth(votes, OTHER, "drop") is None
    assert truth(votes, OTHER, "exclude-utterance") is None
    np.testing.assert_array_equal(truth(votes, OTHER, "other"), [0, 0, 0, 0, 1])


def test_other_needs_a_set_that_has_it() -> None:
    with pytest.raises(UsageError, match=r"'iemocap4' has no label 'other'.*'iemocap4\+other'"):
        truth(count_votes(VOTES, IEMOCAP), IEMOCAP, "other")


def test_an_unknown_choice_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'keep' is not one of drop, other, exclude-utterance"):
        truth(count_votes(VOTES, IEMOCAP), IEMOCAP, "keep")  # type: ignore[arg-type]


def test_votes_over_another_set_are_refused() -> None:
    with pytest.raises(ValueError, match=r"votes over 4 labels.*has 5"):
        truth(count_votes(VOTES, IEMOCAP), OTHER)


@given(raw_votes, st.sampled_from(OUTSIDE_CHOICES))
def test_truth_is_a_distribution_or_none(raw: dict[str, int], outside: Any) -> None:
    q = truth(count_votes(raw, OTHER), OTHER, outside)
    if q is not None:
        assert as_distributions(q).shape == (5,)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ([[0.5, 0.5], [0.2, 0.2]], "p row 1: sums to 0.4, a distribution sums to 1"),
        ([1.5, -0.5], "p row 0: holds the negative value -0.5"),
        ([[[1, 0], [0, 1]], [[1, 0], [np.nan, 1]]], "p row 3: holds a value that is not finite"),
        ([np.inf, -np.inf], "p row 0: holds a value that is not finite"),
        ([1e308, 1e308], "p row 0: sums to inf"),
        (0.5, r"p: shape \(\), expected"),
        ([], r"p: shape \(0,\), expected"),
        (np.zeros((3, 0)), r"p: shape \(3, 0\), expected"),
    ],
)
def test_what_is_no_distribution_is_refused_by_row(p: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        as_distributions(p)


@pytest.mark.parametrize(
    "p", [[1.0], [0.1] * 10, [1 / 3] * 3, [[0, 1], [1, 0]], np.zeros((0, 4)), [0.5, 0.5 + 9e-7]]
)
def test_distributions_pass_unchanged(p: Any) -> None:
    np.testing.assert_array_equal(as_distributions(p), np.asarray(p, dtype=float))


@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=8).filter(lambda a: sum(a) > 1e-300))
def test_normalised_numbers_are_a_distribution(a: list[float]) -> None:
    normalised = normalise(a)
    np.testing.assert_array_equal(as_distributions(normalised), normalised)


def test_rows_are_normalised_one_by_one() -> None:
    assert normalise([[1, 3], [2, 2]]).tolist() == [[0.25, 0.75], [0.5, 0.5]]


@pytest.mark.parametrize(
    "a", [[0, 0], [1, -1], [2, -1], [np.nan, 1], [np.inf, 1], [1e308, 1e308], [[1, 1], [0, 0]], []]
)
def test_what_cannot_be_normalised_is_refused(a: Any) -> None:
    with pytest.raises(ValueError, match="normalise"):
        normalise(a)
