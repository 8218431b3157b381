"""What the report needs of a run beside its scores, gathered in one pass over the records."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ambivox.choices import Outside
from ambivox.present.html.scores import RowKey, row_key
from ambivox.raters.distribution import Array, count_votes, truth
from ambivox.readouts import STATUSES, Reading, Readout, Status, unfold
from ambivox.record import Record
from ambivox.run import Run
from ambivox.run.plan import controls_of
from ambivox.scoring import ScoreTable

EVERY_READOUT = "every readout"
"""Stands for the readout of a request that failed as a whole."""


@dataclass(frozen=True)
class Clip:
    """What is known of a clip whose votes count: shares of the votes (shape ``(N,)``) and how many."""

    utterance: str
    speaker: str | None
    votes: int
    q: Array


@dataclass(frozen=True)
class Answer:
    """One reading that a picture shows, and what the model said."""

    clip: Clip
    reading: Reading
    text: str | None


@dataclass
class Failure:
    """Failed readings of one readout with one reason."""

    where: RowKey
    status: Status
    reason: str
    readings: int = 0
    clips: list[str] = field(default_factory=list)


@dataclass
class CorpusFacts:
    """A corpus as the records show it."""

    labels: tuple[str, ...]
    emotion_set: str
    clips: dict[str, Clip | None] = field(default_factory=dict)
    durations_s: dict[str, float] = field(default_factory=dict)

    @property
    def rated(self) -> list[Clip]:
        """The clips whose votes count."""
        return [clip for clip in self.clips.values() if clip is not None]


@dataclass
class Facts:
    """All that is told of a run; see `gather`."""

    folder: str
    date: str
    environment: dict[str, Any]
    controls: tuple[str, ...]
    requests: int
    requests_planned: int
    requests_failed: int = 0
    unheard: int = 0
    models: dict[str, list[str]] = field(default_factory=dict)
    prompts: dict[str, list[int]] = field(default_factory=dict)
    corpora: dict[str, CorpusFacts] = field(default_factory=dict)
    answers: dict[RowKey, list[Answer]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def gather(
    run: Run, table: ScoreTable, readouts: Collection[Readout], shown: Collection[RowKey], outside: Outside
) -> Facts:
    """Go through the records once.

    Args:
        run: the run that `table` scored.
        readouts: those of the table.
        shown: rows whose readings pictures show.
        outside: how votes outside the set were treated in `table`.
    """
    study, environment = run.study(), run.environment()
    facts = Facts(
        folder=run.folder.resolve().name,
        date=_date(run),
        environment=environment,
        controls=controls_of(study),
        requests=0,
        requests_planned=int(environment.get("requests", 0)),
    )
    failing = {row_key(row) for row in table.rows if row.failed}
    failures: dict[tuple[RowKey, Status, str], Failure] = {}
    for record in run.records():
        clip = _add_record(facts, record, outside)
        if clip is None:
            continue
        for readout in unfold(list(readouts), record):
            asked = record.asked
            row = (asked.utterance.corpus, asked.model.name, asked.control, asked.row_name)
            where = (*row, readout.spec)
            if not readout.applies(record) or (where not in failing and where not in shown):
                continue
            reading = readout(record)
            if where in shown:
                facts.answers.setdefault(where, []).append(
                    Answer(clip, reading, record.reply.text if record.reply else None)
                )
            if reading.distribution is None:
                _add_failure(failures, where, reading, clip.utterance)
    facts.failures = sorted(
        failures.values(), key=lambda failure: STATUSES.index(failure.status), reverse=True
    )
    return facts


def _date(run: Run) -> str:
    newest = max(path.stat().st_mtime for path in (run.folder / "records").glob("*.parquet"))
    return datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d")


def _add_record(facts: Facts, record: Record, outside: Outside) -> Clip | None:
    asked, sound, reply = record.asked, record.sound, record.reply
    utterance = asked.utterance
    facts.requests += 1
    facts.requests_failed += reply is None
    facts.unheard += sound is not None and reply is not None and reply.audio_tokens == 0
    _add_once(facts.models.setdefault(asked.model.name, []), asked.model.fingerprint)
    _add_once(facts.prompts.setdefault(asked.row_name, []), asked.prompt.version)
    corpus = facts.corpora.setdefault(
        utterance.corpus, CorpusFacts(asked.emotions.labels, asked.emotions.name)
    )
    if sound is not None and math.isfinite(sound.duration_s):
        corpus.durations_s[utterance.id] = sound.duration_s
    if utterance.id not in corpus.clips:
        votes = count_votes(utterance.votes, asked.emotions)
        shares = truth(votes, asked.emotions, outside)
        counted = votes.total if outside == "other" else sum(votes.counts)
        corpus.clips[utterance.id] = (
            None if shares is None else Clip(utterance.id, utterance.speaker, counted, shares)
        )
    return corpus.clips[utterance.id]


def _add_failure(
    failures: dict[tuple[RowKey, Status, str], Failure], where: RowKey, reading: Reading, utterance: str
) -> None:
    if reading.status in ("failed", "silent"):  # of the request, not of a readout
        where = (*where[:4], EVERY_READOUT)
    failure = failures.setdefault(
        (where, reading.status, reading.note), Failure(where, reading.status, reading.note)
    )
    failure.readings += 1
    _add_once(failure.clips, utterance)


def _add_once(values: list[Any], value: Any) -> None:
    if value not in values:
        values.append(value)
