"""What packed weights would be worth, beside weights stored by columns, neither, and the reference path.

    OMP_WAIT_POLICY=passive python -m benchmarks.engine_ablation --data ../shared/data

On a random Qwen2-Audio with the decoder of Qwen2-0.5B and the encoder of Whisper small, in float32 on a CPU,
and on `mini`. The ways answer the same requests in turn, so that what else the machine does falls on all of
them. A ratio is the median over the repeats of (way / packed weights in the same repeat), of wall time and of
the process's CPU time (threads that wait must not spin, or waiting counts as work). Answers of random weights
do not end, so every prompt gets its longest, up to 24 tokens. Writes `engine_ablation.json` and
`engine_ablation.md` into `results/`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ambivox.emotions import load_emotions
from ambivox.models import Request, load_model
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.job import Outcome
from ambivox.models.hf.prefix_sharing.checked import distance
from ambivox.prompts import PROMPTS
from benchmarks.checkpoint import QWEN2_05B, make
from benchmarks.engine import work
from benchmarks.engine.__main__ import RESULTS, real_clips
from benchmarks.engine.measure import machine
from benchmarks.packed_weights import PackedLinears

PACKED, COLUMNS, STORED, REFERENCE = (
    "packed weights",
    "weights by columns",
    "weights as stored",
    "reference path",
)
NEW_TOKENS, REPEATS = 24, 3

Way = Callable[[Sequence[Request]], list[Outcome]]


def ways(model: TransformersModel) -> dict[str, tuple[Callable[[], None], Way]]:
    """What is done before the clock starts, and what is timed."""
    shared = model.sharing.shared
    packed_linears = PackedLinears(model.reference.model)
    linears = packed_linears.linears
    by_rows = [linear.weight.data for linear in linears]
    by_columns = [weight.t().contiguous().t() for weight in by_rows]  # the same values

    def switched(weights: Sequence[torch.Tensor], packed: bool) -> tuple[Callable[[], None], Way]:
        def prepare() -> None:
            for linear, weight in zip(linears, weights, strict=True):
                linear.weight.data = weight

        def answer(requests: Sequence[Request]) -> list[Outcome]:
            model.forget()
            with packed_linears.in_use() if packed else nullcontext():
                return shared.run(model.jobs(requests))

        return prepare, answer

    as_stored, by_prefix = switched(by_rows, packed=False)
    return {
        PACKED: switched(by_rows, packed=True),
        COLUMNS: switched(by_columns, packed=False),
        STORED: (as_stored, by_prefix),
        REFERENCE: (as_stored, lambda requests: model.reference.run(model.jobs(requests))),
    }


def measure(model: TransformersModel, requests: Sequence[Request], names: Sequence[str], repeats: int) -> Any:
    found = ways(model)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    said: dict[str, list[Outcome]] = {}
    loads = []
    for repeat in range(repeats):
        loads.append(os.getloadavg()[0])
        first = repeat % len(names)
        for name in (*names[first:], *names[:first]):
            prepare, answer = found[name]
            prepare()
            wall, cpu = time.perf_counter(), time.process_time()
            said[name] = answer(requests)
            times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            print(f"{model.name}, {name}: {times[name][-1]}", flush=True)
    found[STORED][0]()
    return {
        "load_before_each_repeat": loads,
        "ways": {name: _row(times[name], times[PACKED], said[name], said[PACKED]) for name in names},
    }


def _row(
    times: Sequence[tuple[float, float]],
    whole: Sequence[tuple[float, float]],
    said: Sequence[Outcome],
    expected: Sequence[Outcome],
) -> dict[str, Any]:
    same = [
        a.token_ids == b.token_ids
        for mine, theirs in zip(said, expected, strict=True)
        for a, b in zip(mine.answers, theirs.answers, strict=True)
    ]
    return {
        "wall_s": [wall for wall, _ in times],
        "cpu_s": [cpu for _, cpu in times],
        "wall_ratio": statistics.median(a[0] / b[0] for a, b in zip(times, whole, strict=True)),
        "cpu_ratio": statistics.median(a[1] / b[1] for a, b in zip(times, whole, strict=True)),
        "same_answers": statistics.fmean(same),
        "largest_difference": max(distance(a, b) for a, b in zip(said, expected, strict=True)),
    }


def ablate(model: TransformersModel, clip: Any) -> dict[str, Any]:
    rendered = [PROMPTS[name].render(load_emotions(work.EMOTIONS)) for name in PROMPTS]
    rendered = [replace(each, max_new_tokens=min(each.max_new_tokens, NEW_TOKENS)) for each in rendered]
    requests = work.requests(model, [clip], rendered)
    plain = [replace(request, score=False) for request in requests]
    model.generate(plain[-1:])  # tries the paths
    return {
        "machine": machine(model),
        "1 clip, six prompts, labels scored": measure(model, requests, (PACKED, COLUMNS, STORED), REPEATS),
        "1 clip, six prompts, answers only": measure(model, plain, (PACKED, STORED, REFERENCE), 1),
    }


def show(result: dict[str, Any]) -> str:
    where = result["machine"]
    lines = [
        f"## {where['model']}",
        "",
        f"{where['parameters'] / 1e6:.0f} million parameters, {where['dtype']}, on {where['device']}, "
        f"{where['threads']} threads; torch {where['torch']}, transformers {where['transformers']}.",
    ]
    for name, measured in result.items():
        if name == "machine":
            continue
        loads = ", ".join(f"{load:.1f}" for load in measured["load_before_each_repeat"])
        lines += [
            "",
            f"{name}: load of the machine before each repeat {loads}.",
            "",
            "| way | wall s | times packed, wall | times packed, CPU | same answers | largest difference |",
            "|---|---|---|---|---|---|",
        ]
        for way, row in measured["ways"].items():
            walls = ", ".join(f"{wall:.1f}" for wall in row["wall_s"])
            lines.append(
                f"| {way} | {walls} | {row['wall_ratio']:.2f} | {row['cpu_ratio']:.2f} | "
                f"{row['same_answers']:.0%} | {row['largest_difference']:.0e} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clip = real_clips(args.data, 2)[0]
    loaded, processor = make(QWEN2_05B)
    large = TransformersModel(
        loaded, processor, name="Qwen2-Audio, random weights, decoder of Qwen2-0.5B", fingerprint=""
    )
    results = {"large": ablate(large, clip)}
    del large, loaded
    results["mini"] = ablate(load_model("mini", device="cpu"), clip)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engine_ablation.json").write_text(json.dumps(results, indent=1) + "\n")
    page = "# What packed weights would be worth\n\n" + "\n".join(map(show, results.values()))
    (RESULTS / "engine_ablation.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
