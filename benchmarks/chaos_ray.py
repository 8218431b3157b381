"""Whether a run on a cluster can be trusted: workers, a node and the driver are killed at random moments.

``python -m benchmarks.chaos_ray [--kills 30] [--write]`` starts a Ray of two nodes on this machine, runs a
study of a synthetic listener on it again and again, kills something every few seconds, and compares the
records of each run with those of a local run that nobody killed; ``--write`` writes results/chaos_ray.md.
"""

from __future__ import annotations

import argparse
import contextlib
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
STARTS = 4
N_CLIPS = 400
N_SHARDS = N_CLIPS // 2


@dataclass(frozen=True)
class Killed:
    """A run and its kills.

    Args:
        kills: what died, and how many shards were written by then.
        took_s: from the start to the end.
        found: records lost, doubled and changed.
    """

    kills: list[tuple[str, int]]
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
    return {**os.environ, "CHAOS_NODE": str(folder), "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}


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


def recorded(out: Path) -> int:
    return len(list((out / "records").glob("*.parquet")))


def kill_often(
    study: Path, out: Path, nodes: tuple[Node, Node], rng: random.Random, left: int
) -> list[tuple[str, int]]:
    """Run the study to its end, and kill something every few seconds, `left` times at most."""
    kills: list[tuple[str, int]] = []
    running = driver(study, out)
    try:
        while running.poll() is None or (running.returncode and kills and kills[-1][0] == "node"):
            if running.returncode:  # its own node was killed
                running = driver(study, out)
            next_s = time.monotonic() + rng.uniform(0.2, 8)
            while time.monotonic() < next_s and running.poll() is None:
                time.sleep(0.05)
            workers = nodes[0].workers() + nodes[1].workers()
            if running.poll() is not None or not workers or len(kills) == left:
                continue
            what = rng.choice(("worker", "worker", "node", "driver"))
            kills.append((what, recorded(out)))
            if what == "worker":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rng.choice(workers), signal.SIGKILL)
            elif what == "driver":
                running.kill()
                running.wait()
                running = driver(study, out)
            else:
                nodes[1].kill()
                time.sleep(rng.uniform(0, 3))
                nodes[1].start()
        assert running.stderr is not None
        if running.returncode:
            raise SystemExit(f"the run did not end well: {running.stderr.read().decode()}")
        return kills
    finally:
        running.kill()


def runs(folder: Path, n_kills: int, rng: random.Random) -> Iterator[Killed]:
    """Runs until there were so many kills; each is compared with a run of one process."""
    study = write_inputs(folder / "inputs", N_CLIPS)
    local = run_study(study, folder / "whole", models=[Listener()])
    assert len(local.shards()) == N_SHARDS
    whole = [facts(record) for record in local.records()]
    with cluster(folder) as nodes:
        while n_kills > 0:
            out, began_s, found = folder / "killed", time.monotonic(), Counter[str]()
            kills = kill_often(folder / "inputs" / "study.yaml", out, nodes, rng, min(n_kills, 10))
            compare([facts(record) for record in Run(out).records()], whole, found)
            shutil.rmtree(out)
            n_kills -= len(kills)
            yield Killed(kills, time.monotonic() - began_s, found)


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
        f"{N_CLIPS} clips, {4 * N_CLIPS} records in {N_SHARDS} shards. In each run a worker, a node (back "
        "within 3 s) or the driver (started again at once) was killed every few seconds; after how many "
        "shards stands beside it. The records are compared with those of a local run that nobody killed.",
        "",
        "| run | killed | s | lost | doubled | changed |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        token = Path(scratch) / "token"  # of this cluster alone; nodes and drivers show it to one another
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        for n, run in enumerate(runs(Path(scratch), arguments.kills, random.Random(arguments.seed)), 1):
            counts = " | ".join(str(run.found[what]) for what in ("lost", "doubled", "changed"))
            killed = ", ".join(f"{what} at {done}" for what, done in run.kills)
            lines.append(f"| {n} | {killed} | {run.took_s:.0f} | {counts} |")
            print(lines[-1], flush=True)
    if arguments.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
