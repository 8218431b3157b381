"""Whether a run on a cluster can be trusted: workers, a node and the driver are killed at random moments.

``python -m benchmarks.chaos_ray [--kills 30] [--write]`` starts a Ray of two nodes on this machine, runs a
study of a synthetic listener on it again and again, kills something each time, and compares the records with
those of a local run that nobody killed; ``--write`` puts the table into results/chaos_ray.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
TARGETS = ("worker", "node", "driver")
N_CLIPS = 60
N_SHARDS = N_CLIPS // 2


@dataclass(frozen=True)
class Kill:
    """One kill: what died, when, and what became of the records.

    Args:
        what: died.
        done: shards that were written by then.
        again: whether the driver ended, and was started again.
        to_end_s: from there to the end of the run.
        found: records lost, doubled and changed.
    """

    what: str
    done: int
    again: bool
    to_end_s: float
    found: Counter[str]


class Node:
    """One node of the cluster: the processes that ``ray start`` leaves, known by their environment."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.arguments = folder, arguments
        self.start()

    def start(self) -> None:
        """Start it, with workers on the path of this process."""
        ray = str(Path(sys.executable).with_name("ray"))
        command = [ray, "start", *self.arguments, *NODE]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(self.folder), check=False
        )
        if done.returncode:
            raise SystemExit(f"ray start: {done.stdout}{done.stderr}")

    def pids(self) -> list[int]:
        """Its processes, workers and all."""
        mark = f"CHAOS_NODE={self.folder}".encode()
        return [pid for pid in processes() if mark in environment_of(pid)]

    def workers(self) -> list[int]:
        """Its actors: who holds the model."""
        return [pid for pid in self.pids() if b"ray::" in title_of(pid) and b"IDLE" not in title_of(pid)]

    def kill(self) -> None:
        """End it as a power cut would."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "CHAOS_NODE": str(folder), "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


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


def recorded(out: Path) -> int:
    return len(list((out / "records").glob("*.parquet")))


def kill_one(study: Path, out: Path, nodes: tuple[Node, Node], what: str, rng: random.Random) -> Kill | None:
    """Run the study, kill something on the way, and see the run through; None where the run was faster."""
    running = driver(study, out)
    try:
        wanted = rng.randrange(N_SHARDS - 4)
        while recorded(out) < wanted and running.poll() is None:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.2))
        began_s, done = time.monotonic(), recorded(out)
        if running.poll() is not None or done == N_SHARDS:
            return None
        if what == "driver":
            running.kill()
        elif what == "worker":
            workers = nodes[0].workers() + nodes[1].workers()
            if not workers:
                return None
            os.kill(rng.choice(workers), signal.SIGKILL)
        else:
            nodes[1].kill()
            time.sleep(rng.uniform(0, 3))
            nodes[1].start()
        _, said = running.communicate(timeout=300)
        if running.returncode:
            again = driver(study, out)
            _, said = again.communicate(timeout=300)
            if again.returncode:
                raise SystemExit(f"{what} killed; the run did not end well: {said.decode()}")
        return Kill(what, done, running.returncode != 0, time.monotonic() - began_s, Counter())
    finally:
        if running.poll() is None:
            running.kill()


def kills(folder: Path, n_kills: int, rng: random.Random) -> Iterator[Kill]:
    """So many kills, each in a run of its own, which is compared with a run of one process."""
    study = write_inputs(folder / "inputs", N_CLIPS)
    local = run_study(study, folder / "whole", models=[Listener()])
    assert len(local.shards()) == N_SHARDS
    whole = [facts(record) for record in local.records()]
    with cluster(folder) as nodes:
        n = 0
        while n < n_kills:
            out = folder / "killed"
            kill = kill_one(folder / "inputs" / "study.yaml", out, nodes, TARGETS[n % len(TARGETS)], rng)
            if kill is not None:
                compare([facts(record) for record in Run(out).records()], whole, kill.found)
                n += 1
                yield kill
            shutil.rmtree(out, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the results")
    arguments = parser.parse_args()
    lines = [
        "# Chaos on a cluster",
        "",
        f"Written by `python -m benchmarks.chaos_ray --kills {arguments.kills} --seed {arguments.seed} "
        "--write`: two nodes of Ray on one machine, one worker each, a synthetic listener, "
        f"{N_CLIPS} clips, {4 * N_CLIPS} records in {N_SHARDS} shards. Each line is a run in which one thing "
        "was killed at a random moment (a node came back up to 3 s later), compared with a local run that "
        "nobody killed.",
        "",
        "| | killed | with shards done | driver started again | s to the end | lost | doubled | changed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for n, kill in enumerate(kills(Path(scratch), arguments.kills, random.Random(arguments.seed)), 1):
            counts = " | ".join(str(kill.found[what]) for what in ("lost", "doubled", "changed"))
            again = "yes" if kill.again else "no"
            lines.append(f"| {n} | {kill.what} | {kill.done} | {again} | {kill.to_end_s:.0f} | {counts} |")
            print(lines[-1], flush=True)
    if arguments.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
