"""Run a study on a Ray cluster: actors hold the model and fill shards; the driver keeps count, and no rows.

The folder of the run lies where every node can write. A shard is filled by the same code as in a run of one
process, but shares answers (`AnswerCache`) within itself only, so that it matters to no record which actor
filled what. Ray starts a dead actor again and gives it its shard; what it died over is in the folder
(`Tries`).
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.location import is_stored, location, make_folder, remove_folder
from ambivox.models import SpeechModel, load_model
from ambivox.run.hold import Held, Report, hash_of, hold
from ambivox.run.made_folder import packages
from ambivox.run.plan import cut_of
from ambivox.run.shard_actor import TRIES, Filled, Load, Order, ShardActor, Worker
from ambivox.run_folder import Run
from ambivox.study import ModelSpec, Study

LOCAL: dict[str, Any] = {"include_dashboard": False, "object_store_memory": 200 * 2**20}
"""Of a cluster of this machine alone: only numbers of shards and what came of them pass through it."""


@dataclass(frozen=True)
class Actors:
    """Who fills the shards.

    Args:
        address: of a cluster that runs, or ``auto`` for the one that this machine belongs to; by default one
            is started here, and stopped at the end.
        n: how many there are; by default as many as the cluster has room for.
        gpus: of each; it may be a fraction.
        cpus: of each.
    """

    address: str | None = None
    n: int | None = None
    gpus: float = 0.0
    cpus: float = 1.0


def _load(spec: ModelSpec) -> SpeechModel:
    return load_model(spec.name, **spec.options)


def run_on_ray(
    study: Study,
    out: str | Path,
    actors: Actors | None = None,
    *,
    load: Load = _load,
    report: Report = lambda progress: None,
) -> Run:
    """Run a study into a directory by the actors of a cluster, or finish the run that is there.

    The records are those of `run_study`, but for times, and for which of several clips was asked what is the
    same for all of them (`Record.answer_of`). Either goes on with a run of the other.

    A sound over which three processes died, the last one with nothing else in hand, is a failed record of
    the code ``crash``; the others are answered.

    Args:
        study: what to run; its paths must lead to the same files on every node.
        out: the directory of the run, on a disk that all nodes share, or in storage (``s3://bucket/run``).
        actors: who fills the shards.
        load: loads a model on a node.
        report: told about the progress after every shard.

    Raises:
        UsageError: as `run_study`, or there is no such cluster, its nodes are not alike, or Ray is missing.
        AmbivoxError: as `run_study`, or the actors cannot start.
    """
    actors = actors or Actors()
    ray = _import_ray()
    folder = location(out)
    folder = folder if is_stored(folder) else folder.resolve()
    with hold(study, folder, report) as held, _connected(ray, actors.address):
        tries = held.run.folder / TRIES
        remove_folder(tries)
        make_folder(tries)
        for place in range(len(study.models)):
            order = Order(study, held.run.folder, place, hash_of(held.parts), load)
            _fill_all(ray, held, order, actors)
        remove_folder(tries)
    return held.run


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray.data
    except ImportError:
        raise UsageError("this needs the extra 'ray': pip install 'ambivox[ray]'") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


@contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Use the cluster that this process is connected to, or connect it to one for a while."""
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    _check_answers(address)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address is None:
            ray.init("local", **LOCAL, **quiet)
        else:
            ray.init(address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise _no_cluster(address or "this machine", error) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """See that somebody listens at an address of the form ``host:port``, where Ray would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(str(address), error) from None


def _no_cluster(where: str, error: Exception) -> UsageError:
    return UsageError(f"{where}: no Ray cluster to run on ({first_line(error)})")


def _fill_all(ray: Any, held: Held, order: Order, actors: Actors) -> None:
    """Have the shards of one model filled, and list them in the manifest."""
    missing, first = set(range(len(cut_of(held.parts)))), None
    for filled in _filled(ray, order, sorted(missing), actors):
        if filled.error is not None or filled.worker is None:
            raise (UsageError if filled.usage else AmbivoxError)(filled.error)
        if first is None:
            first = filled.worker
            held.begin_model(order.place, first.model, first.fingerprint, first.packages)
        check_alike(first, filled.worker)
        missing.discard(filled.number)
        held.note(held.run.shard_path(order.place, filled.number), filled.shard)
        held.count(filled.shard.records, filled.failed, filled.kept)
    if missing:
        raise AmbivoxError(f"{held.run.folder}: {len(missing)} shards were not filled: run the study again")


def check_alike(first: Worker, other: Worker) -> None:
    """See that two nodes, and this machine, would write the same records.

    Raises:
        UsageError: they would not.
    """
    here = packages()["ambivox"]
    if other.packages["ambivox"] != here:
        theirs = other.packages["ambivox"]
        raise UsageError(f"node {other.node}: has ambivox {theirs}, this machine {here}: install the same")
    both = f"nodes {first.node} and {other.node}"
    for name, version in ({"python": first.python} | first.packages).items():
        theirs = ({"python": other.python} | other.packages)[name]
        if theirs != version:
            raise UsageError(f"{both}: have {name} {version} and {theirs}: install the same")
    if other.fingerprint != first.fingerprint:
        raise UsageError(
            f"{both}: {first.model} is not the same model on both: give them the same weights and precision"
        )


def _filled(ray: Any, order: Order, numbers: Sequence[int], actors: Actors) -> Iterator[Filled]:
    """What the actors tell of some shards, in the order in which they are done."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    shards = ray.data.from_items([{"shard": n} for n in numbers], override_num_blocks=len(numbers))
    room = _room(ray, actors)
    filled = shards.map_batches(
        _Filling,
        fn_constructor_args=(order,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(actors.n or room, len(numbers))),
        num_cpus=actors.cpus,
        num_gpus=actors.gpus,
    )
    for batch in filled.iter_batches(batch_size=None, batch_format="pyarrow"):
        yield from map(Filled.model_validate_json, batch["filled"].to_pylist())


def _room(ray: Any, actors: Actors) -> int:
    """For how many actors the cluster has room."""
    wanted = {kind: each for kind, each in (("CPU", actors.cpus), ("GPU", actors.gpus)) if each}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(min(int(node.get(kind, 0) // each) for kind, each in wanted.items()) for node in nodes)
    if not room:
        there = ray.cluster_resources()
        raise UsageError(
            f"the cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs, too few for an "
            f"actor of {actors.cpus:g} and {actors.gpus:g}: add a node, or ask for less"
        )
    return room


class _Filling:
    """A `ShardActor` as Ray Data calls it: with a batch of numbers of shards."""

    def __init__(self, order: Order) -> None:
        self._actor = ShardActor(order)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        return {"filled": [self._actor.fill(int(n)).model_dump_json() for n in batch["shard"]]}
