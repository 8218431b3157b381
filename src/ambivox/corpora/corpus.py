"""What a corpus is: utterances with their votes, a name, a licence and a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path


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
    """Utterances in a fixed order; ``notes`` are counted findings such as clips without audio."""

    name: str
    licence: str
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()

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
