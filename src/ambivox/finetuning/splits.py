"""Which clips train, which decide when to stop, and which are only measured: by speaker, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ambivox.choices import Outside
from ambivox.corpora import Corpus, Utterance, load_corpus
from ambivox.corpora.splits import split_corpus
from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError
from ambivox.finetuning.config import CorpusSpec, FinetuneConfig, Speakers, SplitSpec, Use
from ambivox.raters.distribution import Array, count_votes, truth

USES: tuple[Use, ...] = get_args(Use)


@dataclass(frozen=True)
class Rated:
    """An utterance with what its raters said.

    Args:
        corpus: the name of its corpus.
        counts: shape ``(N,)``, votes per label of the emotion set (one, for an intended emotion).
        q: shape ``(N,)``, the truth: shares of the votes.
    """

    corpus: str
    utterance: Utterance
    counts: Array
    q: Array

    @property
    def speaker(self) -> str:
        """The speaker, told apart from one of the same name in another corpus."""
        return f"{self.corpus}/{self.utterance.speaker}"


Splits = Mapping[Use, tuple[Rated, ...]]
"""The rated utterances of every use."""


@dataclass(frozen=True)
class Divided:
    """Rated clips by use, and what should be known of them.

    Args:
        notes: oddities that were counted, such as clips without a vote that counts.
        licences: by corpus.
    """

    splits: Splits
    notes: tuple[str, ...]
    licences: Mapping[str, str]


def load_splits(config: FinetuneConfig, emotions: EmotionSet) -> Divided:
    """Load the corpora and split them by speaker.

    Raises:
        UsageError: an unknown or empty corpus, a clip without a speaker, a corpus without votes, a speaker in
            two splits, or a split that is needed and empty.
    """
    splits: dict[Use, list[Rated]] = {use: [] for use in USES}
    notes: list[str] = []
    licences: dict[str, str] = {}
    for spec in config.corpora:
        corpus = load_corpus(spec.name, spec.path, **spec.options)
        corpus = replace(corpus, utterances=corpus.utterances[: spec.limit])
        licences[corpus.name] = corpus.licence
        notes += [f"{corpus.name}: {note}" for note in corpus.notes]
        use_of = _standard_uses(corpus, spec.split) if spec.split else _uses(corpus, spec)
        rated = {u.id: r for u in corpus if (r := _rate(corpus.name, u, spec, emotions, config.outside))}
        if not rated:
            raise _no_votes(corpus, spec, emotions)
        if lost := len(corpus) - len(rated):
            notes.append(f"{corpus.name}: {lost} of {len(corpus)} clips have no vote that counts; left out")
        if unused := len(rated.keys() - use_of.keys()):
            notes.append(f"{corpus.name}: {unused} clips are in no part of the split; left out")
        for clip, one in rated.items():
            if clip in use_of:
                splits[use_of[clip]].append(one)
    found = {use: tuple(rated) for use, rated in splits.items()}
    check_disjoint(found)
    for use in USES[:2]:
        if not found[use]:
            raise UsageError(
                f"no clip is left for {use}: name some speakers under a corpus, for example "
                '\'development: {speakers: ["15", "16"]}\', or give it a split'
            )
    return Divided(found, tuple(notes), licences)


def check_disjoint(splits: Splits) -> None:
    """Refuse splits that share a speaker or a stretch of sound.

    Raises:
        UsageError: one is in two splits (it is named).
    """
    use_of: dict[object, Use] = {}
    for use, rated in splits.items():
        for one in rated:
            clip = one.utterance
            sound = (clip.audio.resolve(), clip.start_s, clip.end_s)
            for what, key in (("speaker", one.speaker), ("clip", sound)):
                if use_of.setdefault(key, use) != use:
                    name = one.speaker if what == "speaker" else f"{one.corpus}/{clip.id}"
                    raise UsageError(
                        f"{what} {name} is in both {use_of[key]} and {use}: a score on it would say nothing; "
                        "give it to one of them"
                    )


def check_disagreement(rated: Sequence[Rated], objective: str) -> None:
    """Refuse to learn disagreement from clips of one label each.

    Raises:
        UsageError: no clip has votes for two labels.
    """
    if not any(np.count_nonzero(one.counts) > 1 for one in rated):
        raise UsageError(
            f"objective {objective!r} learns how raters disagree, but every training clip has a single "
            "label: use 'cross-entropy', or a corpus with votes"
        )


def _standard_uses(corpus: Corpus, spec: SplitSpec) -> dict[str, Use]:
    """The use of every utterance under a standard split; test1, test2, ... are all for the test."""
    _check_speakers(corpus)
    folds = split_corpus(corpus, spec.name, **spec.options)
    if spec.fold >= len(folds):
        raise UsageError(
            f"split {spec.name!r} of {corpus.name!r}: fold {spec.fold}, there are {len(folds)} (from 0)"
        )
    uses: dict[str, Use] = {}
    for part, utterances in folds[spec.fold].parts.items():
        use = next((use for use in USES if part.casefold().startswith(use)), None)
        for utterance in utterances if use else ():
            uses[utterance.id] = use or "test"
    return uses


def _uses(corpus: Corpus, spec: CorpusSpec) -> dict[str, Use]:
    """The use of every utterance by the speakers that the user named."""
    _check_speakers(corpus)
    spoken = {str(u.speaker) for u in corpus}
    named: dict[str, Use] = {}
    parts: tuple[tuple[Use, Speakers | None], ...] = (("development", spec.development), ("test", spec.test))
    for use, part in parts:
        for speaker in part.speakers if part else ():
            if speaker not in spoken:
                known = ", ".join(sorted(spoken)[:8])
                raise UsageError(
                    f"corpus {corpus.name!r}: {use}: no speaker {speaker!r} (known: {known}, ...)"
                )
            if named.setdefault(speaker, use) != use:
                raise UsageError(
                    f"corpus {corpus.name!r}: speaker {speaker!r} is in both development and test: "
                    "give it to one of them"
                )
    return {u.id: named.get(str(u.speaker), spec.use) for u in corpus}


def _check_speakers(corpus: Corpus) -> None:
    for utterance in corpus:
        if utterance.speaker is None:
            where = f" ({utterance.source})" if utterance.source else ""
            raise UsageError(
                f"corpus {corpus.name!r}: {utterance.id}{where} has no speaker, so it cannot be "
                "kept out of the test"
            )


def _rate(
    corpus: str, utterance: Utterance, spec: CorpusSpec, emotions: EmotionSet, outside: Outside
) -> Rated | None:
    raw = utterance.votes
    if spec.labels == "intended":
        raw = {utterance.intended: 1} if utterance.intended else {}
    votes = count_votes(raw, emotions)
    q = truth(votes, emotions, outside)
    if q is None:
        return None
    # outside votes may have been pooled into a label: counts follow the truth
    counts = np.rint(q * (votes.total if outside == "other" else sum(votes.counts)))
    return Rated(corpus, utterance, counts, q)


def _no_votes(corpus: Corpus, spec: CorpusSpec, emotions: EmotionSet) -> UsageError:
    if spec.labels == "votes" and not any(u.votes for u in corpus):
        return UsageError(
            f"corpus {corpus.name!r} has no votes: train on one that has, or on what its actors were asked "
            "for with 'labels: intended' (objective cross-entropy)"
        )
    return UsageError(f"corpus {corpus.name!r}: no clip has a vote for a label of {emotions.name!r}")
