"""Interleaved repeats of every way on one machine in one run, growth curves, memory and the floor."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from ambivox.models import Request
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.protocol import FloatArray
from benchmarks.engine import work
from benchmarks.engine.floor import matrix_rate, operations
from benchmarks.engine.ways import Said, Way, by_reference, in_batches, one_by_one, shared

AMBIVOX = "ambivox"


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Args:
        clips: how many clips.
        prompts: how many prompts on each.
        new_tokens: how long answers may be.
        repeats: how often each way answers.
        slow_clips: how many clips the slow ways answer, spread over the lengths.
        growth: whether to measure growth with prompts, labels, seconds and clips.
    """

    clips: int = 32
    prompts: int = 8
    new_tokens: int = 48
    repeats: int = 3
    slow_clips: int = 2
    growth: bool = True


def bench(
    model: TransformersModel,
    plan: Plan,
    *,
    clips: Sequence[FloatArray] | None = None,
    others: Mapping[str, tuple[Way, int]] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measure a model.

    Args:
        model: of the engine ``transformers``.
        plan: how much.
        clips: shape ``(n_samples,)`` each, 16 kHz; speech-like signals by default.
        others: more ways by name, each with the number of clips that it answers.
        say: told what is being done.

    Returns:
        What was measured, in numbers that JSON can hold; `show` draws it.
    """
    clips = list(clips or work.clips(plan.clips))[: plan.clips]
    asked = work.prompts(plan.prompts, plan.new_tokens)
    few = _spread(clips, plan.slow_clips)
    ways: dict[str, tuple[Way, list[FloatArray]]] = {
        "a. one by one": (one_by_one(model), few),
        "b. in batches": (in_batches(model), few),
        "ambivox, sharing nothing": (by_reference(model), few),
        **{name: (way, _spread(clips, n)) for name, (way, n) in (others or {}).items()},
        AMBIVOX: (shared(model), list(clips)),
    }
    for name in ("ambivox, the clips of a and b",) if len(few) < len(clips) else ():
        ways[name] = (shared(model), few)
    say("warming up")
    for way in (model.generate, *(way for way, _ in (others or {}).values())):
        way(work.requests(model, work.clips(1), asked[:2]))
    rate = matrix_rate(model.model.device, model.model.dtype)
    measured: dict[str, dict[str, Any]] = {name: {"seconds": [], "peak_bytes": []} for name in ways}
    answers: dict[str, Said] = {}
    loads: list[float] = []
    for repeat in range(plan.repeats):
        loads += os.getloadavg()[:1] if hasattr(os, "getloadavg") else ()
        for name, (way, heard) in ways.items():
            say(f"{name}: {len(heard)} clips x {len(asked)} prompts, {repeat + 1} of {plan.repeats}")
            with peak_memory() as peak:
                begun = time.perf_counter()
                answers[name] = way(work.requests(model, heard, asked))
                measured[name]["seconds"].append(time.perf_counter() - begun)
            measured[name]["peak_bytes"].append(peak[0])
        rate = max(rate, matrix_rate(model.model.device, model.model.dtype))
    for name, (_, heard) in ways.items():
        measured[name] |= _summary(measured[name]["seconds"], len(heard))
        measured[name]["clips"] = len(heard)
        measured[name]["mean_clip_s"] = statistics.fmean(len(clip) / 16_000 for clip in heard)
        measured[name]["same_answers"] = _agreement(answers[name], answers[AMBIVOX], heard, clips, len(asked))
    least = operations(model, work.requests(model, clips, asked), [len(s) for s in answers[AMBIVOX]])
    result = {
        "machine": machine(model) | {"loads": loads},
        "plan": plan.__dict__,
        "ways": measured,
        "floor": {
            "operations_per_clip": {k: v / len(clips) for k, v in least.items()},
            "matrix_rate": rate,
            "seconds_per_clip": sum(least.values()) / rate / len(clips),
        },
        "growth": {},
    }
    say(json.dumps(result))  # growth takes a while, and may be interrupted
    return result | {"growth": _growth(model, plan, clips, say) if plan.growth else {}}


def _summary(seconds: Sequence[float], n_clips: int) -> dict[str, float]:
    per_clip = sorted(s / n_clips for s in seconds)
    return {"median_s_per_clip": statistics.median(per_clip), "min": per_clip[0], "max": per_clip[-1]}


def _spread(clips: Sequence[FloatArray], count: int) -> list[FloatArray]:
    """So many of the clips, from the middle of as many equal groups by length."""
    ordered = sorted(clips, key=len)
    count = min(count, len(ordered))
    return [ordered[int((n + 0.5) * len(ordered) / count)] for n in range(count)]


def _agreement(
    said: Said, ours: Said, heard: Sequence[FloatArray], clips: Sequence[FloatArray], n_prompts: int
) -> float:
    """The share of answers that are ambivox's, token by token."""
    place = {id(clip): n for n, clip in enumerate(clips)}
    expected = [ours[place[id(clip)] * n_prompts + k] for clip in heard for k in range(n_prompts)]
    return statistics.fmean(a == b for a, b in zip(said, expected, strict=True))


def _growth(
    model: TransformersModel, plan: Plan, clips: Sequence[FloatArray], say: Callable[[str], None]
) -> dict[str, list[dict[str, float]]]:
    some = _spread(clips, 4)
    token_logits = work.prompts(1, 8)

    def asked(n: int) -> list[Request]:
        return work.requests(model, some, work.prompts(n, plan.new_tokens))

    def labelled(n: int) -> list[Request]:
        return work.requests(model, some, work.prompts(plan.prompts, 8, work.labels(n)))

    def long(n: int) -> list[Request]:
        heard = work.clips(2, (float(n), float(n)))
        return work.requests(model, heard, work.prompts(plan.prompts, plan.new_tokens))

    def many(n: int) -> list[Request]:
        return work.requests(model, [clips[k % len(clips)] + k * 1e-6 for k in range(n)], token_logits)

    window_s = model.max_audio_s or 30.0
    curves: dict[str, tuple[Callable[[int], list[Request]], tuple[int, ...], int]] = {
        "prompts": (asked, (1, 2, 4, 8, 16, 32), len(some)),
        "labels": (labelled, (4, 8, 16, 32, 64), len(some)),
        "seconds": (long, tuple(s for s in (1, 2, 4, 8, 15, 30) if s <= window_s), 2),
        "clips": (many, (32, 128, 512), 0),
    }
    grown: dict[str, list[dict[str, float]]] = {}
    for name, (make, sizes, n_clips) in curves.items():
        grown[name] = []
        for size in sizes:
            say(f"growth with {name}: {size}")
            requests = make(size)
            with peak_memory() as peak:
                begun = time.perf_counter()
                shared(model)(requests)
                seconds = time.perf_counter() - begun
            per_clip = seconds / (n_clips or size)
            grown[name].append({"size": size, "s_per_clip": per_clip, "peak_bytes": peak[0]})
    return grown


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The most memory of the process inside, in bytes: of the accelerator, or what Linux says is resident."""
    peak = [0]
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        yield peak
        peak[0] = torch.cuda.max_memory_allocated()
        return
    gc.collect()
    done = threading.Event()

    def label_tokens() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _resident_bytes())

    watcher = threading.Thread(target=label_tokens, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def machine(model: TransformersModel) -> dict[str, Any]:
    """What a number was measured on."""
    device = model.model.device
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [li for li in Path("/proc/cpuinfo").read_text().splitlines() if li.startswith("model name")]
        processor = names[0].split(":", 1)[1].strip() if names else processor
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else processor,
        "threads": torch.get_num_threads(),
        "dtype": str(model.model.dtype).removeprefix("torch."),
        "parameters": sum(p.numel() for p in model.model.parameters()),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "model": model.name,
    }
