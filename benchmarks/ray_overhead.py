"""What Ray adds to a run, and whether the simulation of a cluster tells how long a real run takes.

``python -m benchmarks.ray_overhead [--clips 100] [--write]`` runs studies of a listener that takes a fixed
time for each request, as a model on a GPU would: in one process, and on two nodes of Ray on this machine with
one worker each. A first, smaller run on Ray measures what the simulation asks for; the simulation then tells
the time of the larger one before it is run. ``--write`` writes results/ray_overhead.json.
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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ambivox.models import Reply, Request
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


def shard_ends_s(run: Run, began_s: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """When each shard was written, in the order of time, seconds after the start."""
    return np.sort([path.stat().st_mtime for path in run.shards()]) - began_s


def timed_on_ray(study: Study, out: Path) -> tuple[Run, float, float]:
    """The run, how long it took, and when its first shard was there."""
    began_s = time.time()
    run = run_on_ray(study, out, Actors(address=f"127.0.0.1:{PORT}", n=WORKERS), load=load)
    return run, time.time() - began_s, float(shard_ends_s(run, began_s)[0])


def parameters(shards_s: Sequence[float], n_shards: int, took_s: float, first_s: float) -> Cluster:
    """What the simulation asks for, from single shards in one process and a small run on Ray."""
    shard_s = float(np.mean(shards_s))
    spread = float(np.std(np.log(shards_s)))
    # Workers are busy from their start on; what is left of the time is the driver's, shard by shard.
    idle_s = (took_s - first_s) - (n_shards / WORKERS - 1) * shard_s
    return replace(
        BASE,
        shards=n_shards,
        shard_s=shard_s,
        spread=spread,
        workers=WORKERS,
        load_s=first_s - shard_s,
        dispatch_s=max(0.0, idle_s) / n_shards,
        dies_every_h=1e9,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="write the results")
    arguments = parser.parse_args()
    load_before = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        token = folder / "token"
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        small = write_inputs(folder / "small", arguments.clips // 4)
        large = write_inputs(folder / "large", arguments.clips)
        began_s = time.time()
        local = run_study(large, folder / "local", models=[Waiting()])
        local_s = time.time() - began_s
        shards_s = np.diff(shard_ends_s(local, began_s), prepend=0.0)
        with cluster(folder):
            tried, tried_s, tried_first_s = timed_on_ray(small, folder / "tried")
            measured = parameters(list(shards_s[1:]), len(tried.shards()), tried_s, tried_first_s)
            simulated = simulate(replace(measured, shards=len(local.shards())))
            run, took_s, first_s = timed_on_ray(large, folder / "run")
        found = Counter({"lost": 0, "doubled": 0, "changed": 0})
        compare([facts(r) for r in run.records()], [facts(r) for r in local.records()], found)
        requests = local.progress()[1]
    busy_s = (took_s - first_s + float(np.mean(shards_s[1:]))) * WORKERS
    report = {
        "requests": requests,
        "shards": len(shards_s),
        "request_s": REQUEST_S,
        "workers": WORKERS,
        "local_s": round(local_s, 1),
        "ray_s": round(took_s, 1),
        "ray_until_first_shard_s": round(first_s, 1),
        "local_over_ray": round(local_s / took_s, 2),
        "local_over_ray_once_started": round(local_s / (busy_s / WORKERS), 2),
        "overhead_per_request_ms": round(1000 * (busy_s - local_s) / requests, 1),
        "records": dict(found),
        "simulation": {
            "shard_s": round(measured.shard_s, 3),
            "spread": round(measured.spread, 3),
            "load_s": round(measured.load_s, 1),
            "dispatch_s": round(measured.dispatch_s, 3),
            "took_s": round(simulated.seconds, 1),
            "real_s": round(took_s, 1),
        },
        "load_before": load_before,
        "cores": os.cpu_count(),
        "platform": platform.platform(),
    }
    print(json.dumps(report, indent=1))
    if arguments.write:
        RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
