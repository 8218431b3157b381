"""What a corpus is: utterances with their votes, a name, a licence, load issues and a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from ambivox.corpora.load_issues import LoadIssue
from ambivox.errors import UsageError
from ambivox.raters.ratings import LabelChoice, Rating

MOST_VOTES = 10_000
"""The largest panels of the field have some hundreds of raters; more votes than this are not counts."""


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech and what is known of it.

    Args:
        id: unique within its corpus.
        audio: the sound file.
        start_s, end_s: the segment of the file, in seconds; None means its start or its end.
        channel: of the file, a number from 0, or ``mix`` for the average of all; None where nobody chose,
            which averages them and says so where they differ.
        votes: label as the raters gave it -> count; empty where nobody rated.
        shares: label -> share of the raters, summing to 1, where the corpus tells no counts and so not how
            many raters there were; then `votes` is empty.
        intended: the emotion an actor was asked to play, where that is known.
        source: where this utterance was read from, for error messages ("row 12 of manifest.csv").
        dialogue: which conversation or recording it is from.
        turn: its place in the dialogue; only then are there turns before it.
        ratings: what each rater said, where the corpus tells; `votes` are counted from them.
        consensus: the one label that the corpus publishes, or `NO_AGREEMENT`.
        sex: ``female`` or ``male``, as the corpus says.
        session: the recording session, which shares speakers.
        partition: the part of the corpus's own published split: ``train``, ``development``, ``test1``, ...
    """

    id: str
    audio: Path
    start_s: float | None = None
    end_s: float | None = None
    transcript: str | None = None
    speaker: str | None = None
    dialogue: str | None = None
    turn: int | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    intended: str | None = None
    source: str | None = None
    ratings: tuple[Rating, ...] = ()
    consensus: str | None = None
    sex: str | None = None
    session: str | None = None
    partition: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    channel: int | Literal["mix"] | None = None

    @property
    def rated(self) -> bool:
        """Whether it is known what raters said: votes, or shares of them."""
        return bool(self.votes or self.shares)


@dataclass(frozen=True)
class Turn:
    """A turn of a dialogue as context for later ones; it need have neither audio nor votes."""

    id: str
    speaker: str | None
    transcript: str | None
    turn: int


@dataclass(frozen=True)
class Corpus:
    """Utterances in a fixed order, each with an id of its own.

    Args:
        name: how the corpus is called in records and tables.
        licence: under which licence its clips and votes are.
        utterances: what it holds.
        load_issues: what was odd or missing when it was loaded, counted and named, for the report.
        dialogues: every turn of every dialogue in order, also those that are no utterances of the corpus;
            from the utterances where it is not given.
        labels: how votes were counted from the ratings; None where there was no choice.
        votes_invented: nobody rated; the votes were made up to show how things work.

    Raises:
        UsageError: two utterances have the same id, an utterance has more than `MOST_VOTES` votes, both votes
            and shares, or text that is not Unicode.
    """

    name: str
    licence: str
    utterances: tuple[Utterance, ...]
    load_issues: tuple[LoadIssue, ...] = ()
    dialogues: Mapping[str, tuple[Turn, ...]] | None = None
    labels: LabelChoice | None = None
    votes_invented: bool = False

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for utterance in self.utterances:
            if utterance.id in seen:
                raise UsageError(f"corpus {self.name!r}: two utterances have the id {utterance.id!r}")
            seen.add(utterance.id)
            _check(utterance, self.name)
        if self.dialogues is None:
            object.__setattr__(self, "dialogues", dialogues_of(self.utterances))

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def notes(self) -> tuple[str, ...]:
        """The load issues in words, a line each."""
        return tuple(map(str, self.load_issues))

    def keep(self, utterances: Iterable[Utterance], load_issues: Iterable[LoadIssue] = ()) -> Corpus:
        """The corpus with other utterances of its own; the turns before each stay known."""
        return replace(self, utterances=tuple(utterances), load_issues=(*self.load_issues, *load_issues))

    def turns_before(self, utterance: Utterance, k: int) -> tuple[Turn, ...]:
        """The k turns before an utterance in its dialogue, oldest first; fewer at the beginning.

        Raises:
            UsageError: the utterance has no dialogue or no place in it.
        """
        if k == 0:
            return ()
        if utterance.dialogue is None or utterance.turn is None:
            raise UsageError(
                f"corpus {self.name!r}: utterance {utterance.id!r} has no place in a dialogue, so no turns "
                "before it are known: ask for 0 context turns"
            )
        turns = (self.dialogues or {}).get(utterance.dialogue, ())
        return tuple(turn for turn in turns if turn.turn < utterance.turn)[-k:]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all but the place of the files: the same corpus has it on every machine."""
        digest = hashlib.sha256(self.name.encode())
        for utterance in self.utterances:
            facts = {f.name: getattr(utterance, f.name) for f in fields(utterance)}
            facts |= {"audio": utterance.audio.name, "source": None}
            facts |= {"votes": dict(utterance.votes), "shares": dict(utterance.shares)}
            if utterance.channel is None:  # so that corpora without channels keep their fingerprint
                del facts["channel"]
            facts["ratings"] = [astuple(rating) for rating in utterance.ratings]
            digest.update(json.dumps(facts, sort_keys=True).encode())
        return digest.hexdigest()[:16]


def _check(utterance: Utterance, corpus: str) -> None:
    """Refuse what no corpus has and no record could hold."""
    where = f"corpus {corpus!r}, {utterance.source or f'utterance {utterance.id!r}'}"
    if sum(utterance.votes.values()) > MOST_VOTES:
        raise UsageError(
            f"{where}: {sum(utterance.votes.values()):,} votes, more than the {MOST_VOTES:,} that are "
            "believed: are these counts of raters?"
        )
    if utterance.votes and utterance.shares:
        raise UsageError(f"{where}: both counts of votes and shares of them: keep one")
    texts = (
        *(utterance.id, str(utterance.audio), utterance.transcript, utterance.speaker, utterance.dialogue),
        *(utterance.intended, utterance.consensus, *utterance.votes, *utterance.shares),
    )
    for text in texts:
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise UsageError(f"{where}: {text!r} is not Unicode text: rename it") from None


def dialogues_of(utterances: Iterable[Utterance]) -> dict[str, tuple[Turn, ...]]:
    """The turns of every dialogue in their order, from utterances that have a place in one."""
    dialogues: dict[str, list[Turn]] = {}
    for u in utterances:
        if u.dialogue is not None and u.turn is not None:
            dialogues.setdefault(u.dialogue, []).append(Turn(u.id, u.speaker, u.transcript, u.turn))
    return {name: tuple(sorted(turns, key=lambda turn: turn.turn)) for name, turns in dialogues.items()}
