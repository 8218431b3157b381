from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.corpora import LABEL_CHOICES, Rating, votes_of
from ambivox.errors import UsageError

RATINGS = (
    Rating("E1", ("angry", "frustrated")),
    Rating("E2", ("neutral",), ("neutral", "concerned")),
    Rating("E3", ("sad",)),
    Rating("F1", ("angry", "sad"), by_speaker=True),
)


@pytest.mark.parametrize(
    ("choice", "votes"),
    [
        ("primary", {"angry": 1, "neutral": 1, "sad": 1}),
        ("all-labels", {"angry": 1, "frustrated": 1, "neutral": 1, "concerned": 1, "sad": 1}),
        ("single", {"sad": 1}),
        ("secondary", {"frustrated": 1, "concerned": 1}),
        ("self", {"angry": 1, "sad": 1}),
        ("everyone", {"angry": 2, "frustrated": 1, "neutral": 1, "concerned": 1, "sad": 2}),
    ],
)
def test_each_choice_counts_its_labels(choice: str, votes: dict[str, int]) -> None:
    assert votes_of(RATINGS, choice) == votes  # type: ignore[arg-type]


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown choice of labels 'al-labels': did you mean 'all-labels'"):
        votes_of(RATINGS, "al-labels")  # type: ignore[arg-type]


LABELS = st.lists(st.sampled_from("abc"), max_size=4).map(tuple)


@given(st.lists(st.builds(Rating, st.just("r"), LABELS, LABELS, by_speaker=st.booleans()), max_size=5))
def test_no_rater_counts_twice_for_a_label_and_primary_and_secondary_make_all(ratings: list[Rating]) -> None:
    for choice in LABEL_CHOICES:
        assert all(count <= len(ratings) for count in votes_of(ratings, choice).values())
    given_by_others = [r for r in ratings if not r.by_speaker]
    assert votes_of(ratings, "all-labels") == votes_of(given_by_others, "everyone")
    assert sum(votes_of(ratings, "primary").values()) == sum(bool(r.labels) for r in given_by_others)
    together = sum(votes_of(ratings, "primary").values()) + sum(votes_of(ratings, "secondary").values())
    assert together == sum(votes_of(ratings, "all-labels").values())
