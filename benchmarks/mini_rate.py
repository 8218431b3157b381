"""Requests per second of `ambivox run` on the bundled model, of several source trees in one session.

    git worktree add --detach /tmp/before 9bf08e8
    python benchmarks/mini_rate.py --data ../shared/data --tree before=/tmp/before/src --tree now=src --write

Each tree runs the same study from the command line: real clips spread over the sound files under DATA, four
prompts in two orders of the options. A study of one clip is timed too, for what starting costs. The model is
the one bundled with this tree, in every run.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
import yaml

import ambivox

RESULTS = Path(__file__).parent / "results"
MODEL = Path(ambivox.__file__).parent / "models" / "mini"
PROMPTS, ORDERS = ["word", "letter", "dictionary", "percentages"], [None, 1]
SECONDS = (1.0, 6.0)


def write_study(data: Path, folder: Path, clips: int) -> Path:
    """A manifest with copies of the clips, and a study on it."""
    files = sorted(f for f in data.rglob("*") if f.suffix in (".wav", ".flac"))
    fitting = [f for f in files if SECONDS[0] <= soundfile.info(f).duration <= SECONDS[1]]
    if len(fitting) < clips:
        sys.exit(f"{data}: {len(fitting)} clips of {SECONDS[0]:g} to {SECONDS[1]:g} s, {clips} are asked for")
    chosen = [fitting[n * len(fitting) // clips] for n in range(clips)]
    with (folder / "clips.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["id", "audio", "votes.angry", "votes.sad"])
        for n, file in enumerate(chosen):
            copy = folder / f"{n:05d}{file.suffix}"
            shutil.copyfile(file, copy)
            table.writerow([copy.stem, copy.name, 1 + n % 2, n % 3])
    study = {
        "corpora": [{"name": "manifest", "path": "clips.csv", "options": {"name": "clips"}}],
        "models": [{"name": str(MODEL)}],
        "prompts": PROMPTS,
        "order_seeds": ORDERS,
        "emotions": "cremad6",
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    study["corpora"][0]["limit"] = 1
    (folder / "one.yaml").write_text(yaml.safe_dump(study))
    return folder / "study.yaml"


def run(tree: Path, study: Path, out: Path, threads: int) -> dict[str, float]:
    """Seconds, seconds of processors and the most memory of one run."""
    shutil.rmtree(out, ignore_errors=True)
    env = os.environ | {"PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": str(threads)}
    begun = time.perf_counter()
    with (out.parent / "said.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "ambivox", "run", str(study), "--out", str(out)],
            env=env,
            stdout=said,
            stderr=said,
            cwd=out.parent,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{tree}: {(out.parent / 'said.txt').read_text()}")
    return {
        "s": time.perf_counter() - begun,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
    }


def show(result: dict) -> str:
    n = result["requests"]
    lines = [
        f"{result['clips']} clips x {len(PROMPTS) * len(ORDERS)} prompts on `mini`, {result['threads']} "
        f"threads, median of {result['repeats']} interleaved runs of `ambivox run`; in brackets what one "
        "clip alone takes.",
        "",
        "| tree | seconds | of processors | requests per second | faster by | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    first = None
    for name, runs in result["trees"].items():
        middle = {key: {k: statistics.median(r[k] for r in runs[key]) for k in runs[key][0]} for key in runs}
        all_, one = middle["all"], middle["one"]
        first = first or all_["s"]
        lines.append(
            f"| {name} | {all_['s']:.1f} ({one['s']:.1f}) | {all_['cpu_s']:.1f} ({one['cpu_s']:.1f}) | "
            f"{n / all_['s']:.1f} | {first / all_['s']:.2f} | {all_['peak_bytes'] / 2**30:.2f} GiB "
            f"({one['peak_bytes'] / 2**30:.2f}) |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tree", action="append", required=True, help="NAME=FOLDER, the folder of ambivox/")
    parser.add_argument("--clips", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help="into results/mini_rate.json and .md")
    args = parser.parse_args()
    trees = {name: Path(folder) for name, folder in (tree.split("=", 1) for tree in args.tree)}
    runs: dict[str, dict[str, list]] = {name: {"all": [], "one": []} for name in trees}
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(args.data, Path(folder), args.clips)
        for repeat, (name, tree) in itertools.product(range(args.repeats), trees.items()):
            for key, file in (("one", study.with_name("one.yaml")), ("all", study)):
                runs[name][key].append(run(tree, file, Path(folder) / "run", args.threads))
            print(f"{name}, {repeat + 1} of {args.repeats}: {runs[name]['all'][-1]['s']:.1f} s", flush=True)
    result = {
        "clips": args.clips,
        "requests": args.clips * len(PROMPTS) * len(ORDERS),
        "threads": args.threads,
        "repeats": args.repeats,
        "trees": runs,
    }
    print(show(result))
    if args.write:
        (RESULTS / "mini_rate.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "mini_rate.md").write_text(f"# The rate of `ambivox run`\n\n{show(result)}")


if __name__ == "__main__":
    main()
