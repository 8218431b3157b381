"""What each named option of a corpus would keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ambivox.corpora import FOUR_CLASS, LABEL_CHOICES, SPLITS, Corpus, split_corpus
from ambivox.corpora.four_class import four_class_kept
from ambivox.corpora.splits import CannotSplitError
from ambivox.emotions import emotion_sets, load_emotions
from ambivox.raters.ratings import labels_of
from ambivox.raters.truth import vote_counts

SPLITS_SHOWN = 20
"""A split with more parts than this that are tested in turn is counted, not built."""


@dataclass(frozen=True)
class OptionKept:
    """An option and what it keeps.

    Args:
        option, value: as in a study or on the command line ("labels", "primary").
        what: what the value does.
        utterances: those with a vote that counts.
        votes: those that count.
    """

    option: str
    value: str
    what: str
    utterances: int
    votes: int


@dataclass(frozen=True)
class SplitSizes:
    """A split by name: how many there are, utterances in each part, or why the corpus does not allow it.

    Args:
        sizes: part -> fewest and most utterances over the splits.
    """

    name: str
    n_splits: int
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    reason: str = ""


def kept_by_options(corpus: Corpus) -> tuple[OptionKept, ...]:
    """What the choices of labels, emotion sets and four-class conventions would keep."""
    return (*_by_labels(corpus), *_by_emotions(corpus), *_by_four_class(corpus))


def _by_labels(corpus: Corpus) -> Iterator[OptionKept]:
    if corpus.labels is not None:
        for choice, what in LABEL_CHOICES.items():
            totals = [sum(len(labels_of(rating, choice)) for rating in u.ratings) for u in corpus]
            yield OptionKept("labels", choice, what, sum(map(bool, totals)), sum(totals))


def _by_emotions(corpus: Corpus) -> Iterator[OptionKept]:
    if not any(u.votes for u in corpus):
        return
    totals = np.array([sum(u.votes.values()) for u in corpus])
    for name in emotion_sets():
        emotions = load_emotions(name)
        dropped = vote_counts(corpus, emotions).sum(axis=1)
        whole = np.where(dropped == totals, dropped, 0)
        choices = {"drop": dropped, "exclude-utterance": whole}
        if (whole == dropped).all():
            choices = {"drop or exclude-utterance": dropped}
        for outside, counted in choices.items():
            what = ", ".join(emotions.labels)
            yield OptionKept(
                "emotions, outside", f"{name}, {outside}", what, int((counted > 0).sum()), int(counted.sum())
            )


def _by_four_class(corpus: Corpus) -> Iterator[OptionKept]:
    four = load_emotions("iemocap4")
    if all(four.index(label) is not None for u in corpus for label in u.votes):
        return
    published = any(u.consensus for u in corpus)
    merging = any("excited" in (*u.votes, u.consensus) for u in corpus)
    for name, (utterances, votes) in four_class_kept(corpus).items():
        if (name.endswith("consensus") and not published) or (name.startswith("plain") and not merging):
            continue  # the same as another row, or nothing at all
        yield OptionKept("four_class", name, FOUR_CLASS[name], utterances, votes)


def split_sizes(corpus: Corpus) -> tuple[SplitSizes, ...]:
    """How each split by name would divide the corpus."""
    return tuple(_sizes(corpus, name) for name in SPLITS)


def _sizes(corpus: Corpus, name: str) -> SplitSizes:
    group = {"leave-one-speaker-out": "speaker", "leave-one-session-out": "session"}.get(name)
    if group:
        groups = {getattr(u, group) for u in corpus}
        if None not in groups and len(groups) > SPLITS_SHOWN:
            return SplitSizes(name, len(groups))
    try:
        splits = split_corpus(corpus, name)
    except CannotSplitError as error:
        return SplitSizes(name, 0, reason=error.reason)
    sizes = {
        part: [len(split.parts.get(part, ())) for split in splits] for split in splits for part in split.parts
    }
    return SplitSizes(name, len(splits), {part: (min(n), max(n)) for part, n in sizes.items()})
