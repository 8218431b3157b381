"""The record: all that one request on one clip brought out, as one row of Parquet.

A model runs once per clip and prompt; every readout, metric, table and picture is a function of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ambivox.emotions import EmotionSet
from ambivox.errors import AmbivoxError, first_line
from ambivox.models import Reply, Watch
from ambivox.prompts import AnswerFormat

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Record:
    """One request and what came of it; the fields are the columns of the Parquet shards.

    T generated steps, K watched tokens, S written forms of labels, N labels. A request that could not be
    answered has ``status == "failed"``, its reason in ``error``, and None in every field of the reply.
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
    watch: Watch | None = None
    watched: NDArray[np.float32] | None = field(default=None, compare=False)
    """Shape ``(T, K)``: raw logits of the watched tokens at every step."""
    logsumexp: NDArray[np.float32] | None = field(default=None, compare=False)
    """Shape ``(T,)``: over the vocabulary, so log-probabilities are ``watched - logsumexp[:, None]``."""
    sequence_logp: NDArray[np.float64] | None = field(default=None, compare=False)
    """Shape ``(S,)``: log p(written form | clip, prompt) in nats; None where it was not asked for."""

    @property
    def emotions(self) -> EmotionSet:
        """The emotion set that was asked about."""
        return EmotionSet(self.emotion_set, self.labels, self.forms)

    def answered(
        self,
        reply: Reply,
        watch: Watch,
        sequence_logp: NDArray[np.float64] | None,
        duration_s: float,
    ) -> Record:
        """The record with its reply filled in."""
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
            watch=watch,
            watched=reply.watched,
            logsumexp=reply.logsumexp,
            sequence_logp=sequence_logp,
        )

    def failed(self, reason: str) -> Record:
        """The record of a request that could not be answered, with the reason."""
        return replace(self, status="failed", error=reason)


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
        ("votes", pa.map_(pa.string(), pa.int64())),
        *((name, pa.string()) for name in ("control", "model", "model_fingerprint", "prompt")),
        ("prompt_version", pa.int64()),
        ("format", pa.string()),
        ("prompt_text", pa.string()),
        ("order", _INTEGERS),
        ("order_seed", pa.int64()),
        ("emotion_set", pa.string()),
        ("labels", _STRINGS),
        ("forms", pa.list_(_STRINGS)),
        ("status", pa.string()),
        ("error", pa.string()),
        ("duration_s", pa.float64()),
        ("time_s", pa.float64()),
        ("text", pa.string()),
        ("finish", pa.string()),
        ("token_ids", _INTEGERS),
        ("audio_tokens", pa.int64()),
        ("watch_sequences", pa.list_(_INTEGERS)),
        ("watch_sequence_labels", _INTEGERS),
        ("watch_token_ids", _INTEGERS),
        ("watch_tokens", _STRINGS),
        ("watched", pa.list_(_FLOATS)),
        ("logsumexp", _FLOATS),
        ("sequence_logp", pa.list_(pa.float64())),
    ],
    metadata={"ambivox_schema": str(SCHEMA_VERSION)},
)

_WATCH_FIELDS = tuple(f.name for f in fields(Watch))


def _to_row(record: Record) -> dict[str, Any]:
    row = {f.name: getattr(record, f.name) for f in fields(Record) if f.name != "watch"}
    row["votes"] = list(record.votes.items())
    for name in ("watched", "logsumexp", "sequence_logp"):
        if row[name] is not None:
            row[name] = list(row[name])
    for name in _WATCH_FIELDS:
        row[f"watch_{name}"] = None if record.watch is None else getattr(record.watch, name)
    return row


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _from_row(row: dict[str, Any]) -> Record:
    watch = {name: _tuples(row.pop(f"watch_{name}")) for name in _WATCH_FIELDS}
    row["watch"] = None if watch["sequences"] is None else Watch(**watch)
    row["votes"] = dict(row["votes"])
    for name in ("order", "labels", "forms", "token_ids"):
        row[name] = _tuples(row[name])
    if row["watched"] is not None:
        row["watched"] = np.array(row["watched"], dtype=np.float32).reshape(-1, len(watch["token_ids"]))
        row["logsumexp"] = np.array(row["logsumexp"], dtype=np.float32)
    if row["sequence_logp"] is not None:
        row["sequence_logp"] = np.array(row["sequence_logp"], dtype=np.float64)
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
    return [_from_row(row) for row in table.to_pylist()]
