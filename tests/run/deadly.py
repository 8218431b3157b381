"""Models for tests of dying: they end the process, or only seem to."""

import errno
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from ambivox.models import Reply, Request
from ambivox.study import ModelSpec
from tests.run.toy import ToyModel


class Died(BaseException):
    """Stands for the end of a process: nothing that is asked catches it."""


@dataclass
class DyingModel(ToyModel):
    """Seems to die whenever a clip of `deadly` is asked about."""

    deadly: tuple[str, ...] = ()

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        if any(request.name in self.deadly for request in requests):
            self.batches.append([request.name for request in requests])
            raise Died
        return super().generate(requests)


@dataclass
class KilledModel(ToyModel):
    """Kills its process whenever a clip of `deadly` is asked about, and once for every file of `once`."""

    deadly: tuple[str, ...] = ()
    once: list[Path] = field(default_factory=list)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        if any(request.name in self.deadly for request in requests) or any(map(taken, self.once)):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(requests)


def taken(path: Path) -> bool:
    """Whether there was a file; there is none afterwards, and of several processes only one had it."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


@dataclass
class SlowModel(ToyModel):
    """Takes its time, and writes down which process answered."""

    wait_s: float = 0.0
    log: Path | None = None

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        time.sleep(self.wait_s)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{os.getpid()} {self.wait_s}\n")
        return super().generate(requests)


def load(spec: ModelSpec) -> ToyModel:
    """The model of a study, on a worker."""
    once = [Path(path) for path in spec.options.get("once", ())]
    return KilledModel(deadly=tuple(spec.options.get("deadly", ())), once=once)


def load_slow(spec: ModelSpec) -> ToyModel:
    """One that is slow: where a file says so, only in the process that loads it first."""
    first, wait_s = spec.options.get("first"), spec.options["wait_s"]
    slow = first is None or taken(Path(first))
    log = spec.options.get("log")
    return SlowModel(wait_s=wait_s if slow else 0.0, log=None if log is None else Path(log))


def load_on_poor_disk(spec: ModelSpec) -> ToyModel:
    """One on a node whose disk is slow to write, and full while a file is there."""
    full, wait_s, write = Path(spec.options["full"]), spec.options["wait_s"], pq.write_table

    def write_poorly(table: object, where: Path, **options: object) -> None:
        time.sleep(wait_s)
        if full.exists():
            where.write_bytes(b"half of a shard")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(table, where, **options)

    pq.write_table = write_poorly
    return ToyModel()
