"""What a worker of a cluster does: hold the model of a study and fill the shards that it is given."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from ambivox.errors import AmbivoxError, UsageError
from ambivox.manifest import Shard
from ambivox.models import SpeechModel
from ambivox.record import Record
from ambivox.run.answer_cache import AnswerCache
from ambivox.run.clips import Clips
from ambivox.run.earlier import Earlier
from ambivox.run.fill_shard import Filler, records_of
from ambivox.run.hold import check_calibration, counted, hash_of, kept_for
from ambivox.run.made_folder import packages
from ambivox.run.plan import Plan, look_up
from ambivox.run.same_model import SameModel
from ambivox.run.tries import Tries
from ambivox.run_folder import Run
from ambivox.study import ModelSpec, Study

TRIES = "tries"
"""In the folder of a run while a cluster fills it: what is in hand, shard by shard."""

N_LOADS = 3
"""How many processes may die while they load the model for one shard."""

Load = Callable[[ModelSpec], SpeechModel]


@dataclass(frozen=True)
class Order:
    """What a worker is to do: fill shards of one model of a study.

    Args:
        study: its paths lead to the same files on every node.
        folder: of the run.
        place: of the model in the study.
        plan: a hash of what the driver plans.
        load: loads the model.
    """

    study: Study
    folder: Path
    place: int
    plan: str
    load: Load


class Worker(BaseModel):
    """Who filled a shard."""

    node: str
    model: str
    fingerprint: str
    python: str
    packages: dict[str, str | None]


class Filled(BaseModel):
    """What a worker tells of a shard: what is in it, and who filled it, or what the user has to fix."""

    number: int
    shard: Shard = Shard(records=0, keys="")
    failed: int = 0
    kept: int = 0
    worker: Worker | None = None
    error: str | None = None
    usage: bool = False
    """Whether the error is a `UsageError`."""


@dataclass(frozen=True)
class _Tools:
    plan: Plan
    filler: Filler
    worker: Worker


class ShardActor:
    """Fills shards, one after the other, with a model that is loaded for the first of them."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._run = Run(order.folder)
        self._node = platform.node()
        self._tools: _Tools | None = None
        self._counts: list[tuple[int, int, int]] = []

    def fill(self, number: int) -> Filled:
        """Fill a shard, and tell what came of it; what the user has to fix is told, and not raised."""
        path = self._run.shard_path(self._order.place, number)
        self._counts.clear()
        try:
            if not self._run.study_path.exists():
                raise UsageError(
                    f"{self._run.folder}: not on node {self._node}: choose an --out that all nodes share"
                )
            tries = Tries(self._run.folder / TRIES / f"{path.stem}.json")
            self._tools = tools = self._tools or self._load(tries)
            records = tools.filler.fill(path, tools.plan.shard(number), AnswerCache(), tries)
        except AmbivoxError as error:
            return Filled(number=number, error=str(error), usage=isinstance(error, UsageError))
        _, failed, kept = map(sum, zip(*self._counts, strict=True))
        return Filled(number=number, shard=Shard.of(records), failed=failed, kept=kept, worker=tools.worker)

    def _load(self, tries: Tries) -> _Tools:
        study = self._order.study
        spec = study.models[self._order.place]
        if tries.n_deaths(spec.name) >= N_LOADS:
            raise AmbivoxError(
                f"{spec.name}: {N_LOADS} processes died while they loaded it: see whether the nodes have "
                "the memory for so many actors"
            )
        tries.begin([spec.name])
        parts = look_up(study)
        if hash_of(parts) != self._order.plan:
            raise UsageError(
                f"node {self._node}: its corpus or prompts are not those with which the run was started: "
                "start it again, or let all nodes read the same files"
            )
        model = self._order.load(spec)
        check_calibration(kept_for(study, parts), parts, model.fingerprint)
        plan, clips = Plan(parts, model), Clips(study.seed)
        filler = Filler(SameModel(model), Earlier(self._run, records_of), clips, study, self._count)
        self._compare_with_others(filler, plan)
        worker = Worker(
            node=self._node,
            model=model.name,
            fingerprint=model.fingerprint,
            python=platform.python_version(),
            packages=packages(),
        )
        return _Tools(plan, filler, worker)

    def _compare_with_others(self, filler: Filler, plan: Plan) -> None:
        """Let the model be compared with what is there of others, where its fingerprint cannot tell."""
        there = sorted((self._run.folder / "records").glob(f"{self._order.place:02d}-*.parquet"))
        if there and filler.same.wants_more:
            number = int(there[0].stem.partition("-")[2])
            filler.look(records_of(there[0]), plan.shard(number), AnswerCache())

    def _count(self, records: Sequence[Record], kept: bool) -> None:
        self._counts.append(counted(records, kept))
