"""From records to readings: every record is read out once, and its readings put into arrays."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ambivox.choices import Cluster, Outside, Truth
from ambivox.emotions import OTHER, EmotionSet
from ambivox.metrics import vote_prior
from ambivox.metrics.controls import group_codes
from ambivox.models import Reply
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES, Reading, Readout, of_all_layers, unfold
from ambivox.record import Record
from ambivox.scoring.incoming import Incoming
from ambivox.scoring.keys import RowKey, request_key
from ambivox.scoring.notes import Note
from ambivox.scoring.readings import Clips, CorpusReadings
from ambivox.scoring.truth_table import TruthTable
from ambivox.scoring.truths import truth_of

_NO_STEPS: NDArray[np.float32] = np.zeros(0, np.float32)
_NO_LOGITS: NDArray[np.float32] = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Answered:
    """A record with all its readings."""

    record: Record
    readings: tuple[tuple[Readout, Reading], ...]

    def light(self) -> Answered:
        """Without what only readouts need, to be sent to another process."""
        reply = self.record.reply
        if reply is None:
            return self
        light = Reply(reply.text, (), _NO_LOGITS, _NO_STEPS, reply.finish, reply.audio_tokens, reply.time_s)
        return replace(self, record=replace(self.record, reply=light))


def read_all(records: Sequence[Record], readouts: Sequence[Readout]) -> list[Answered]:
    """Apply to each record those readouts that can read its answer format."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, record in enumerate(records):
        lens = None if record.reply is None else record.reply.lens
        alike = record.asked.prompt.format, 0 if lens is None else len(lens)
        groups.setdefault(alike, []).append(place)
    found: dict[int, Answered] = {}
    for places in groups.values():
        own = [records[place] for place in places]
        applied = [readout for readout in unfold(readouts, own[0]) if readout.applies(own[0])]
        readings = [readout.read_many(own) for readout in applied]
        for n, (place, record) in enumerate(zip(places, own, strict=True)):
            pairs = zip(applied, (column[n] for column in readings), strict=True)
            found[place] = Answered(record, tuple(pairs))
    return [found[place] for place in range(len(records))]


def gather(
    answered: Iterable[Answered],
    *,
    outside: Outside = "drop",
    cluster: Cluster = "speaker",
    named: Truth = "votes",
    truths: TruthTable | None = None,
) -> tuple[list[CorpusReadings], list[Note]]:
    """Put readings into arrays, corpus by corpus.

    Args:
        answered: of a run; each is dropped once its readings are kept.
        outside: how votes outside the emotion set enter the truth, see `truth`.
        cluster: what intervals take for independent.
        named: the truth by name.
        truths: in place of the shares of the votes, which then only say how many raters there were, if any.

    Returns:
        The corpora that have a clip with a usable truth, and notes on those that have none.

    Raises:
        UsageError: `outside` asks for a label that the set has not.
        AmbivoxError: there is no room for the files in which readings wait.
    """
    gathered: dict[str, _Corpus] = {}
    found, left = [], []
    with ExitStack() as files:
        for one in answered:
            asked = one.record.asked
            corpus = asked.utterance.corpus
            if corpus not in gathered:
                gathered[corpus] = _Corpus(corpus, asked.emotions, outside, named, truths, files)
            place = gathered[corpus].place(one.record)
            if place is not None:
                gathered[corpus].add(one, place)
        for into in gathered.values():
            if into.rated:
                found.append(into.finished(cluster))
            else:
                left += into.notes()
    return found, left


@dataclass
class _Corpus:
    """A corpus as its records come in."""

    name: str
    emotions: EmotionSet
    outside: Outside
    named: Truth
    truths: TruthTable | None
    files: ExitStack
    places: dict[str, int | None] = field(default_factory=dict)
    rated: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    counts: array[int] = field(default_factory=lambda: array("q"))
    q: array[float] = field(default_factory=lambda: array("d"))
    n_votes_outside: int = 0
    unusable: int = 0
    unrated: int = 0
    rows: dict[RowKey, dict[Readout, Incoming]] = field(default_factory=dict)

    def place(self, record: Record) -> int | None:
        """The clip of a record; None if it has no usable truth."""
        utterance, name = record.asked.utterance, sys.intern(record.asked.utterance.id)
        if name in self.places:
            return self.places[name]
        votes, shares, rated = truth_of(utterance, self.emotions, self.outside, self.named)
        if self.truths is not None:  # it may know of clips without votes, as recognition rates do
            shares, rated = self.truths.of(utterance.id, self.emotions), True
        self.n_votes_outside += sum(votes.outside.values())
        if shares is None:
            self.unusable += rated
            self.unrated += not rated
            self.places[name] = None
            return None
        counts = list(votes.counts)
        if self.outside == "other":
            counts[self.emotions.labels.index(OTHER)] += sum(votes.outside.values())
        self.places[name] = len(self.rated)
        self.rated.append((name, _one_text(utterance.speaker), _one_text(utterance.dialogue)))
        self.counts.extend(counts)
        self.q.extend(shares)
        return self.places[name]

    def add(self, answered: Answered, place: int) -> None:
        record = answered.record
        variant = record.asked.prompt.order, record.asked.prompt.shows_transcript
        row = self.rows.setdefault(request_key(record), {})
        for readout, reading in answered.readings:
            if readout not in row:
                row[readout] = Incoming(readout, len(self.emotions), self.files)
            row[readout].add(reading, place, variant)

    def finished(self, cluster: Cluster) -> CorpusReadings:
        names, speakers, dialogues = zip(*self.rated, strict=True)
        counts, q = (
            np.frombuffer(numbers, dtype=numbers.typecode).reshape(len(names), -1)
            for numbers in (self.counts, self.q)
        )
        voices, unknown = _by_recording(speakers, dialogues)
        clips, notes = clips_of(
            names, voices, counts, q, corpus=self.name, cluster=cluster, dialogues=dialogues
        )
        notes += [Note("speakers-unknown", unknown, self.name)] if unknown else []
        if not clips.q.any(axis=0).all():
            pairs = zip(self.emotions.labels, clips.q.sum(axis=0), strict=True)
            never = ", ".join(label for label, share in pairs if not share)
            what = "never voted for" if self.named == "votes" else "never the label"
            text = f"{what}: {never}; means over labels leave them out or are undefined"
            notes.append(Note("label-never-voted", text, self.name))
        readings = [
            column.finished(key) for key, columns in self.rows.items() for column in _by_layer(columns)
        ]
        return CorpusReadings(self.name, self.emotions, clips, tuple(readings), (*self.notes(), *notes))

    def notes(self) -> list[Note]:
        why, nothing = f"no vote counts under '{self.outside}'", "nobody rated them"
        if self.named != "votes":
            why = f"their label is not of {self.emotions.name} ({self.outside})"
            nothing = f"they have no {self.named} label"
        if self.truths is not None:
            why = f"no truth in {self.truths.path.name}"
        counted = (
            (
                self.n_votes_outside,
                "votes-outside",
                f"{self.n_votes_outside} votes outside {self.emotions.name} ({self.outside})",
            ),
            (self.unusable, "no-usable-vote", f"{self.unusable} clips left out: {why}"),
            (self.unrated, "unrated", f"{self.unrated} clips left out: {nothing}"),
        )
        return [Note(code, text, self.name) for number, code, text in counted if number]


