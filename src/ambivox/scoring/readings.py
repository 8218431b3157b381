"""All readings of a run as arrays, clip by clip: what scores, intervals and claims are computed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ambivox.choices import Cluster, Outside
from ambivox.emotions import OTHER, EmotionSet
from ambivox.errors import UsageError
from ambivox.metrics import vote_prior
from ambivox.metrics.controls import group_codes
from ambivox.raters.distribution import Array, Votes, count_votes, truth
from ambivox.readouts import Reading, Readout, Status, unfold
from ambivox.record import Record
from ambivox.scoring.truth_table import TruthTable

Variant = tuple[tuple[int, ...], bool]
"""All but the clip in which records of one row can differ: the order of the options, and whether the words of
the clip were shown (not every clip has them)."""


@dataclass(frozen=True)
class Clips:
    """The clips of a corpus that have a usable truth.

    Args:
        names: shape ``(U,)``.
        speakers: shape ``(U,)``; None where the corpus does not say.
        votes: shape ``(U, N)``, the counts behind the truth.
        q: shape ``(U, N)``, the truth.
        prior: shape ``(U, N)``, the leave-one-speaker-out vote prior; ``nan`` without any other clip.
        codes: shape ``(U,)``, the cluster of each clip.
        unit: what the clusters are: ``speakers``, ``dialogues`` or ``clips``.
    """

    names: tuple[str, ...]
    speakers: tuple[str | None, ...]
    votes: NDArray[np.int64]
    q: Array
    prior: Array
    codes: NDArray[np.intp]
    unit: str

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.codes.max()) + 1


@dataclass(frozen=True)
class Readings:
    """What one readout made of the answers of one model to one prompt, hearing one thing.

    Args:
        model, heard, prompt: whose answers; `heard` is the control's name, ``none`` for the clips themselves.
        readout: its name.
        level: ``text`` or ``token``.
        clips: shape ``(R,)``, the clip of each reading.
        variants: shape ``(R,)``, which order of options and so on it was asked with.
        p: shape ``(R, N)``; ``nan`` for a failed reading.
        mass: shape ``(R,)``, the probability on the labels; ``nan`` where it has no such thing.
        first_option: shape ``(R,)``, the label that was offered first.
        conditions: what each number in `variants` stands for.
        statuses: how many readings have which status.
        fault: why most of the undefined readings are so, in words; empty if there are none.
    """

    model: str
    control: str
    prompt: str
    readout: str
    level: Literal["text", "token"]
    clips: NDArray[np.intp]
    variants: NDArray[np.intp]
    p: Array
    mass: Array
    statuses: Mapping[Status, int]
    first_option: NDArray[np.intp]
    conditions: tuple[Variant, ...]
    fault: str = ""

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Shape ``(R,)``: where there is not a distribution."""
        return np.asarray(np.isnan(self.p[:, 0]))

    @property
    def leads_with_first(self) -> NDArray[np.bool_]:
        """Shape ``(R,)``: where no label has a larger share than the one that was offered first."""
        offered = self.p[np.arange(len(self.p)), self.first_option]
        return np.asarray(offered >= self.p.max(axis=1))


