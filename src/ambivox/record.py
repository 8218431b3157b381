"""The record: all that one request on one clip brought out, as one row of Parquet.

A model runs once per clip and prompt; every readout, metric, table and picture is a function of records. The
Parquet schema is derived from the types below (`ambivox.columns`), and the text under each field is its
documentation, of which the reference's page is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ambivox.audio import AudioCaution
from ambivox.columns import arrow_fields, from_table, to_plain
from ambivox.emotions import EmotionSet
from ambivox.errors import AmbivoxError, OtherVersionError, UsageError, first_line
from ambivox.location import at_hand
from ambivox.models import LabelTokens, Reply
from ambivox.prompts import RenderedPrompt
from ambivox.reasons import Reason
from ambivox.write_aside import write_aside

SCHEMA_VERSION = 8

_AT_ONCE = 256
"""Records that are read together; with their logits, some megabytes."""

SILENT = "silent"
"""Code of the reason why a clip of digital silence was not asked about."""


@dataclass(frozen=True)
class AskedUtterance:
    """The utterance that a record is about, whose votes count."""

    corpus: str
    """Name of the corpus."""
    id: str
    """Unique within the corpus."""
    speaker: str | None
    """Who speaks; null where the corpus does not say."""
    dialogue: str | None
    """The conversation or recording that it is from."""
    intended: str | None
    """The emotion that an actor was asked to play."""
    votes: Mapping[str, int]
    """Label as the raters gave it -> how many gave it; empty where nobody rated."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of the raters, by label, where the corpus tells no counts; then `votes` is empty."""
    consensus: str | None = None
    """The one label that the corpus publishes for the utterance."""


@dataclass(frozen=True)
class AskedClip:
    """The clip that was heard, or that silence and noise are as long as."""

    path: str
    """The sound file."""
    start_s: float | None
    """Where the clip starts in the file, in seconds; null means its start."""
    end_s: float | None
    """Where the clip ends in the file, in seconds; null means its end."""
    utterance: str | None
    """Whose clip was heard: another utterance's where clips were swapped, null where no clip was heard."""
    channel: str | None = None
    """Which channel of the file, a number from 0 or ``mix``; null where nobody chose, which averages all."""


@dataclass(frozen=True)
class AskedModel:
    """The model that was asked."""

    name: str
    """How the user named it."""
    fingerprint: str
    """A hash of its weights, tokenizer, template and precision."""


@dataclass(frozen=True)
class Asked:
    """What was asked."""

    utterance: AskedUtterance
    """The utterance whose votes count."""
    clip: AskedClip
    """The clip that was heard."""
    control: str
    """``clip`` where the clip was heard, or the control that took its place."""
    model: AskedModel
    """The model that was asked."""
    emotions: EmotionSet
    """The emotion set that was asked about."""
    prompt: RenderedPrompt
    """The prompt as the model saw it."""
    order_seed: int | None
    """Seed of the order of the options; null for the order of the set and for rotations of it."""
    context_turns: int
    """How many earlier turns of the dialogue were to be shown; near its beginning there are fewer."""
    temperature: float | None
    """Of the sampled answers; null where none were asked for."""
    label_tokens: LabelTokens
    """The tokens whose logits were kept."""


@dataclass(frozen=True)
class Sound:
    """The sound that the model was given."""

    duration_s: float
    """Its length in seconds."""
    silent: bool = False
    """Whether the clip is digital silence throughout; false for a stand-in of it."""
    cautions: tuple[AudioCaution, ...] = ()
    """What is odd about the clip that was heard; empty for a stand-in of it."""


@dataclass(frozen=True)
class Record:
    """One request and what came of it: a reply or an error; neither while it has not been asked."""

    key: str
    """A hash of all that the answer depends on: sound, prompt, model, labels, control and settings."""
    asked: Asked
    """What was asked."""
    sound: Sound | None = None
    """The sound that the model was given; null where there was none, or where it could not be read."""
    reply: Reply | None = None
    """What the model answered; null where the request failed."""
    error: Reason | None = None
    """Why the request failed; null where it was answered."""
    answer_of: str | None = None
    """Key of the record whose answer this is, where the model would have been given just the same again;
    null where it was asked."""

    @property
    def replied(self) -> Reply:
        """The reply of a request that was answered.

        Raises:
            ValueError: it was not.
        """
        if self.reply is None:
            raise ValueError(f"record {self.key}: the request was not answered")
        return self.reply

    def answered(self, reply: Reply, sound: Sound | None) -> Record:
        """The record with its reply; `sound` is None where there was no audio."""
        return replace(self, reply=reply, sound=sound, error=None)

    def same_as(self, other: Record) -> Record:
        """The record with the answer of another that was given the same input; it took no time."""
        reply = replace(other.replied, time_s=0.0)
        return replace(self, reply=reply, sound=other.sound, answer_of=other.key)

    def failed(self, reason: Reason, sound: Sound | None = None) -> Record:
        """The record of a request that could not be answered, and why; with the sound where it was read."""
        return replace(self, reply=None, sound=sound, error=reason)


