"""What the records of a run tell beside their readings, gathered while they are read."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import Any

from ambivox.record import AskedClip, Record
from ambivox.scoring.keys import RowKey, request_key


@dataclass
class CorpusFacts:
    """A corpus as the records show it.

    Args:
        clips: ids of all its utterances, those without a usable truth too.
        durations_s: of the clips that were heard.
        sounds: where the clip of each utterance lies.
    """

    emotion_set: str
    labels: tuple[str, ...]
    clips: set[str] = field(default_factory=set)
    durations_s: dict[str, float] = field(default_factory=dict)
    sounds: dict[str, AskedClip] = field(default_factory=dict)


@dataclass
class RunFacts:
    """All that is told of a run beside its readings.

    Args:
        requests, failed: how many were recorded, and failed as a whole.
        unheard: requests with sound in which no position of the prompt stood for it.
        fingerprints: of each model, in the order in which they came.
        prompt_versions: of each prompt.
        prompt_texts: hashes of the texts that each prompt came to on the clips themselves.
        prompt_wordings: the first of these texts.
        speakers: of all corpora.
        texts: what was said, by question and order of the options, then by utterance; None where nobody asks,
            since of millions of records they take more memory than their numbers.
    """

    requests: int = 0
    failed: int = 0
    unheard: int = 0
    fingerprints: dict[str, list[str]] = field(default_factory=dict)
    prompt_versions: dict[str, list[int]] = field(default_factory=dict)
    prompt_texts: dict[str, set[str]] = field(default_factory=dict)
    prompt_wordings: dict[str, str] = field(default_factory=dict)
    corpora: dict[str, CorpusFacts] = field(default_factory=dict)
    speakers: set[str] = field(default_factory=set)
    texts: dict[tuple[RowKey, tuple[int, ...]], dict[str, str]] | None = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take note of a record."""
        asked, sound, reply = record.asked, record.sound, record.reply
        utterance = asked.utterance
        self.requests += 1
        self.failed += reply is None
        self.unheard += sound is not None and reply is not None and reply.audio_tokens == 0
        _add_once(self.fingerprints.setdefault(asked.model.name, []), asked.model.fingerprint)
        _add_once(self.prompt_versions.setdefault(asked.prompt.name, []), asked.prompt.version)
        if asked.control == "clip":
            self.prompt_texts.setdefault(asked.prompt.name, set()).add(asked.prompt.text_hash)
            self.prompt_wordings.setdefault(asked.prompt.name, asked.prompt.text)
        corpus = self.corpora.setdefault(
            utterance.corpus, CorpusFacts(asked.emotions.name, asked.emotions.labels)
        )
        name = sys.intern(utterance.id)  # one text for all records on it
        corpus.clips.add(name)
        if asked.control == "clip":
            corpus.sounds[name] = asked.clip
        if sound is not None and math.isfinite(sound.duration_s):
            corpus.durations_s[name] = sound.duration_s
        if utterance.speaker is not None:
            self.speakers.add(utterance.speaker)
        if reply is not None and self.texts is not None:
            said = self.texts.setdefault((request_key(record), asked.prompt.order), {})
            said[name] = sys.intern(reply.text)


def _add_once(values: list[Any], value: Any) -> None:
    if value not in values:
        values.append(value)
