"""What a corpus is: utterances with their votes, a name, a licence and a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from ambivox.errors import UsageError


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech and what is known of it.

    Args:
        id: unique within its corpus.
        audio: the sound file.
        start_s, end_s: the segment of the file, in seconds; None means its start or its end.
        votes: label as the raters gave it -> count; empty where nobody rated.
        intended: the emotion an actor was asked to play, where that is known.
        source: where this utterance was read from, for error messages ("row 12 of manifest.csv").
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


@dataclass(frozen=True)
class Corpus:
    """Utterances in a fixed order, each with an id of its own.

    Args:
        name: how the corpus is called in records and tables.
        licence: under which licence its clips and votes are.
        utterances: what it holds.
        notes: counted findings such as "12 clips have no audio", for the report.

    Raises:
        UsageError: two utterances have the same id.
    """

    name: str
    licence: str
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for utterance in self.utterances:
            if utterance.id in seen:
                raise UsageError(f"corpus {self.name!r}: two utterances have the id {utterance.id!r}")
            seen.add(utterance.id)

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self.utterances)

    def __len__(self) -> int:
        return len(self.utterances)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all but the place of the files: the same corpus has it on every machine."""
        digest = hashlib.sha256(self.name.encode())
        for utterance in self.utterances:
            facts = asdict(utterance) | {"audio": utterance.audio.name, "source": None}
            digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
        return digest.hexdigest()[:16]
