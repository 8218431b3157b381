"""How long it takes until ambivox is there: importing it, asking for help, a wrong path, the first answer.

    python -m benchmarks.import_time
    python -m benchmarks.import_time --tree before=/tmp/before/src --tree now=src --write

prints the least of some tries, each in a Python of its own, whose time stands on top. Where others use the
machine, the CPU time says more than the wall time. ``--write`` keeps the page, with what the first answer of
the last tree imports.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLIP = str(ROOT / "examples" / "crema-d" / "AudioWAV" / "1001_DFA_FEA_XX.wav")
TRIED = {
    "python -c pass": ("-c", "pass"),
    "import ambivox": ("-c", "import ambivox"),
    "ambivox.load_emotions": ("-c", "import ambivox; ambivox.load_emotions"),
    "ambivox.read": ("-c", "import ambivox; ambivox.read"),
    "ambivox.score": ("-c", "import ambivox; ambivox.score"),
    "ambivox -h": ("-m", "ambivox", "-h"),
    "ambivox score -h": ("-m", "ambivox", "score", "-h"),
    "ambivox read --prompt <TAB>": ("-m", "ambivox"),
    "ambivox read missing.wav": ("-m", "ambivox", "read", "missing.wav"),
    "ambivox read CLIP -m org/name, offline": ("-m", "ambivox", "read", CLIP, "-m", "org/name"),
    "ambivox read CLIP": ("-m", "ambivox", "read", CLIP),
}
SLOW = {"ambivox read CLIP", "ambivox read CLIP -m org/name, offline"}
COMPLETION = {"_AMBIVOX_COMPLETE": "complete_bash", "COMP_WORDS": "ambivox read --prompt ", "COMP_CWORD": "3"}
PARTS = ("torch", "transformers", "scipy", "pyarrow", "pydantic", "numpy", "typer", "rich", "ambivox")


def environment(name: str, tree: str) -> dict[str, str]:
    more = COMPLETION if "TAB" in name else {"HF_HUB_OFFLINE": "1"} if "offline" in name else {}
    return os.environ | {"PYTHONPATH": str(Path(tree).resolve()), "OMP_NUM_THREADS": "1"} | more


def seconds(name: str, tree: str) -> tuple[float, float]:
    """Wall time and CPU time of one try."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([sys.executable, *TRIED[name]], env=environment(name, tree), check=False, **quiet)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def profile(tree: str) -> list[tuple[str, float]]:
    """The share of the time for importing that the first answer spends on each package."""
    words = [sys.executable, "-X", "importtime", *TRIED["ambivox read CLIP"]]
    done = subprocess.run(
        words,
        env=environment("", tree),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    spent = dict.fromkeys((*PARTS, "others"), 0.0)
    for line in done.stderr.splitlines():
        own, *_, module = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and own.strip().isdigit():
            package = module.strip().partition(".")[0]
            spent[package if package in spent else "others"] += int(own) / 1e6
    total = sum(spent.values())
    return sorted(((name, spent_s / total) for name, spent_s in spent.items()), key=lambda item: -item[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tries", type=int, default=15)
    parser.add_argument("--slow-tries", type=int, default=3, help="of those that import torch")
    parser.add_argument("--tree", action="append", help="NAME=SRC; may be repeated")
    parser.add_argument("--write", action="store_true", help="keep the page in benchmarks/results")
    given = parser.parse_args()
    trees = dict(tree.split("=", 1) for tree in given.tree or [f"now={ROOT / 'src'}"])
    cells = " | ".join(f"{tree}: wall | CPU" for tree in trees)
    lines = [
        "# How long it takes until ambivox is there",
        "",
        f"Python {platform.python_version()}, {os.cpu_count()} CPU cores that others used, too, one thread; "
        f"seconds, the least of {given.tries} tries ({given.slow_tries} of those that may import torch). "
        "CPU time says more than wall time here, and is itself longer on a machine that is busy.",
        "",
        f"| what | {cells} |",
        "|---|" + "---|---|" * len(trees),
    ]
    for name in TRIED:
        tries = given.slow_tries if name in SLOW else given.tries
        found = ""
        for tree in trees.values():
            wall_s, cpu_s = zip(*(seconds(name, tree) for _ in range(tries)), strict=True)
            found += f" {min(wall_s):.2f} | {min(cpu_s):.2f} |"
        lines.append(f"| `{name}` |{found}")
    last, tree = list(trees.items())[-1]
    lines += ["", f"What `ambivox read CLIP` ({last}) spends on importing, by package:", ""]
    lines += ["| package | share |", "|---|---|"]
    lines += [f"| {package} | {share:.0%} |" for package, share in profile(tree)]
    page = "\n".join(lines) + "\n"
    print(page)
    if given.write:
        (ROOT / "benchmarks" / "results" / "import_time.md").write_text(page)


if __name__ == "__main__":
    main()
