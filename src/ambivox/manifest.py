"""The manifest: which shards of a run's folder hold the present plan, and the lock of who writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.lease import leased
from ambivox.location import at_hand, is_stored, reached
from ambivox.record import Record

NAME = "manifest.json"


class Shard(BaseModel):
    """A file of records that was found or made to be of the present plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: int
    keys: str
    """A hash of the keys of its records, in their order."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> Shard:
        """What is noted of a shard that holds just these records."""
        keys = [record.key for record in records]
        return cls(records=len(keys), keys=_hash(keys))


class Manifest(BaseModel):
    """What belongs to a run: its plan, how many requests it has, and the shards done so far by name."""

    model_config = ConfigDict(extra="forbid")

    plan: str
    """A hash of the study, corpora (votes and speakers too), prompts and emotions."""
    requests: int
    shards: dict[str, Shard] = {}

    @property
    def done(self) -> int:
        """How many requests are recorded."""
        return sum(shard.records for shard in self.shards.values())

    def add(self, path: Path, records: Iterable[Record]) -> None:
        """Note that a shard holds just these records."""
        self.shards[path.name] = Shard.of(records)

    def forget(self, model: int) -> None:
        """Drop the shards of a model of the study: they are looked at again."""
        kept = {name: s for name, s in self.shards.items() if not name.startswith(f"{model:02d}-")}
        self.shards = kept

    def holds(self, path: Path) -> bool:
        """Whether a file is a shard of this run, as it was noted; what cannot be read at all is left to the
        reader of records to say.
        """
        noted = self.shards.get(path.name)
        if noted is None:
            return False
        try:
            with at_hand(path) as file:
                keys = pq.ParquetFile(file).read(columns=["key"])["key"].to_pylist()
        except (OSError, KeyError, pa.ArrowException):
            return True
        return _hash(keys) == noted.keys


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a run; None where there is none yet.

    Raises:
        AmbivoxError: it cannot be read.
    """
    path = folder / NAME
    try:
        with reached(path):
            return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        reason = first_line(error.errors()[0]["msg"])
        raise AmbivoxError(f"{path}: damaged ({reason}): delete it and run the study again") from None


def plan_hash(*facts: object) -> str:
    """A hash of all that a plan depends on.

    >>> plan_hash({"a": 1}) == plan_hash({"a": 1}), plan_hash({"a": 1}) == plan_hash({"a": 2})
    (True, False)
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@contextmanager
def locked(folder: Path, what: str = "study") -> Iterator[None]:
    """Hold the folder of a run or a training, so that no other process writes into it.

    Args:
        folder: which exists.
        what: is written there, for the error.

    Raises:
        UsageError: another process holds it.
    """
    refusal = f"{folder}: another process is running this {what}: wait for it, or choose another --out"
    if is_stored(folder):
        with leased(folder / ".lock", refusal):
            yield
        return
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UsageError(refusal) from None
    except OSError as error:
        raise AmbivoxError(f"{folder}: cannot be written ({error.strerror}): choose another --out") from None
    try:
        yield
    finally:
        lock.release()


def _hash(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]
