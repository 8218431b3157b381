"""What the time of the engine goes into: parts of the work by kinds of operation.

    python benchmarks/profile_engine.py --data ../shared/data     # writes results/engine_profile.md

The checkpoint and the clips are those of `engine.py`. Operations are counted by torch's profiler; `python
and the rest` is what is left of the wall time of a part. Profiling itself slows small operations down.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from ambivox.models import load_model
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.prefix_sharing import prefix_tree as branches
from ambivox.models.hf.prefix_sharing.decode import Decoder
from ambivox.models.hf.prefix_sharing.encode import AudioEncoder
from benchmarks.checkpoint import built
from benchmarks.engine import work
from benchmarks.engine.__main__ import RESULTS, real_clips
from benchmarks.engine.floor import matrix_rate, operations
from benchmarks.engine.ways import shared

PARTS = {
    "prepare": (TransformersModel, "jobs"),
    "encode": (AudioEncoder, "__call__"),
    "read prompts and labels": (branches, "_read"),
    "answer": (Decoder, "_step"),
    "choose and keep": (Decoder, "_take"),
}
VOCABULARY = "output layer"
KINDS = {
    "linear layers": ("mkldnn::_linear_pointwise", "aten::mm", "aten::addmm"),
    "attention": (
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::_scaled_dot_product_attention_math",
    ),
    "cache": ("aten::copy_", "aten::index", "aten::index_select", "aten::cat", "aten::_index_put_impl_"),
}
OTHER, REST = "small operations", "python and the rest"


@contextlib.contextmanager
def labelled(model: TransformersModel):
    """Mark the parts for the profiler."""
    plain = {name: getattr(owner, method) for name, (owner, method) in PARTS.items()}

    def marked(name: str):
        def call(*args, **kwargs):
            with record_function(name):
                return plain[name](*args, **kwargs)

        return call

    open_labels: list = []
    head = model.model.get_output_embeddings()

    def enter(*_: object) -> None:
        open_labels.append(record_function(VOCABULARY))
        open_labels[-1].__enter__()

    hooks = [
        head.register_forward_pre_hook(enter),
        head.register_forward_hook(lambda *_: open_labels.pop().__exit__(None, None, None)),
    ]
    for name, (owner, method) in PARTS.items():
        setattr(owner, method, marked(name))
    try:
        yield
    finally:
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, plain[name])
        for hook in hooks:
            hook.remove()


def count(events) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Seconds by part and kind, and the wall seconds of each part."""
    kind_of = {op: kind for kind, ops in KINDS.items() for op in ops}
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    walls: dict[str, float] = defaultdict(float)
    part_of: dict[int, tuple[str, bool]] = {}
    for event in sorted(events, key=lambda e: (e.thread, e.time_range.start, -e.time_range.end)):
        part, vocabulary = part_of.get(id(event.cpu_parent), ("elsewhere", False))
        own = event.self_cpu_time_total / 1e6
        if event.name in PARTS:
            if part in PARTS:
                walls[part] -= event.cpu_time_total / 1e6
            part = event.name
            walls[part] += event.cpu_time_total / 1e6
        elif event.name == VOCABULARY:
            vocabulary = True
        else:
            kind = kind_of.get(event.name, OTHER)
            seconds[part][VOCABULARY if vocabulary and kind == "linear layers" else kind] += own
        part_of[id(event)] = (part, vocabulary)
    return seconds, walls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("build/bench"))
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folder = built(args.work)
    model = load_model(str(folder), device="cpu")
    asked = work.prompts(args.prompts, 48)
    model.generate(work.requests(model, work.clips(1), asked[:2]))
    requests = work.requests(model, real_clips(args.data, args.clips), asked)
    begun = time.perf_counter()
    said = shared(model)(requests)
    wall = time.perf_counter() - begun
    rate = matrix_rate(model.model.device, model.model.dtype)
    floor = sum(operations(model, requests, [len(s) for s in said]).values()) / rate
    with labelled(model), profile(activities=[ProfilerActivity.CPU]) as profiled:
        begun = time.perf_counter()
        shared(model)(requests)
        slowed = time.perf_counter() - begun
    seconds, walls = count(profiled.events())
    kinds = ["linear layers", VOCABULARY, "attention", "cache", OTHER, REST]
    lines = [
        "# What the time of the engine goes into",
        "",
        f"`benchmarks/profile_engine.py`: {args.clips} real clips x {args.prompts} prompts, answers of up to "
        f"48 tokens, {args.threads} threads; {wall:.1f} s unprofiled, {wall / floor:.2f} times the floor at "
        f"{rate / 1e9:.0f} GFLOP/s, {slowed:.1f} s under the profiler. Shares of the latter in percent.",
        "",
        f"| part | {' | '.join(kinds)} | all |",
        "|---|" + "---|" * (len(kinds) + 1),
    ]
    totals: dict[str, float] = defaultdict(float)
    walls["elsewhere"] = slowed - sum(walls.values())
    for part in [*PARTS, "elsewhere"]:
        found = seconds[part]
        found[REST] = max(0.0, walls[part] - sum(found.values()))
        shares = [100 * found[kind] / slowed for kind in kinds]
        for kind, share in zip(kinds, shares, strict=True):
            totals[kind] += share
        lines.append(f"| {part} | {' | '.join(f'{s:.1f}' for s in shares)} | {sum(shares):.1f} |")
    sums = [totals[kind] for kind in kinds]
    lines.append(f"| all | {' | '.join(f'{s:.1f}' for s in sums)} | {sum(sums):.1f} |")
    page = "\n".join(lines) + "\n"
    (RESULTS / "engine_profile.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
