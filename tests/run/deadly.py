"""Models for tests of dying: they end the process, or only seem to."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

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


def load(spec: ModelSpec) -> ToyModel:
    """The model of a study, on a worker."""
    once = [Path(path) for path in spec.options.get("once", ())]
    return KilledModel(deadly=tuple(spec.options.get("deadly", ())), once=once)
