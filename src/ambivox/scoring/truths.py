"""What a clip is scored against, by name: the shares of its votes, or one label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Protocol

from ambivox.choices import Outside, Truth
from ambivox.emotions import EmotionSet
from ambivox.raters.distribution import Array, Votes, count_votes, truth, truth_of_shares
from ambivox.raters.ratings import NO_AGREEMENT
from ambivox.record import Record

MEANINGS: dict[Truth, str] = {
    "votes": "the shares of the raters' votes",
    "intended": "the emotion that the actor was asked for, one label per clip: how people hear the clips "
    "and how far they disagree is not in it, and a readout that hedges loses by it",
    "consensus": "the one label that the corpus publishes for a clip: how far its raters disagreed is not in "
    "it, and a readout that hedges loses by it",
}
"""Truths by name, and what each means."""

_LOOKED_AT = 5_000
"""Records that are looked at to tell what a run can be scored against."""


class Judged(Protocol):
    """An utterance as a record or a corpus has it: what people said of it."""

    @property
    def votes(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def shares(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def intended(self) -> str | None: ...  # noqa: D102
    @property
    def consensus(self) -> str | None: ...  # noqa: D102


def label_of(utterance: Judged, named: Truth) -> str | None:
    """The one label of an utterance under a truth by name; None where there is none."""
    label = utterance.intended if named == "intended" else utterance.consensus
    return None if named == "votes" or label == NO_AGREEMENT else label


def truth_of(
    utterance: Judged, emotions: EmotionSet, outside: Outside, named: Truth = "votes"
) -> tuple[Votes, Array | None, bool]:
    """Counts of votes, the truth, and whether there was anything to make it of.

    The counts are zeros where the truth is not made of counted votes; it is None where nothing counts.
    """
    nothing = Votes((0,) * len(emotions))
    if named != "votes":
        label = label_of(utterance, named)
        q = None if label is None else truth_of_shares({label: 1.0}, emotions, outside)
        return nothing, q, label is not None
    if utterance.shares:
        return nothing, truth_of_shares(utterance.shares, emotions, outside), True
    votes = count_votes(utterance.votes, emotions)
    return votes, truth(votes, emotions, outside), votes.total > 0


def truth_at_hand(records: Iterable[Record], outside: Outside = "drop") -> Truth | None:
    """What records can be scored against: votes where there are any, else a label; None for nothing."""
    found: set[Truth] = set()
    names: tuple[Truth, ...] = ("votes", "intended", "consensus")
    for record in islice(records, _LOOKED_AT):
        asked = record.asked
        for name in names:
            if name not in found and truth_of(asked.utterance, asked.emotions, outside, name)[1] is not None:
                found.add(name)
        if "votes" in found:
            break
    return next((name for name in names if name in found), None)
