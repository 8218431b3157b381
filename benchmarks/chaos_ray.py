"""Whether a run on a cluster can be trusted: workers, a node and the driver are killed at random moments.

``python -m benchmarks.chaos_ray [--kills 30] [--write]`` starts a Ray of two nodes on this machine, runs a
study of a synthetic listener on it again and again, kills something every few seconds, and compares the
records of each run with those of a local run that nobody killed; ``--write`` writes results/chaos_ray.md.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ambivox.raters.distribution import Array
from ambivox.run import Run, run_study
from ambivox.testing.listener import Listener
from benchmarks.chaos import compare, facts, write_inputs

RESULTS = Path(__file__).parent / "results" / "chaos_ray.md"
PORT = 26379
NODE = [
    "--node-ip-address=127.0.0.1",
    "--num-cpus=1",
    "--object-store-memory=100000000",
    "--disable-usage-stats",
]
STARTS = 4
"""Of a node or a driver, one after the other, before this gives up."""
KILLS = 10
"""In one run, at most."""
PAUSE_S = 0.2, 8.0
"""Between two kills, at least and at most."""
GOES_ON = 0.8
"""Of the kills so many wait until the run has written a shard again; the others hit it while it recovers."""
STUCK_S = 600
"""A run that has written nothing for so long will not."""


@dataclass(frozen=True)
class Kill:
    """What died, and when.

    Args:
        what: ``worker``, ``node`` or ``driver``.
        at_s: after the start of the run.
        shards: that were written by then.
        next_shard_s: from the kill until the next shard was written; ``nan`` where all of them were.
    """

    what: str
    at_s: float
    shards: int
    next_shard_s: float = math.nan


@dataclass(frozen=True)
class Killed:
    """A run and its kills.

    Args:
        records, shards: of the run.
        kills: in the order of time.
        took_s: from the start to the end.
        found: records lost, doubled and changed.
    """

    records: int
    shards: int
    kills: list[Kill]
    took_s: float
    found: Counter[str]


class Node:
    """One node of the cluster: the processes that ``ray start`` leaves, known by their environment."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.arguments = folder, arguments
        self.start()

    def start(self) -> None:
        """Start it, with workers on the path of this process."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *self.arguments, *NODE]
        for _ in range(STARTS):  # Ray gives a node half a minute, which a busy machine may not have
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment(self.folder), check=False
            )
            if not done.returncode:
                return
            self.kill()
        raise SystemExit(f"ray start: {done.stdout}{done.stderr}")

    def pids(self) -> list[int]:
        """Its processes: those with its mark, and whom they started (workers write over their mark)."""
        mark = f"CHAOS_NODE={self.folder}".encode()
        found = [pid for pid in processes() if mark in environment_of(pid)]
        children = {pid: parent_of(pid) for pid in processes()}
        for pid in found:  # the list grows while it is gone through
            found += [child for child, parent in children.items() if parent == pid and child not in found]
        return found

    def workers(self) -> list[int]:
        """Its actors: who holds the model."""
        return [pid for pid in self.pids() if title_of(pid).startswith(b"ray::MapWorker")]

    def kill(self) -> None:
        """End it as a power cut would."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def environment(folder: Path) -> dict[str, str]:
    """Of a node or a driver: its mark, and what lets Ray wait where a machine is busy."""
    patient = {"RAY_gcs_server_port_wait_time_s": "120", "RAY_worker_register_timeout_seconds": "300"}
    own = {"CHAOS_NODE": str(folder), "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **patient, **own}


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def title_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[Node, Node]]:
    """Two nodes on loopback, each with a folder of its own."""
    nodes: list[Node] = []
    try:
        nodes.append(
            Node(
                folder / "head",
                "--head",
                f"--port={PORT}",
                "--include-dashboard=false",
                f"--temp-dir={folder}/ray",
            )
        )
        nodes.append(Node(folder / "other", f"--address=127.0.0.1:{PORT}"))
        yield nodes[0], nodes[1]
    finally:
        for node in nodes:
            node.kill()


def driver(study: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ambivox", "run", str(study), "--out", str(out)]
    command += ["--engine", "ray", "--address", f"127.0.0.1:{PORT}", "--actors", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(out))


def written_s(out: Path) -> list[float]:
    """When the shards of a run were written, in the order of time."""
    return sorted(path.stat().st_mtime for path in (out / "records").glob("*.parquet"))


def kill_often(study: Path, out: Path, nodes: tuple[Node, Node], rng: random.Random, left: int) -> list[Kill]:
    """Run the study to its end, and kill something every few seconds, `left` times at most."""
    kills: list[Kill] = []
    began_s, starts = time.time(), 0
    running = driver(study, out)
    try:
        while running.poll() != 0:
            if running.returncode:  # it lost what it needs, its own node for one: the same command goes on
                starts += 1
                if starts > STARTS or not kills:
                    assert running.stderr is not None
                    raise SystemExit(f"the run did not end well: {running.stderr.read().decode()}")
                running = driver(study, out)
            wait(running, out, nodes, rng, kills[-1] if kills else None, ends=len(kills) == left)
            holders = workers(nodes)
            if running.poll() is not None or not holders:
                continue
            what = rng.choice(("worker", "worker", "node", "driver"))
            kills.append(Kill(what, time.time() - began_s, len(written_s(out))))
            starts = 0
            if what == "worker":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rng.choice(holders), signal.SIGKILL)
            elif what == "driver":
                running.kill()
                running.wait()
                running = driver(study, out)
            else:
                nodes[1].kill()
                time.sleep(rng.uniform(0, 3))
                nodes[1].start()
        ends_s = np.array(written_s(out)) - began_s
        return [replace(kill, next_shard_s=next_after(ends_s, kill.at_s)) for kill in kills]
    finally:
        running.kill()


