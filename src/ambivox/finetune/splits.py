"""Which clips train, which decide when to stop, and which are only measured: by speaker, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ambivox.corpora import Corpus, Utterance, load_corpus
from ambivox.distribution import Array, Outside, count_votes, truth
from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError
from ambivox.finetune.config import CorpusSpec, TrainConfig, Use

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


def load_splits(config: TrainConfig, emotions: EmotionSet) -> tuple[Splits, tuple[str, ...]]:
    """Load the corpora and split them by speaker.

    Returns:
        The splits, and notes such as how many clips have no vote that counts.

    Raises:
        UsageError: an unknown or empty corpus, a clip without a speaker, a corpus without votes, a speaker in
            two splits, or a split that is needed and empty.
    """
    splits: dict[Use, list[Rated]] = {use: [] for use in USES}
    notes: list[str] = []
    for spec in config.corpora:
        corpus = load_corpus(spec.name, spec.path, **spec.options)
        corpus = replace(corpus, utterances=corpus.utterances[: spec.limit])
        notes += [f"{corpus.name}: {note}" for note in corpus.notes]
        uses = _uses(corpus, spec)
        rated = [r for u in corpus if (r := _rate(corpus.name, u, spec, emotions, config.outside))]
        if not rated:
            raise _no_votes(corpus, spec, emotions)
        if lost := len(corpus) - len(rated):
            notes.append(f"{corpus.name}: {lost} of {len(corpus)} clips have no vote that counts; left out")
        for one in rated:
            splits[uses[str(one.utterance.speaker)]].append(one)
    found = {use: tuple(rated) for use, rated in splits.items()}
    check_disjoint(found)
    for use in USES[:2]:
        if not found[use]:
            raise UsageError(
                f"no clip is left for {use}: name some speakers under a corpus, for example "
                '\'development: {speakers: ["15", "16"]}\''
            )
    return found, tuple(notes)


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


def _uses(corpus: Corpus, spec: CorpusSpec) -> dict[str, Use]:
    named: dict[str, Use] = {}
    spoken = {u.speaker for u in corpus}
    if None in spoken:
        first = next(u for u in corpus if u.speaker is None)
        where = f" ({first.source})" if first.source else ""
        raise UsageError(
            f"corpus {corpus.name!r}: {first.id}{where} has no speaker, so it cannot be kept out of the test"
        )
    for use, part in (("development", spec.development), ("test", spec.test)):
        for speaker in part.speakers if part else ():
            if speaker not in spoken:
                known = ", ".join(sorted(map(str, spoken))[:8])
                raise UsageError(
                    f"corpus {corpus.name!r}: {use}: no speaker {speaker!r} (known: {known}, ...)"
                )
            if named.setdefault(speaker, use) != use:  # type: ignore[arg-type]
                raise UsageError(
                    f"corpus {corpus.name!r}: speaker {speaker!r} is in both development and test: "
                    "give it to one of them"
                )
    return {str(speaker): named.get(str(speaker), spec.use) for speaker in spoken}


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
