"""How long it takes until ambivox is there: help, a wrong path, the first answer, the next one.

    python -m benchmarks.first_read --write

prints the least of some tries, each in a Python of its own, whose time stands on top; ``--write`` keeps the
page. Where others use the machine, the CPU time says more than the wall time. ``--tree before=OTHER/src``
measures another source tree beside this one.
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
CLIPS = ROOT / "examples" / "crema-d" / "AudioWAV"
MINI = str(ROOT / "src" / "ambivox" / "models" / "mini")
CLIP = str(CLIPS / "1001_DFA_FEA_XX.wav")
SECOND = "import ambivox; m = ambivox.load_model('mini'); [ambivox.read(c, m) for c in {clips}]"
FLOOR = "import torch; from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration"
TRIED = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import torch'": ("-c", "import torch"),
    "python, torch and the classes of Qwen2-Audio": ("-c", FLOOR),
    "python -c 'import ambivox'": ("-c", "import ambivox"),
    "ambivox -h": ("-m", "ambivox", "-h"),
    "ambivox score -h": ("-m", "ambivox", "score", "-h"),
    "ambivox read --prompt <TAB>": ("-m", "ambivox"),
    "ambivox read missing.wav": ("-m", "ambivox", "read", "missing.wav"),
    "ambivox read CLIP -m org/name, offline": ("-m", "ambivox", "read", CLIP, "-m", "org/name"),
    "ambivox read CLIP": ("-m", "ambivox", "read", CLIP),
    "ambivox read CLIP -m src/ambivox/models/mini": ("-m", "ambivox", "read", CLIP, "-m", MINI),
    "one clip from Python": ("-c", SECOND.format(clips=[CLIP])),
    "12 clips from Python": ("-c", SECOND.format(clips=sorted(map(str, CLIPS.glob("*.wav"))))),
}
"""By its name `mini` is asked by its own engine, as a folder by transformers."""

COMPLETION = {"_AMBIVOX_COMPLETE": "complete_bash", "COMP_WORDS": "ambivox read --prompt ", "COMP_CWORD": "3"}
PARTS = (
    "torch",
    "transformers",
    "scipy",
    "pyarrow",
    "pydantic",
    "numpy",
    "jinja2",
    "typer",
    "rich",
    "ambivox",
)


def environment(name: str, tree: str) -> dict[str, str]:
    more = COMPLETION if "TAB" in name else {"HF_HUB_OFFLINE": "1"} if "offline" in name else {}
    return os.environ | {"PYTHONPATH": str(Path(tree).resolve())} | more


def seconds(name: str, tree: str) -> tuple[float, float]:
    """Wall time and CPU time of one try."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([sys.executable, *TRIED[name]], env=environment(name, tree), check=False, **quiet)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def profile(name: str, tree: str) -> tuple[float, dict[str, float]]:
    """How long a command spends on importing, and the share of each package."""
    words = [sys.executable, "-X", "importtime", *TRIED[name]]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    done = subprocess.run(words, env=environment(name, tree), text=True, check=True, **quiet)
    spent = dict.fromkeys((*PARTS, "others"), 0.0)
    for line in done.stderr.splitlines():
        own, *_, module = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and own.strip().isdigit():
            package = module.strip().partition(".")[0]
            spent[package if package in spent else "others"] += int(own) / 1e6
    total = sum(spent.values())
    return total, {package: spent_s / total for package, spent_s in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--tree", action="append", help="NAME=SRC; may be repeated")
    parser.add_argument("--write", action="store_true", help="keep the page in benchmarks/results")
    given = parser.parse_args()
    trees = dict(tree.split("=", 1) for tree in given.tree or []) | {"now": str(ROOT / "src")}
    least: dict[tuple[str, str], tuple[float, float]] = {}
    for _ in range(given.tries):  # in turn, so that a busy minute of the machine hits all alike
        for name in TRIED:
            for tree, source in trees.items():
                tried = seconds(name, source)
                known = least.get((name, tree), tried)
                least[name, tree] = min(known[0], tried[0]), min(known[1], tried[1])
    lines = [
        "# How long it takes until ambivox is there",
        "",
        f"`python -m benchmarks.first_read`: Python {platform.python_version()}, {os.cpu_count()} CPU cores "
        f"that others used, too; seconds, the least of {given.tries} tries. CPU time says more than wall "
        "time here, and is itself longer on a machine that is busy. `mini` by its name is asked by its own "
        "engine, its folder by transformers, as any other checkpoint is.",
        "",
        f"| what | {' | '.join(f'{tree}: wall | CPU' for tree in trees)} |",
        "|---|" + "---|---|" * len(trees),
    ]
    for name in TRIED:
        cells = " | ".join(f"{x:.2f}" for tree in trees for x in least[name, tree])
        lines.append(
            f"| `{name}` | {cells} |"
            if name.startswith(("python -c", "ambivox"))
            else f"| {name} | {cells} |"
        )
    profiled = ("ambivox read CLIP", "ambivox read CLIP -m src/ambivox/models/mini")
    (own_s, own), (by_s, by) = (profile(name, trees["now"]) for name in profiled)
    lines += [
        "",
        "What an answer spends on importing (`-X importtime`, which itself takes time), by package:",
        "",
    ]
    lines += [f"| package | {' | '.join(f'`{name}`' for name in profiled)} |", "|---|---|---|"]
    lines += [f"| all | {own_s:.2f} s | {by_s:.2f} s |"]
    lines += [
        f"| {package} | {own[package]:.0%} | {by[package]:.0%} |"
        for package in sorted(by, key=by.get, reverse=True)
    ]  # type: ignore[arg-type]
    page = "\n".join(lines) + "\n"
    print(page)
    if given.write:
        (ROOT / "benchmarks" / "results" / "first_read.md").write_text(page)


if __name__ == "__main__":
    main()