@dataclass(frozen=True)
class CorpusReadings:
    """A corpus with all that was read on it; `notes` say which clips were left out and why."""

    corpus: str
    emotions: EmotionSet
    clips: Clips
    readings: tuple[Readings, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Answered:
    """A record with all its readings: name and level of the readout, and what it gave."""

    record: Record
    readings: tuple[tuple[str, Literal["text", "token"], Reading], ...]

    def light(self) -> Answered:
        """Without what only readouts need, to be sent to another process."""
        return replace(self, record=replace(self.record, reply=None))


def read_record(record: Record, readouts: Sequence[Readout]) -> Answered:
    """Apply those readouts that can read the record's answer format."""
    found = [(r.name, r.level, r(record)) for r in unfold(readouts, record) if r.applies(record)]
    return Answered(record, tuple(found))


def read_all(
    records: Iterable[Record | Answered],
    readouts: Sequence[Readout],
    *,
    outside: Outside = "drop",
    cluster: Cluster = "speaker",
    truths: TruthTable | None = None,
) -> tuple[list[CorpusReadings], list[str]]:
    """Apply readouts to records, once, and keep the results as arrays.

    Args:
        records: of a run, read already or not; each is dropped once it is read.
        readouts: those that can read a record's answer format are applied.
        outside: how votes outside the emotion set enter the truth, see `truth`.
        cluster: what intervals take for independent.
        truths: in place of the shares of the votes, which then only say how many raters there were.

    Returns:
        The corpora that have a clip with a usable truth, and notes on those that have none.

    Raises:
        UsageError: an unknown cluster, or `outside` asks for a label that the set has not.
    """
    if cluster not in get_args(Cluster):
        raise UsageError(f"cluster: {cluster!r} is not one of {', '.join(get_args(Cluster))}")
    gathered: dict[str, _Gathered] = {}
    for one in records:
        record = one.record if isinstance(one, Answered) else one
        corpus = record.asked.utterance.corpus
        if corpus not in gathered:
            gathered[corpus] = _Gathered(record.asked.emotions, truths)
        into = gathered[corpus]
        place = into.place(record, outside)
        if place is not None:
            into.add(one if isinstance(one, Answered) else read_record(one, readouts), place)
    found, left = [], []
    for corpus, into in gathered.items():
        notes = [f"{corpus}: {note}" for note in into.notes(outside)]
        if into.rated:
            clips, more = into.clips(cluster)
            notes += [f"{corpus}: {note}" for note in more]
            found.append(CorpusReadings(corpus, into.emotions, clips, into.readings(), tuple(notes)))
        else:
            left += notes
    return found, left


@dataclass
class _Column:
    """Readings as they come in, before they are arrays."""

    level: Literal["text", "token"]
    clips: list[int] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    p: list[Array | None] = field(default_factory=list)
    mass: list[float] = field(default_factory=list)
    statuses: Counter[Status] = field(default_factory=Counter)
    first_option: list[int] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


@dataclass
class _Gathered:
    emotions: EmotionSet
    truths: TruthTable | None = None
    places: dict[str, int | None] = field(default_factory=dict)
    rated: list[tuple[str, str | None, str | None, Votes, Array]] = field(default_factory=list)
    outside: int = 0
    unusable: int = 0
    unrated: int = 0
    columns: dict[tuple[str, str, str, str], _Column] = field(default_factory=dict)

    def place(self, record: Record, outside: Outside) -> int | None:
        """The clip of a record; None if it has no usable truth."""
        utterance = record.asked.utterance
        if utterance.id in self.places:
            return self.places[utterance.id]
        votes = count_votes(utterance.votes, self.emotions)
        shares = truth(votes, self.emotions, outside)
        if self.truths is not None and votes.total:
            shares = self.truths.of(utterance.id, self.emotions)
        self.outside += sum(votes.outside.values())
        if shares is None:
            self.unusable += votes.total > 0
            self.unrated += votes.total == 0
            self.places[utterance.id] = None
            return None
        if outside == "other":
            pooled = np.eye(len(self.emotions), dtype=int)[self.emotions.labels.index(OTHER)]
            counts = np.array(votes.counts) + pooled * sum(votes.outside.values())
            votes = Votes(tuple(int(n) for n in counts))
        self.places[utterance.id] = len(self.rated)
        self.rated.append((utterance.id, utterance.speaker, utterance.dialogue, votes, shares))
        return self.places[utterance.id]

    def add(self, answered: Answered, place: int) -> None:
        record, asked = answered.record, answered.record.asked
        row, variant = (asked.model.name, asked.control, asked.row_name), _variant(record)
        for name, level, reading in answered.readings:
            key = (*row, name)
            if key not in self.columns:
                self.columns[key] = _Column(level)
            column = self.columns[key]
            column.clips.append(place)
            column.variants.append(variant)
            column.p.append(reading.distribution)
            column.mass.append(np.nan if reading.mass is None else reading.mass)
            column.statuses[reading.status] += 1
            if reading.status in ("undefined", "collided"):  # the notes of others quote what was said
                column.faults[reading.note] += 1
            column.first_option.append(asked.prompt.order[0])

    def notes(self, outside: Outside) -> list[str]:
        why = f"no vote counts under '{outside}'"
        if self.truths is not None:
            why = f"no truth in {self.truths.path.name}"
        counted = (
            (self.outside, f"{self.outside} votes outside {self.emotions.name} ({outside})"),
            (self.unusable, f"{self.unusable} clips left out: {why}"),
            (self.unrated, f"{self.unrated} clips left out: nobody rated them"),
        )
        return [text for number, text in counted if number]

    def clips(self, cluster: Cluster) -> tuple[Clips, list[str]]:
        names, speakers, dialogues, votes, q = zip(*self.rated, strict=True)
        prior = vote_prior(np.array(q), _groups(speakers, names))
        notes = [f"vote prior: {prior.reason}"] if prior.reason else []
        owners = dialogues if cluster == "dialogue" else speakers
        groups, named = _groups(owners, names), any(owner is not None for owner in owners)
        unit = f"{cluster}s" if named else "clips"
        if cluster == "clip" and named:
            groups, unit = list(names), "clips"
            notes.append(
                f"intervals and tests are over clips, of these {len(set(speakers))} speakers only: they say "
                "nothing of other speakers"
            )
        elif cluster == "dialogue" and named:
            notes.append(
                f"intervals and tests are over dialogues, of these {len(set(speakers))} speakers only: they "
                "say nothing of other speakers"
            )
        elif not named:
            what = "dialogues" if cluster == "dialogue" else "speakers"
            notes.append(f"no {what} are known: intervals and tests are over clips")
        counts = np.array([v.counts for v in votes], dtype=np.int64)
        never = [
            label for label, total in zip(self.emotions.labels, counts.sum(axis=0), strict=True) if not total
        ]
        if never:
            notes.append(
                f"never voted for: {', '.join(never)}; means over labels leave them out or are undefined"
            )
        codes = group_codes(groups)
        return Clips(names, speakers, counts, np.array(q), prior.p, codes, unit), notes

    def readings(self) -> tuple[Readings, ...]:
        return tuple(self._readings(key, column) for key, column in self.columns.items())

    def _readings(self, key: tuple[str, str, str, str], column: _Column) -> Readings:
        nothing = np.full(len(self.emotions), np.nan)
        model, heard, prompt, readout = key
        return Readings(
            model=model,
            control=heard,
            prompt=prompt,
            readout=readout,
            level=column.level,
            clips=np.array(column.clips, dtype=np.intp),
            variants=group_codes(column.variants),
            p=np.array([nothing if p is None else p for p in column.p]),
            mass=np.array(column.mass),
            statuses=dict(column.statuses),
            first_option=np.array(column.first_option, dtype=np.intp),
            conditions=tuple(dict.fromkeys(column.variants)),
            fault=next((fault for fault, _ in column.faults.most_common(1)), ""),
        )


def _variant(record: Record) -> Variant:
    return record.asked.prompt.order, record.asked.prompt.shows_transcript


def _groups(owners: Sequence[str | None], names: Sequence[str]) -> list[str | tuple[str]]:
    """What clips share; a clip whose speaker or dialogue is not known is one of its own."""
    return [name if owner is None else (owner,) for owner, name in zip(owners, names, strict=True)]
