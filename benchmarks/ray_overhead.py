"""What Ray adds to a run, and whether the simulation of a cluster tells how long a real run takes.

``python -m benchmarks.ray_overhead [--clips 160] [--write]`` runs studies of a listener that takes a fixed
time for each request, as a model on a GPU would: in one process, and on two nodes of Ray on this machine with
one worker each. A first, smaller run on Ray measures what the simulation asks for; the simulation then tells
the time of the larger one before it is run. ``--write`` writes results/ray_overhead.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ambivox.models import Reply, Request
from ambivox.raters.distribution import Array
from ambivox.run import Actors, Run, Study, run_on_ray, run_study
from ambivox.study import ModelSpec
from ambivox.testing.listener import Listener
from benchmarks.chaos import compare, facts, write_inputs
from benchmarks.chaos_ray import PORT, cluster
from benchmarks.cluster_simulation import BASE, Cluster, simulate

RESULTS = Path(__file__).parent / "results" / "ray_overhead.json"
REQUEST_S = 0.25
WORKERS = 2


class Waiting(Listener):
    """A listener that takes its time for each request."""

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        time.sleep(REQUEST_S * len(requests))
        return super().generate(requests)


def load(spec: ModelSpec) -> Waiting:
    return Waiting()


@dataclass(frozen=True)
class Timed:
    """A run, and when its shards were written.

    Args:
        ends_s: of each shard, in the order of time, after the start.
        took_s: the whole run.
    """

    run: Run
    ends_s: Array
    took_s: float

    @property
    def requests(self) -> int:
        return self.run.progress()[1]


def timed_locally(study: Study, out: Path) -> Timed:
    began_s = time.time()
    return timed(run_study(study, out, models=[Waiting()]), began_s)


def timed_on_ray(study: Study, out: Path) -> Timed:
    began_s = time.time()
    actors = Actors(address=f"127.0.0.1:{PORT}", n=WORKERS)
    return timed(run_on_ray(study, out, actors, load=load), began_s)


def timed(run: Run, began_s: float) -> Timed:
    took_s = time.time() - began_s
    return Timed(run, np.sort([path.stat().st_mtime for path in run.shards()]) - began_s, took_s)


def study_of(folder: Path, n_clips: int) -> Study:
    """Two prompts to each clip; no silence, which one process asks about once and a cluster once a shard."""
    return write_inputs(folder, n_clips).model_copy(update={"controls": ("clip",)})


def parameters(local: Timed, tried: Timed) -> Cluster:
    """What the simulation asks for, from the shards of one process and a small run on Ray."""
    shards_s = np.diff(local.ends_s)
    first_s, last_s = tried.ends_s[[0, -1]]
    shard_s, n_shards = float(shards_s.mean()), len(tried.ends_s)
    # Workers are busy from their start on; what is left of the time is the driver's, shard by shard.
    idle_s = (last_s - first_s) - (n_shards / WORKERS - 1) * shard_s
    return replace(
        BASE,
        shards=n_shards,
        shard_s=shard_s,
        spread=float(np.std(np.log(shards_s))),
        workers=WORKERS,
        load_s=float(first_s) - shard_s,
        dispatch_s=max(0.0, idle_s) / n_shards,
        dies_every_h=1e9,
    )


def measured(folder: Path, n_clips: int) -> dict[str, Any]:
    """Ray beside one process, and the simulation beside the real run."""
    load_before = round(os.getloadavg()[0], 1)
    local = timed_locally(study := study_of(folder / "large", n_clips), folder / "local")
    with cluster(folder):
        timed_on_ray(study_of(folder / "least", 2 * WORKERS), folder / "first")  # the first one takes longer
        tried = timed_on_ray(study_of(folder / "small", n_clips // 4), folder / "tried")
        simulated = parameters(local, tried)
        told = simulate(replace(simulated, shards=len(local.ends_s)))  # before the run that it tells of
        on_ray = timed_on_ray(study, folder / "run")
    found = Counter({"lost": 0, "doubled": 0, "changed": 0})
    compare([facts(r) for r in on_ray.run.records()], [facts(r) for r in local.run.records()], found)
    first_s, last_s = on_ray.ends_s[[0, -1]]
    busy_s = WORKERS * (last_s - first_s + simulated.shard_s)
    alone_s = len(local.ends_s) * simulated.shard_s
    return {
        "requests": local.requests,
        "request_s": REQUEST_S,
        "shards": len(local.ends_s),
        "workers": WORKERS,
        "one_process_s": round(local.took_s, 1),
        "ray_s": round(on_ray.took_s, 1),
        "ray_until_first_shard_s": round(float(first_s), 1),
        "ratio": round(local.took_s / on_ray.took_s, 2),
        "ratio_once_started": round(WORKERS * alone_s / busy_s, 2),
        "overhead_per_request_ms": round(1000 * (busy_s - alone_s) / local.requests, 1),
        "records": dict(found),
        "simulation": {
            "measured_on_requests": tried.requests,
            "shard_s": round(simulated.shard_s, 3),
            "spread": round(simulated.spread, 3),
            "load_s": round(simulated.load_s, 1),
            "dispatch_s": round(simulated.dispatch_s, 3),
            "last_shard_s": round(told.seconds, 1),
            "real_last_shard_s": round(float(last_s), 1),
        },
        "load_before_and_after": [load_before, round(os.getloadavg()[0], 1)],
        "cores": os.cpu_count(),
        "platform": platform.platform(),
    }


def as_table(report: dict[str, Any]) -> str:
    """What was measured, in Markdown."""
    told, records = report["simulation"], report["records"]
    loads = ", then ".join(map(str, report["load_before_and_after"]))
    rows = {
        "one process, s": report["one_process_s"],
        f"Ray, {report['workers']} workers, s": report["ray_s"],
        "of these until the first shard, s": report["ray_until_first_shard_s"],
        f"times faster than one process (at most {report['workers']})": report["ratio"],
        "the same once the first worker asks": report["ratio_once_started"],
        "more worker time for each request, ms": report["overhead_per_request_ms"],
        "records lost, doubled, changed": ", ".join(str(records[what]) for what in records),
        "last shard, s, as the simulation tells": told["last_shard_s"],
        "last shard, s, in the real run": told["real_last_shard_s"],
    }
    lines = [
        "# Ray beside one process, the simulation beside a real run",
        "",
        f"Written by `python -m benchmarks.ray_overhead --write` on {report['cores']} cores (load {loads}): "
        f"{report['requests']} requests in {report['shards']} shards to a listener that takes "
        f"{1000 * report['request_s']:.0f} ms for each, in one process and on two nodes of Ray on the same "
        "machine.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows.items()),
        "",
        f"The simulation was told, from a smaller run of {told['measured_on_requests']} requests on Ray: "
        f"{told['load_s']} s until a worker asks, {told['shard_s']} s for a shard (spread {told['spread']}), "
        f"and {1000 * told['dispatch_s']:.0f} ms of the driver for each.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--write", action="store_true", help="write the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        token = Path(scratch) / "token"
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        report = measured(Path(scratch), arguments.clips)
    print(as_table(report))
    if arguments.write:
        RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        RESULTS.with_suffix(".md").write_text(as_table(report), encoding="utf-8")


if __name__ == "__main__":
    main()