def next_after(times_s: Array, at_s: float) -> float:
    """How long it is to the next of some times."""
    return float(min(times_s[times_s > at_s], default=math.nan) - at_s)


def workers(nodes: tuple[Node, Node]) -> list[int]:
    return [pid for node in nodes for pid in node.workers()]


def wait(
    running: subprocess.Popen[bytes],
    out: Path,
    nodes: tuple[Node, Node],
    rng: random.Random,
    last: Kill | None,
    ends: bool,
) -> None:
    """Wait for the moment of the next kill after the `last`, or for the end of the run, where it `ends`."""
    next_s, goes_on = time.monotonic() + rng.uniform(*PAUSE_S), rng.random() < GOES_ON
    stuck_s = time.monotonic() + STUCK_S
    n_shards = len(written_s(out))
    while running.poll() is None:
        there = len(written_s(out))
        recovered = not goes_on or last is None or there > last.shards
        if not ends and recovered and time.monotonic() > next_s and workers(nodes):
            return
        if there > n_shards:
            n_shards, stuck_s = there, time.monotonic() + STUCK_S
        if time.monotonic() > stuck_s:
            raise SystemExit(f"no shard was written in {STUCK_S} s after {last}")
        time.sleep(0.1)


def runs(folder: Path, n_clips: int, n_kills: int, rng: random.Random) -> Iterator[Killed]:
    """Runs until there were so many kills; each is compared with a run of one process."""
    study = write_inputs(folder / "inputs", n_clips)
    local = run_study(study, folder / "whole", models=[Listener()])
    whole = [facts(record) for record in local.records()]
    with cluster(folder) as nodes:
        while n_kills > 0:
            out, began_s, found = folder / "killed", time.monotonic(), Counter[str]()
            kills = kill_often(folder / "inputs" / "study.yaml", out, nodes, rng, min(n_kills, KILLS))
            took_s = time.monotonic() - began_s
            compare([facts(record) for record in Run(out).records()], whole, found)
            shutil.rmtree(out)
            n_kills -= len(kills)
            yield Killed(len(whole), len(local.shards()), kills, took_s, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--clips", type=int, default=400, help="of the study; it has four times the records")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        token = Path(scratch) / "token"  # of this cluster alone; nodes and drivers show it to one another
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        done: list[Killed] = []
        for run in runs(Path(scratch), arguments.clips, arguments.kills, random.Random(arguments.seed)):
            done.append(run)
            print(as_tables(done, arguments.seed), flush=True)
    if arguments.write:
        RESULTS.write_text(as_tables(done, arguments.seed), encoding="utf-8")


def as_tables(done: Sequence[Killed], seed: int) -> str:
    """What was killed, and what came of it, in Markdown."""
    n_kills = sum(len(run.kills) for run in done)
    load = ", ".join(f"{load:.0f}" for load in os.getloadavg())
    lines = [
        "# Chaos on a cluster",
        "",
        f"Written by `python -m benchmarks.chaos_ray --kills {n_kills} --seed {seed} --write` on "
        f"{os.cpu_count()} cores (load over the last 1, 5 and 15 minutes: {load}): two nodes of Ray on one "
        f"machine, one worker each, a synthetic listener, {done[0].records} records in {done[0].shards} "
        "shards. In each run a worker, a node (back within 3 s) or the driver (started again at once) was "
        "killed at random moments. The records of each run are compared with those of a local run without "
        "kills. Until the next shard was written, others may have been killed.",
        "",
        "| run | kills | seconds | records lost | doubled | changed |",
        "|---|---|---|---|---|---|",
    ]
    for n, run in enumerate(done, 1):
        counts = " | ".join(str(run.found[what]) for what in ("lost", "doubled", "changed"))
        lines.append(f"| {n} | {len(run.kills)} | {run.took_s:.0f} | {counts} |")
    lines += [
        "",
        "| kill | run | killed | seconds after the start | shards written | seconds until the next shard |",
        "|---|---|---|---|---|---|",
    ]
    every = [(n, kill) for n, run in enumerate(done, 1) for kill in run.kills]
    for place, (n, kill) in enumerate(every, 1):
        after = "all were there" if math.isnan(kill.next_shard_s) else f"{kill.next_shard_s:.1f}"
        when = f"{kill.at_s:.1f} | {kill.shards} | {after}"
        lines.append(f"| {place} | {n} | {kill.what} | {when} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
