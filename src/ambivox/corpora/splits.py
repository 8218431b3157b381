"""Standard splits by name: which utterances train, tune and test, with no speaker on two sides.

A `Split` is one division of a corpus; a split by name gives one of them or, for leave-one-out and folds, one
for each part that is tested in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ambivox.corpora._options import check_options
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.errors import UsageError, unknown_name

TRAIN, DEVELOPMENT, TEST = "train", "development", "test"

GroupBy = Literal["speaker", "dialogue", "session"]
Ungrouped = Literal["refuse", "leave-out"]
"""What becomes of utterances whose speaker (dialogue, session) is not known. They could be of anybody, so
they can be on no side: either the corpus is refused, or they are in no part."""


class CannotSplitError(UsageError):
    """A corpus does not allow a split; `reason` is why, without the corpus and the fix."""

    def __init__(self, corpus: Corpus, reason: str, fix: str) -> None:
        super().__init__(f"corpus {corpus.name!r}: {reason}: {fix}")
        self.reason = reason


@dataclass(frozen=True)
class Split:
    """One division of a corpus.

    Args:
        name: which of several ("session 3", "fold 2 of 5").
        parts: ``train``, ``development``, ``test`` (or ``test1``, ``test2``, ...) -> utterances in the order
            of the corpus; no utterance is in two parts, and a part may be empty.
    """

    name: str
    parts: Mapping[str, tuple[Utterance, ...]]

    def __getitem__(self, part: str) -> tuple[Utterance, ...]:
        """The utterances of a part; `UsageError` for a part that the split does not have."""
        if part not in self.parts:
            raise unknown_name(f"part of the split {self.name!r}", part, self.parts)
        return self.parts[part]


def split_corpus(corpus: Corpus, name: str, /, **options: Any) -> tuple[Split, ...]:
    """Divide a corpus by a split's name.

    Args:
        corpus: what to divide.
        name: a name of `SPLITS`.
        options: the split's own keyword arguments, for example ``seed=1``.

    Returns:
        One split, or one for each session, speaker or fold that is tested in turn.

    Raises:
        UsageError: an unknown name or option, or a corpus whose utterances lack what the split goes by.

    >>> from pathlib import Path
    >>> said = [Utterance(f"{s}{n}", Path("a.wav"), speaker=s) for s in "abc" for n in range(2)]
    >>> splits = split_corpus(Corpus("mine", "CC0", tuple(said)), "grouped-k-fold", k=3)
    >>> [[u.id for u in split["test"]] for split in splits]
    [['c0', 'c1'], ['a0', 'a1'], ['b0', 'b1']]
    """
    if name not in SPLITS:
        raise unknown_name("split", name, SPLITS)
    check_options(f"split {name!r}", SPLITS[name], options)
    return SPLITS[name](corpus, **options)


def leave_one_session_out(corpus: Corpus, *, unknown: Ungrouped = "refuse") -> tuple[Split, ...]:
    """Each session is tested once; the next one (cyclically) is for development, the others train.

    IEMOCAP's usual five-fold split. The two speakers of a session are never on two sides.
    """
    return _rotate(corpus, "session", _groups(corpus, "session", unknown))


def leave_one_speaker_out(corpus: Corpus, *, unknown: Ungrouped = "refuse") -> tuple[Split, ...]:
    """Each speaker is tested once; development is the other speaker of the same session, the others train.

    IEMOCAP's ten-fold split. Where a corpus has no sessions, or a session more or fewer than two speakers,
    development is the next speaker.
    """
    speakers = _groups(corpus, "speaker", unknown)
    sessions: dict[str | None, list[str]] = {}
    for speaker, utterances in speakers.items():
        sessions.setdefault(utterances[0].session, []).append(speaker)
    partner = {pair[i]: pair[1 - i] for pair in sessions.values() if len(pair) == 2 for i in (0, 1)}
    return _rotate(corpus, "speaker", speakers, partner)


def published_partitions(corpus: Corpus) -> tuple[Split, ...]:
    """The corpus's own partitions, such as MSP-Podcast's Train, Development, Test1, Test2 and Test3.

    Utterances without a partition are in no part.
    """
    parts: dict[str, list[Utterance]] = {TRAIN: [], DEVELOPMENT: []}
    for utterance in corpus:
        if utterance.partition is not None:
            parts.setdefault(utterance.partition, []).append(utterance)
    if not any(parts.values()):
        raise _lacks(corpus, "partition")
    return (Split("published", {name: tuple(utterances) for name, utterances in parts.items()}),)


def by_actors(
    corpus: Corpus,
    *,
    seed: int = 0,
    shares: Sequence[float] = (0.7, 0.15, 0.15),
    unknown: Ungrouped = "refuse",
) -> tuple[Split, ...]:
    """Speakers drawn into train, development and test, women and men in the same shares.

    For CREMA-D's 91 actors, which have no published split.

    Args:
        corpus: every utterance needs a speaker and the speaker's sex.
        seed: of the draw; the same seed gives the same split.
        shares: of the speakers of each sex in train, development and test; they sum to 1.
    """
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise UsageError(f"split 'by-actors': shares {list(shares)}: give three that sum to 1")
    speakers = _groups(corpus, "speaker", unknown)
    sexes: dict[str, list[str]] = {}
    for speaker, utterances in speakers.items():
        if len({u.sex for u in utterances}) > 1 or utterances[0].sex is None:
            raise _lacks(corpus, "sex", utterances[0])
        sexes.setdefault(utterances[0].sex, []).append(speaker)
    rng = np.random.default_rng(seed)
    part_of: dict[str, str] = {}
    for sex in sorted(sexes):
        drawn = rng.permutation(sorted(sexes[sex])).tolist()
        ends = np.rint(np.cumsum(shares) * len(drawn)).astype(int)
        if (np.diff(ends, prepend=0)[np.array(shares) > 0] == 0).any():
            raise CannotSplitError(
                corpus,
                f"{len(drawn)} {sex} speakers are too few to be split by shares {list(shares)}",
                "give other shares, or choose another split",
            )
        for place, speaker in enumerate(drawn):
            part_of[speaker] = (TRAIN, DEVELOPMENT, TEST)[int((place >= ends[:2]).sum())]
    parts = {u.id: part_of[u.speaker] for u in corpus if u.speaker is not None}
    return (_split(corpus, f"actors, seed {seed}", parts),)


def grouped_k_fold(
    corpus: Corpus, *, k: int = 5, by: GroupBy = "speaker", seed: int = 0, unknown: Ungrouped = "refuse"
) -> tuple[Split, ...]:
    """Groups are dealt into k folds of similar size; each fold is tested once, the next one is development.

    Args:
        corpus: every utterance needs the attribute `by`.
        k: how many folds, from 2 (then nothing is left for development) to one per group.
        by: what must not be on two sides: speaker, dialogue or session.
        seed: of the order in which groups of the same size are dealt.
        unknown: what becomes of utterances whose group is not known, see `Ungrouped`.
    """
    groups = _groups(corpus, by, unknown)
    if not 2 <= k <= len(groups):
        raise CannotSplitError(corpus, f"{k} folds by {by}", f"choose k from 2 to {len(groups)}")
    names = np.random.default_rng(seed).permutation(sorted(groups)).tolist()
    fold_of: dict[str, int] = {}
    sizes = [0] * k
    for name in sorted(
        names, key=lambda name: -len(groups[name])
    ):  # stable: equal sizes keep the drawn order
        smallest = sizes.index(min(sizes))
        fold_of[name] = smallest
        sizes[smallest] += len(groups[name])
    folds = {
        f"fold {fold + 1} of {k}": [u for u in corpus if fold_of.get(str(getattr(u, by))) == fold]
        for fold in range(k)
    }
    return _rotate(corpus, "", folds)


SPLITS: dict[str, Callable[..., tuple[Split, ...]]] = {
    "leave-one-session-out": leave_one_session_out,
    "leave-one-speaker-out": leave_one_speaker_out,
    "published": published_partitions,
    "by-actors": by_actors,
    "grouped-k-fold": grouped_k_fold,
}
"""Splits by name, each ``split(corpus, **options) -> splits``."""


def _rotate(
    corpus: Corpus,
    kind: str,
    groups: Mapping[str, Sequence[Utterance]],
    development_of: Mapping[str, str] | None = None,
) -> tuple[Split, ...]:
    """Test each group in turn; development is the next one unless it is named, or none of only two groups."""
    names = list(groups)
    if len(names) < 2:
        raise CannotSplitError(corpus, f"all utterances are of one {kind}", "nothing to hold out")
    group_of = {u.id: name for name, utterances in groups.items() for u in utterances}
    splits = []
    for place, tested in enumerate(names):
        tuned = (development_of or {}).get(tested, names[(place + 1) % len(names)])
        part_of = dict.fromkeys(names, TRAIN) | {
            tuned: DEVELOPMENT if len(names) > 2 else TRAIN,
            tested: TEST,
        }
        parts = {id_: part_of[group] for id_, group in group_of.items()}
        splits.append(_split(corpus, f"{kind} {tested}".strip(), parts))
    return tuple(splits)


def _split(corpus: Corpus, name: str, part_of: Mapping[str, str]) -> Split:
    parts: dict[str, list[Utterance]] = {TRAIN: [], DEVELOPMENT: [], TEST: []}
    for utterance in corpus:
        if utterance.id in part_of:
            parts[part_of[utterance.id]].append(utterance)
    return Split(name, {part: tuple(utterances) for part, utterances in parts.items()})


def _groups(corpus: Corpus, by: GroupBy, unknown: Ungrouped) -> dict[str, list[Utterance]]:
    """The utterances of each group, groups sorted by name; those of an unknown one by `Ungrouped`."""
    groups: dict[str, list[Utterance]] = {}
    ungrouped: list[Utterance] = []
    for utterance in corpus:
        value = getattr(utterance, by)
        (ungrouped if value is None else groups.setdefault(value, [])).append(utterance)
    if ungrouped and groups and unknown == "refuse":
        raise CannotSplitError(
            corpus,
            f"the {by} of {len(ungrouped):,} utterances is not known ({ungrouped[0].id!r}), so they can be "
            "on no side of a split",
            "leave them out with unknown='leave-out', or divide by something else",
        )
    if not groups:
        raise _lacks(corpus, by)
    return dict(sorted(groups.items()))


def shared_speakers(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    """Speaker -> the published partitions that they are in, for those who are in several.

    >>> from pathlib import Path
    >>> said = [Utterance(p, Path("a.wav"), speaker="12", partition=p) for p in ("train", "test2")]
    >>> shared_speakers(Corpus("mine", "CC0", tuple(said)))
    {'12': ('train', 'test2')}
    """
    found: dict[str, dict[str, None]] = {}
    for utterance in corpus:
        if utterance.speaker is not None and utterance.partition is not None:
            found.setdefault(utterance.speaker, {})[utterance.partition] = None
    return {speaker: tuple(parts) for speaker, parts in found.items() if len(parts) > 1}


def _lacks(corpus: Corpus, what: str, utterance: Utterance | None = None) -> CannotSplitError:
    who = "no utterance has" if utterance is None else f"utterance {utterance.id!r} lacks"
    return CannotSplitError(
        corpus,
        f"{who} what this split goes by ({what})",
        f"add it to the corpus, or choose another split ({', '.join(SPLITS)})",
    )
