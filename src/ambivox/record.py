"""The record: all that one request on one clip brought out, as one row of Parquet.

A model runs once per clip and prompt; every readout, metric, table and picture is a function of records.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ambivox.columns import number_rows, repeated_rows
from ambivox.emotions import EmotionSet
from ambivox.errors import AmbivoxError, first_line
from ambivox.models import LabelTokens, Reply
from ambivox.prompts import AnswerFormat

SCHEMA_VERSION = 4


@dataclass(frozen=True)
class Record:
    """One request and what came of it; the fields are the columns of the Parquet shards.

    T generated steps, K label tokens, S written forms of labels, N labels, L decoder layers. `utterance`
    is the one whose votes count, `heard` the one whose clip was heard: another one under the control
    ``swapped``, None where no clip was (silence, noise, no audio); `clip`, `start_s` and `end_s` are of the
    clip that was heard, or that silence and noise are as long as. A request that could not be answered has
    ``status == "failed"``, its reason in ``error``, and None in every field of the reply.
    """

    # what was asked
    key: str
    corpus: str
    utterance: str
    clip: str
    start_s: float | None
    end_s: float | None
    speaker: str | None
    intended: str | None
    votes: Mapping[str, int]
    control: str
    model: str
    model_fingerprint: str
    prompt: str
    prompt_version: int
    format: AnswerFormat
    prompt_text: str
    order: tuple[int, ...]
    order_seed: int | None
    emotion_set: str
    labels: tuple[str, ...]
    forms: tuple[tuple[str, ...], ...]
    dialogue: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of the raters, by label, where the corpus tells no counts; then `votes` is empty."""
    consensus: str | None = None
    """The one label that the corpus publishes for the utterance."""
    heard: str | None = None
    wording: tuple[str, ...] = ()
    """Shape ``(N,)``: the form that stood for each label among the options."""
    transcript: bool = False
    """Whether the prompt showed what is said in the clip."""
    context_turns: int = 0
    """How many earlier turns of the dialogue were to be shown; near its beginning there are fewer."""
    temperature: float | None = None
    """Of the sampled answers; None where none were asked for."""
    # how it went
    status: Literal["ok", "failed"] = "failed"
    error: str | None = None
    duration_s: float | None = None
    time_s: float | None = None
    # what was answered
    text: str | None = None
    finish: str | None = None
    token_ids: tuple[int, ...] | None = None
    audio_tokens: int | None = None
    label_tokens: LabelTokens | None = None
    token_logits: NDArray[np.float32] | None = field(default=None, compare=False)
    """Shape ``(T, K)``: raw logits of the label tokens at every step."""
    logsumexp: NDArray[np.float32] | None = field(default=None, compare=False)
    """Shape ``(T,)``: over the vocabulary, so log-probabilities are ``token_logits - logsumexp[:, None]``."""
    sequence_logp: NDArray[np.float64] | None = field(default=None, compare=False)
    """Shape ``(S,)``: log p(written form | clip, prompt) in nats; None where it was not asked for."""
    draws: tuple[str, ...] | None = None
    """Sampled answers; empty where none were asked for."""
    lens: NDArray[np.float32] | None = field(default=None, compare=False)
    """Shape ``(L, T, K)``: the label-token logits after every decoder layer; None where not asked for."""
    lens_logsumexp: NDArray[np.float32] | None = field(default=None, compare=False)
    """Shape ``(L, T)``: over the vocabulary; None where it was not asked for."""
    answer_of: str | None = None
    """The key of the record whose answer this is, where the model would have been given just the same again;
    None where it was asked."""

    @property
    def emotions(self) -> EmotionSet:
        """The emotion set that was asked about."""
        return _shared_emotions(self.emotion_set, self.labels, self.forms)

    @property
    def asked(self) -> str:
        """The prompt and the levels of a study's factors: what a row of a score table is about.

        Orders of the options are not among them; they are repetitions of one row.
        """
        words = [w for w, label in zip(self.wording, self.labels, strict=False) if w != label]
        factors = (
            f"{self.context_turns} turns before" if self.context_turns else "",
            f"worded {'/'.join(words)}" if words else "",
            f"T={self.temperature:g}" if self.temperature not in (None, 1.0) else "",
        )
        return ", ".join([self.prompt, *filter(None, factors)])

    def answered(
        self,
        reply: Reply,
        label_tokens: LabelTokens,
        sequence_logp: NDArray[np.float64] | None,
        duration_s: float | None,
    ) -> Record:
        """The record with its reply filled in; `duration_s` is None where there was no audio."""
        return replace(
            self,
            status="ok",
            error=None,
            duration_s=duration_s,
            time_s=reply.time_s,
            text=reply.text,
            finish=reply.finish,
            token_ids=reply.token_ids,
            audio_tokens=reply.audio_tokens,
            label_tokens=label_tokens,
            token_logits=reply.token_logits,
            logsumexp=reply.logsumexp,
            sequence_logp=sequence_logp,
            draws=reply.draws,
            lens=reply.lens,
            lens_logsumexp=reply.lens_logsumexp,
        )

    def same_as(self, other: Record) -> Record:
        """The record with the answer of another that was given the same input; it took no time."""
        answered = {f: getattr(other, f) for f in _ANSWER}
        return replace(self, **answered, time_s=0.0, answer_of=other.key)

    def failed(self, reason: str) -> Record:
        """The record of a request that could not be answered, with the reason."""
        return replace(self, status="failed", error=reason)