def _one_text(text: str | None) -> str | None:
    """One object for all clips that share a text."""
    return None if text is None else sys.intern(text)


def _by_layer(columns: Mapping[Readout, Incoming]) -> list[Incoming]:
    """The columns; requests that failed as a whole, and so have no layers, are failed readings of each."""
    layered = [c for r, c in columns.items() if "lens" in r.needs and not of_all_layers(r)]
    kept = []
    for readout, column in columns.items():
        own = [c for c in layered if set(readout.options) < set(c.readout.options)]
        if not of_all_layers(readout) or not own:
            kept.append(column)
            continue
        for layer in own:
            conditions = tuple(column.conditions)
            codes = (column.numbers(name).tolist() for name in ("clips", "variants", "status_codes"))
            for n, (clip, variant, status) in enumerate(zip(*codes, strict=True)):
                reading = Reading(None, STATUSES[status], column.reasons[n].text)
                layer.add(reading, clip, conditions[variant])
    return kept


def _by_recording(
    speakers: Sequence[str | None], recordings: Sequence[str | None]
) -> tuple[Sequence[str | None], str]:
    """Speakers, where those who are not known are one per recording, and a note on these.

    Clips of one recording may well be of one voice, so they must not count as independent; that two
    recordings share an unknown voice cannot be seen.
    """
    unknown = [place for place, speaker in enumerate(speakers) if speaker is None]
    if not unknown or len(unknown) == len(speakers):
        return speakers, ""
    grouped = [
        f"unknown speaker of {recording}" if speaker is None and recording is not None else speaker
        for speaker, recording in zip(speakers, recordings, strict=True)
    ]
    alone = sum(speaker is None for speaker in grouped)
    rest = f", {alone} without a recording each count as a speaker" if alone else ""
    together = "those of one recording count as one speaker" if alone < len(unknown) else ""
    told = f"{len(unknown)} clips are of unknown speakers: {together}{rest}".replace(": , ", ": ")
    return grouped, f"{told}; voices that several of them share are not seen, and make intervals too narrow"


def clips_of(
    names: Sequence[str],
    speakers: Sequence[str | None],
    votes: Array | Any,
    q: Array,
    *,
    corpus: str,
    cluster: Cluster = "speaker",
    dialogues: Sequence[str | None] | None = None,
) -> tuple[Clips, list[Note]]:
    """Clips with their vote prior and clusters, and what must be known of both.

    Args:
        names, speakers, dialogues: shape ``(U,)``.
        votes, q: shape ``(U, N)``, counts and truths.
        corpus: for the notes.
        cluster: what intervals take for independent; single clips where nobody knows.
    """
    prior = vote_prior(q, _groups(speakers, names))
    notes = [Note("vote-prior", f"vote prior: {prior.reason}", corpus)] if prior.reason else []
    owners = (dialogues or [None] * len(names)) if cluster == "dialogue" else speakers
    groups, named = _groups(owners, names), any(owner is not None for owner in owners)
    unit: Literal["speakers", "dialogues", "clips"] = "clips"
    if not named:
        what = "dialogues" if cluster == "dialogue" else "speakers"
        text = f"no {what} are known: intervals and tests are over clips"
        notes.append(Note("clusters-unknown", text, corpus))
    elif cluster == "speaker":
        unit = "speakers"
    else:
        unit = "dialogues" if cluster == "dialogue" else "clips"
        groups = groups if cluster == "dialogue" else list(names)
        text = (
            f"intervals and tests are over {unit}, of these {len(set(speakers))} speakers only: they say "
            "nothing of other speakers"
        )
        notes.append(Note("these-speakers-only", text, corpus))
    clips = Clips(tuple(names), tuple(speakers), np.asarray(votes), q, prior.p, group_codes(groups), unit)
    return clips, notes


def _groups(owners: Sequence[str | None], names: Sequence[str]) -> list[str | tuple[str]]:
    """What clips share; a clip whose speaker or dialogue is not known is one of its own."""
    return [name if owner is None else (owner,) for owner, name in zip(owners, names, strict=True)]
