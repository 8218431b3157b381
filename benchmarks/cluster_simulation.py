"""How long a cluster takes for a study, and what deaths and slow machines cost: a simulation.

``python -m benchmarks.cluster_simulation [--write]`` simulates studies of 1 million clips x 8 prompts: shards
go to workers as these become free, as in ``ambivox run --engine ray``; a worker that dies begins its shard
again after the model is loaded again. ``--write`` writes results/cluster_simulation.json.

The seconds per request are an assumption about a 7B model on a large GPU; whatever they are, the ratios hold
for shards of so many seconds.
"""

from __future__ import annotations

import argparse
import heapq
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results" / "cluster_simulation.json"
HOUR_S = 3600.0
PRICE_PER_HOUR = 3.0
"""Dollars for one large GPU, about what clouds ask."""


@dataclass(frozen=True)
class Cluster:
    """What is simulated.

    Args:
        shards: of the study.
        shard_s: how long a worker takes for one.
        spread: of that time over shards, the standard deviation of its logarithm.
        workers: which hold a model each.
        load_s: until a worker that is started asks its first request.
        dies_every_h: hours of one worker between two deaths, on average.
        away_s: from the death of a worker to the start of the next in its place.
        slow: the share of workers that are slow.
        slowness: how many times longer these take.
        dispatch_s: what the driver needs for each shard, one after the other; as `benchmarks.ray_overhead`
            measured it on two slow cores.
    """

    shards: int = 62_500
    shard_s: float = 128 * 0.1
    spread: float = 0.2
    workers: int = 64
    load_s: float = 120.0
    dies_every_h: float = 168.0
    away_s: float = 60.0
    slow: float = 0.0
    slowness: float = 3.0
    dispatch_s: float = 0.015


@dataclass(frozen=True)
class Outcome:
    """What came of it: how long the whole run took, beside the work alone, spread evenly."""

    seconds: float
    hours: float
    worker_hours: float
    price: float
    """In dollars, at `PRICE_PER_HOUR` for each worker."""
    over_ideal: float
    deaths: int
    asked_again: float
    """Share of all the work that was lost with those who died."""
    last_shard_s: float
    """How long the last worker was alone."""


def simulate(cluster: Cluster, seed: int = 0) -> Outcome:
    """Follow every worker through its shards and deaths."""
    rng = np.random.default_rng(seed)
    mean = -0.5 * cluster.spread**2
    work_s = cluster.shard_s * rng.lognormal(mean, cluster.spread, cluster.shards)
    n_slow = round(cluster.slow * cluster.workers)
    factor = np.where(np.arange(cluster.workers) < n_slow, cluster.slowness, 1.0)
    rate = 1 / (cluster.dies_every_h * HOUR_S)
    free = [(cluster.load_s, worker) for worker in range(cluster.workers)]
    heapq.heapify(free)
    driver_s, deaths, lost_s = 0.0, 0, 0.0
    ends = np.zeros(cluster.workers)
    for shard in range(cluster.shards):
        now_s, worker = heapq.heappop(free)
        driver_s = max(driver_s, now_s) + cluster.dispatch_s
        now_s, takes_s = driver_s, work_s[shard] * factor[worker]
        while (dies_in_s := rng.exponential(1 / rate)) < takes_s:
            deaths, lost_s = deaths + 1, lost_s + dies_in_s
            now_s += dies_in_s + cluster.away_s + cluster.load_s
        now_s += takes_s
        ends[worker] = now_s
        heapq.heappush(free, (now_s, worker))
    end_s = float(ends.max())
    ideal_s = float(work_s.sum() / (1 / factor).sum())
    return Outcome(
        seconds=round(end_s, 1),
        hours=round(end_s / HOUR_S, 2),
        worker_hours=round(end_s * cluster.workers / HOUR_S, 1),
        price=round(end_s * cluster.workers / HOUR_S * PRICE_PER_HOUR),
        over_ideal=round(end_s / ideal_s, 4),
        deaths=deaths,
        asked_again=round(lost_s / float(work_s.sum()), 6),
        last_shard_s=round(end_s - float(np.sort(ends)[-2]), 1) if cluster.workers > 1 else 0.0,
    )


BASE = Cluster()
CASES = {
    "8 workers": replace(BASE, workers=8),
    "64 workers": BASE,
    "512 workers": replace(BASE, workers=512),
    "4096 workers": replace(BASE, workers=4096),
    "64 workers, each dies once an hour": replace(BASE, dies_every_h=1),
    "64 workers, each dies ten times an hour": replace(BASE, dies_every_h=0.1),
    "64 workers, one in eight three times slower": replace(BASE, slow=1 / 8),
    "512 workers, shards of 2048 requests": replace(
        BASE, workers=512, shards=62_500 // 16, shard_s=16 * BASE.shard_s
    ),
    "512 workers, shards of 16 requests": replace(
        BASE, workers=512, shards=62_500 * 8, shard_s=BASE.shard_s / 8
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the results")
    arguments = parser.parse_args()
    found = [
        {"case": name, **asdict(cluster), **asdict(simulate(cluster))} for name, cluster in CASES.items()
    ]
    for one in found:
        print({key: one[key] for key in ("case", *Outcome.__annotations__)})
    if arguments.write:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