_ANSWER = (
    "status",
    "error",
    "duration_s",
    "text",
    "finish",
    "token_ids",
    "audio_tokens",
    "label_tokens",
    "token_logits",
    "logsumexp",
    "sequence_logp",
    "draws",
    "lens",
    "lens_logsumexp",
)
"""What `Record.answered` fills in, but for the time."""

_STRINGS = pa.list_(pa.string())
_INTEGERS = pa.list_(pa.int64())
_FLOATS = pa.list_(pa.float32())

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("key", "corpus", "utterance", "clip")),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("speaker", pa.string()),
        ("intended", pa.string()),
        ("dialogue", pa.string()),
        ("votes", pa.map_(pa.string(), pa.int64())),
        ("shares", pa.map_(pa.string(), pa.float64())),
        ("consensus", pa.string()),
        *((name, pa.string()) for name in ("control", "model", "model_fingerprint", "prompt")),
        ("prompt_version", pa.int64()),
        ("format", pa.string()),
        ("prompt_text", pa.string()),
        ("order", _INTEGERS),
        ("order_seed", pa.int64()),
        ("emotion_set", pa.string()),
        ("labels", _STRINGS),
        ("forms", pa.list_(_STRINGS)),
        ("heard", pa.string()),
        ("wording", _STRINGS),
        ("transcript", pa.bool_()),
        ("context_turns", pa.int64()),
        ("temperature", pa.float64()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("duration_s", pa.float64()),
        ("time_s", pa.float64()),
        ("text", pa.string()),
        ("finish", pa.string()),
        ("token_ids", _INTEGERS),
        ("audio_tokens", pa.int64()),
        ("label_tokens_sequences", pa.list_(_INTEGERS)),
        ("label_tokens_sequence_labels", _INTEGERS),
        ("label_tokens_token_ids", _INTEGERS),
        ("label_tokens_tokens", _STRINGS),
        ("token_logits", pa.list_(_FLOATS)),
        ("logsumexp", _FLOATS),
        ("sequence_logp", pa.list_(pa.float64())),
        ("draws", _STRINGS),
        ("lens", pa.list_(_FLOATS)),
        ("lens_logsumexp", pa.list_(_FLOATS)),
        ("answer_of", pa.string()),
    ],
    metadata={"ambivox_schema": str(SCHEMA_VERSION)},
)

_MAPS = ("votes", "shares")
_ARRAYS = ("token_logits", "logsumexp", "sequence_logp", "lens", "lens_logsumexp")
_LABEL_TOKEN_FIELDS = tuple(f.name for f in fields(LabelTokens))
_REPEATED = ("order", "labels", "forms", "wording", *(f"label_tokens_{name}" for name in _LABEL_TOKEN_FIELDS))