SCHEMA = pa.schema(arrow_fields(Record), metadata={"ambivox_schema": str(SCHEMA_VERSION)})


@cache
def _own_schema() -> pa.Schema:
    """The schema with the version of this program, which takes milliseconds to look up."""
    return SCHEMA.with_metadata({**SCHEMA.metadata, b"ambivox": version("ambivox").encode()})


def write_records(records: Iterable[Record], path: Path) -> None:
    """Write records as one Parquet shard, whole or not at all (written aside, then renamed)."""
    try:
        table = pa.Table.from_pylist([to_plain(record) for record in records], schema=_own_schema())
        with write_aside(path, shared=True) as aside:
            pq.write_table(table, aside, compression="zstd", write_page_checksum=True)
    except UnicodeEncodeError as error:
        raise AmbivoxError(f"{path}: {error.object!r} is not Unicode text: rename it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise AmbivoxError(
            f"{path}: cannot be written ({reason}): make room or choose another --out"
        ) from None


def count_records(path: Path) -> int:
    """How many records a shard holds, by its footer; 0 for a file that is none (`read_records` says why)."""
    try:
        with at_hand(path) as file:
            return int(pq.ParquetFile(file).metadata.num_rows)
    except (OSError, pa.ArrowException):
        return 0


def read_records(path: Path) -> list[Record]:
    """Read one shard; errors as for `read_batches`."""
    return [record for batch in read_batches(path) for record in batch]


def read_batches(path: Path) -> Iterator[list[Record]]:
    """Read one shard some hundred records at a time: all logits of a large one need not be in memory at once.

    Raises:
        OtherVersionError: records of another version of this program.
        AmbivoxError: not a shard of records, or damaged.
    """
    try:
        # Not `read_table`, which would take a folder named "model=x" for a column.
        with at_hand(path) as file:
            shard = pq.ParquetFile(file, page_checksum_verification=True)
            _check_schema(path, shard.schema_arrow)
            for batch in shard.iter_batches(_AT_ONCE):
                yield _records_of(path, pa.Table.from_batches([batch]))
    except (OSError, pa.ArrowException) as error:
        raise AmbivoxError(f"{path}: not readable as a shard of records ({first_line(error)})") from None


def _check_schema(path: Path, schema: pa.Schema) -> None:
    metadata = schema.metadata or {}
    written = metadata.get(b"ambivox_schema", b"none").decode(errors="replace")
    if written != str(SCHEMA_VERSION):
        writer = metadata.get(b"ambivox", b"another version").decode(errors="replace")
        raise OtherVersionError(
            f"{path}: records of version {written}, written by ambivox {writer}; this one reads version "
            f"{SCHEMA_VERSION}: run the study again, or use the version that wrote it"
        )
    if not schema.equals(SCHEMA):
        raise AmbivoxError(f"{path}: its columns are not those of records of version {written}")


def _records_of(path: Path, table: pa.Table) -> list[Record]:
    try:
        return [_with_axes(record) for record in from_table(Record, table)]
    except (ValueError, UsageError) as error:
        raise AmbivoxError(f"{path}: damaged records ({first_line(error)})") from None


def _with_axes(record: Record) -> Record:
    """Lists lose the lengths of the lists inside them where they are empty: give them back."""
    reply = record.reply
    if reply is None or len(reply.logsumexp):
        return record
    n_tokens = len(record.asked.label_tokens.token_ids)
    lens = None if reply.lens is None else np.zeros((len(reply.lens), 0, n_tokens), np.float32)
    logits: NDArray[np.float32] = np.zeros((0, n_tokens), np.float32)
    bounded = None if reply.bounded is None else np.zeros((0, n_tokens), np.bool_)
    return replace(record, reply=replace(reply, token_logits=logits, lens=lens, bounded=bounded))
