"""The ways to make a corpus of many labels into one of neutral, happy, angry and sad, by name.

Papers on "four-class" IEMOCAP differ in two unspoken choices: whether ``excited`` counts as ``happy``, and
which utterances stay when raters also named something else. A convention's name says both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssue
from ambivox.emotions import load_emotions
from ambivox.errors import unknown_name
from ambivox.raters.ratings import LabelChoice, Rating, votes_of

FourClass = Literal[
    "merged-any",
    "merged-all",
    "merged-majority",
    "merged-consensus",
    "plain-any",
    "plain-all",
    "plain-majority",
    "plain-consensus",
]

_KEEPS = {
    "any": "utterances with at least one vote inside the four; the rest of their votes is left to --outside",
    "all": "utterances with no vote outside the four, as AER-LLM keeps them",
    "majority": "utterances of which more than half of all votes are on one of the four",
    "consensus": "utterances whose published label is one of the four",
}
FOUR_CLASS: dict[FourClass, str] = {
    name: f"excited {'counts as happy' if name.startswith('merged') else 'is outside'}; "
    + _KEEPS[name.partition("-")[2]]
    for name in get_args(FourClass)
}
"""Conventions by name, and what they do."""

_EMOTIONS = load_emotions("iemocap4")


def to_four_classes(corpus: Corpus, convention: FourClass) -> Corpus:
    """Keep the utterances that a four-class convention keeps, and merge excited into happy if it says so.

    Votes outside the four stay votes: how they enter the truth is chosen where it is made (``outside``). A
    rater who named both excited and happy has one vote for happy after merging.

    Raises:
        UsageError: an unknown convention.

    >>> from pathlib import Path
    >>> votes = ({"excited": 2, "sad": 1}, {"happy": 1, "fear": 1}, {"fear": 3})
    >>> said = [Utterance(f"u{n}", Path("a.wav"), votes=v) for n, v in enumerate(votes)]
    >>> merged = to_four_classes(Corpus("made-up", "CC0", tuple(said)), "merged-any")
    >>> [u.votes for u in merged]
    [{'happy': 2, 'sad': 1}, {'happy': 1, 'fear': 1}]
    """
    if convention not in FOUR_CLASS:
        raise unknown_name("four-class convention", convention, FOUR_CLASS)
    merge, _, keep = convention.partition("-")
    kept = [u for u in _merged(corpus, merge) if _tally(u).keeps(keep)]
    what = f"utterances that the four-class convention {convention!r} leaves out, of {len(corpus)}"
    left_out = len(corpus) - len(kept)
    return corpus.keep(kept, [LoadIssue(what, left_out)] if left_out else [])


def four_class_kept(corpus: Corpus) -> dict[FourClass, tuple[int, int]]:
    """Convention -> utterances and votes that it keeps; a vote outside the four does not count."""
    kept: dict[FourClass, tuple[int, int]] = {}
    tallies = {merge: [_tally(u) for u in _merged(corpus, merge)] for merge in ("merged", "plain")}
    for convention in FOUR_CLASS:
        merge, _, keep = convention.partition("-")
        inside = [tally.inside for tally in tallies[merge] if tally.keeps(keep)]
        kept[convention] = len(inside), sum(inside)
    return kept


@dataclass(frozen=True, slots=True)
class _Tally:
    """Votes of an utterance: on the most voted of the four, inside the four, and all; its published label."""

    most: int
    inside: int
    total: int
    published: bool

    def keeps(self, keep: str) -> bool:
        if keep == "consensus":
            return self.published
        if keep == "majority":
            return 2 * self.most > self.total
        return self.inside > 0 and (keep == "any" or self.inside == self.total)


def _tally(utterance: Utterance) -> _Tally:
    counts = [0] * len(_EMOTIONS)
    for label, count in utterance.votes.items():
        n = _EMOTIONS.index(label)
        if n is not None:
            counts[n] += count
    published = _EMOTIONS.index(utterance.consensus or "") is not None
    return _Tally(max(counts), sum(counts), sum(utterance.votes.values()), published)


def _merged(corpus: Corpus, merge: str) -> list[Utterance]:
    return [_merge(u, corpus.labels or "primary") for u in corpus] if merge == "merged" else list(corpus)


def _merge(utterance: Utterance, choice: LabelChoice) -> Utterance:
    if utterance.consensus == "excited":
        utterance = replace(utterance, consensus="happy")
    if any("excited" in r.labels or "excited" in r.secondary for r in utterance.ratings):
        ratings = tuple(_merge_rating(rating) for rating in utterance.ratings)
        return replace(utterance, ratings=ratings, votes=votes_of(ratings, choice))
    if "excited" not in utterance.votes:
        return utterance
    votes = Counter[str]()
    for label, count in utterance.votes.items():
        votes["happy" if label == "excited" else label] += count
    return replace(utterance, votes=dict(votes))


def _merge_rating(rating: Rating) -> Rating:
    def merged(labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys("happy" if label == "excited" else label for label in labels))

    return replace(rating, labels=merged(rating.labels), secondary=merged(rating.secondary))