def _to_row(record: Record) -> dict[str, Any]:
    row = {f.name: getattr(record, f.name) for f in fields(Record) if f.name != "label_tokens"}
    row |= {name: list(getattr(record, name).items()) for name in _MAPS}
    if record.lens is not None:
        row["lens"] = record.lens.reshape(len(record.lens), -1)
    for name in _ARRAYS:
        if row[name] is not None:
            row[name] = list(row[name])
    for name in _LABEL_TOKEN_FIELDS:
        row[f"label_tokens_{name}"] = (
            None if record.label_tokens is None else getattr(record.label_tokens, name)
        )
    return row


@functools.lru_cache(maxsize=256)
def _shared_emotions(name: str, labels: tuple[str, ...], forms: tuple[tuple[str, ...], ...]) -> EmotionSet:
    return EmotionSet(name, labels, forms)


@functools.lru_cache(maxsize=256)
def _shared_label_tokens(**label_tokens: Any) -> LabelTokens:
    """One object for all records that share label tokens, so that what is derived from it is derived once."""
    return LabelTokens(**label_tokens)


def _from_row(row: dict[str, Any]) -> Record:
    label_tokens = {name: row.pop(f"label_tokens_{name}") for name in _LABEL_TOKEN_FIELDS}
    row["label_tokens"] = None if label_tokens["sequences"] is None else _shared_label_tokens(**label_tokens)
    row |= {name: dict(row[name]) for name in _MAPS}
    for name in ("token_ids", "draws"):
        row[name] = None if row[name] is None else tuple(row[name])
    if row["token_logits"] is not None:
        n_steps, n_watched = len(row["logsumexp"]), len(label_tokens["token_ids"])
        row["token_logits"] = row["token_logits"].reshape(n_steps, n_watched)
        if row["lens"] is not None:
            row["lens"] = row["lens"].reshape(len(row["lens"]), n_steps, n_watched)
    return Record(**row)


def write_records(records: Iterable[Record], path: Path) -> None:
    """Write records as one Parquet shard, whole or not at all (written aside, then renamed)."""
    aside = path.with_name(path.name + ".partial")
    try:
        table = pa.Table.from_pylist([_to_row(record) for record in records], schema=SCHEMA)
        pq.write_table(table, aside, compression="zstd", write_page_checksum=True)
        aside.replace(path)
    except UnicodeEncodeError as error:
        raise AmbivoxError(f"{path}: {error.object!r} is not Unicode text: rename it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise AmbivoxError(
            f"{path}: cannot be written ({reason}): make room or choose another --out"
        ) from None
    finally:
        aside.unlink(missing_ok=True)


def count_records(path: Path) -> int:
    """How many records a shard holds, by its footer; 0 for a file that is none (`read_records` says why)."""
    try:
        return int(pq.ParquetFile(path).metadata.num_rows)
    except (OSError, pa.ArrowException):
        return 0


def read_records(path: Path) -> list[Record]:
    """Read one shard.

    Raises:
        AmbivoxError: not a shard of this program, or of another version of it.
    """
    try:
        # Not `read_table`, which would take a folder named "model=x" for a column.
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise AmbivoxError(f"{path}: not readable as a shard of records ({first_line(error)})") from None
    version = (table.schema.metadata or {}).get(b"ambivox_schema", b"none").decode()
    if version != str(SCHEMA_VERSION):
        raise AmbivoxError(
            f"{path}: records of version {version}, this program reads version {SCHEMA_VERSION}: "
            "run the study again, or use the version of ambivox that wrote it"
        )
    if not table.schema.equals(SCHEMA):
        raise AmbivoxError(f"{path}: its columns are not those of records of version {version}")
    return [_from_row(row) for row in _rows(table)]


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries, columns of logits as arrays and columns that repeat as shared tuples."""
    columns: dict[str, Iterable[Any]] = {}
    for name in table.column_names:
        if name in _ARRAYS:
            columns[name] = number_rows(table[name])
        elif name in _REPEATED:
            columns[name] = repeated_rows(table[name])
        else:
            columns[name] = table[name].to_pylist()
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
