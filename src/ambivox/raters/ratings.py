"""What each rater said of an utterance, and the named ways to turn that into votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from ambivox.errors import unknown_name

OTHER = "other"
NO_AGREEMENT = "no agreement"
"""What `Utterance.consensus` says where the raters had no majority."""

LabelChoice = Literal["primary", "all-labels", "single", "secondary", "self", "everyone"]
"""Which of the raters' labels become votes: see `votes_of`."""
LABEL_CHOICES: dict[LabelChoice, str] = {
    "primary": "one vote per rater: the main label, the first where several stand side by side",
    "all-labels": "every label that a rater named, main or secondary, one vote each",
    "single": "the main label of raters who named exactly one label in all",
    "secondary": "the labels that raters named beside their main one",
    "self": "every label that the speaker gave to their own turn",
    "everyone": "every label of the raters and of the speaker",
}
assert set(LABEL_CHOICES) == set(get_args(LabelChoice))


@dataclass(frozen=True, slots=True)
class Rating:
    """What one rater said of one utterance.

    Args:
        rater: who, by the corpus's own name; the same name is the same person. None where it is not known.
        labels: main labels, in the order they were given; usually one.
        secondary: further labels that the corpus asked for apart from the main one.
        free_text: what the rater wrote in their own words.
        by_speaker: the speakers themselves, who judged their own turn.
    """

    rater: str | None
    labels: tuple[str, ...]
    secondary: tuple[str, ...] = ()
    free_text: str | None = None
    by_speaker: bool = False


class HasVotes(Protocol):
    """Whatever raters judged, such as an utterance of a corpus."""

    @property
    def votes(self) -> Mapping[str, int]:
        """Label as the raters gave it -> count; empty where nobody rated or counts are not known."""

    @property
    def shares(self) -> Mapping[str, float]:
        """Label -> share of the raters, summing to 1; empty where votes are counted."""

    @property
    def ratings(self) -> tuple[Rating, ...]:
        """What each rater said, where that is known."""


def labels_of(rating: Rating, choice: LabelChoice) -> tuple[str, ...]:
    """The labels of one rating that count under a choice, each at most once; see `votes_of`.

    >>> labels_of(Rating("w1", ("angry",), ("angry", "annoyed")), "secondary")
    ('annoyed',)
    """
    if choice in ("self", "everyone") or not rating.by_speaker:
        if choice == "primary":
            return rating.labels[:1]
        if choice == "self" and not rating.by_speaker:
            return ()
        every = tuple(dict.fromkeys(rating.labels + rating.secondary))
        if choice == "single":
            return rating.labels[:1] if len(every) == 1 else ()
        if choice == "secondary":
            return tuple(label for label in every if label not in rating.labels[:1])
        return every
    return ()


def votes_of(ratings: Iterable[Rating], choice: LabelChoice) -> dict[str, int]:
    """Count the labels of raters as votes.

    Args:
        ratings: of one utterance.
        choice: one of `LABEL_CHOICES`. All but ``self`` and ``everyone`` leave out what speakers said of
            themselves. No choice counts a label of the same rater twice.

    Returns:
        Label -> count, in the order of first mention.

    Raises:
        UsageError: an unknown choice.

    >>> ratings = [
    ...     Rating("E1", ("angry", "frustrated")),
    ...     Rating("E2", ("angry",)),
    ...     Rating("F1", ("sad",), by_speaker=True),
    ... ]
    >>> votes_of(ratings, "all-labels")
    {'angry': 2, 'frustrated': 1}
    >>> votes_of(ratings, "self")
    {'sad': 1}
    """
    if choice not in LABEL_CHOICES:
        raise unknown_name("choice of labels", choice, LABEL_CHOICES)
    return dict(Counter(label for rating in ratings for label in labels_of(rating, choice)))
