"""The least a study can cost: the operations that cannot be avoided, at the rate this machine multiplies."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from ambivox.models import Request
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.job import Job
from ambivox.models.hf.prefix_sharing.tree import TokenTree

RATE_SIZE = 1024


def matrix_rate(device: Any, dtype: torch.dtype, seconds: float = 1.0) -> float:
    """Operations per second of multiplying two large square matrices, the best of several."""
    size = RATE_SIZE if device.type == "cpu" else 8 * RATE_SIZE
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        float((a @ b)[0, 0])  # reading a number waits for the accelerator
        best = max(best, 2 * size**3 / (time.perf_counter() - begun))
    return best


def operations(
    model: TransformersModel, requests: Sequence[Request], said: Sequence[int]
) -> dict[str, float]:
    """Multiplications and additions that no way can do without, by what they are for.

    Each clip is encoded once without its padding, each distinct token of its prompts and labels is read once,
    each token of an answer but the last is read once, and the vocabulary is looked at where it is needed.

    Args:
        model: with an encoder of Whisper's kind; the encoder counts as nothing otherwise.
        requests: what was asked.
        said: how long each answer was, in tokens.
    """
    clips: dict[bytes, list[int]] = {}
    jobs = model.jobs(requests)
    for n, job in enumerate(jobs):
        clips.setdefault(job.clip, []).append(n)
    counted = {"encode": 0.0, "read": 0.0, "answer": 0.0}
    for members in clips.values():
        counted["encode"] += _encode(model, jobs[members[0]])
        tree = TokenTree()
        wanted = set()
        for n in members:
            path = tree.add(jobs[n].prompt)
            wanted |= {tree.add(prefix, path[-1])[-1] if prefix else path[-1] for prefix in jobs[n].prefixes}
            wanted.add(path[-1])
            before = len(path)
            for step in range(said[n] - 1):
                counted["answer"] += _token(model, before + step + 1) + _vocabulary(model)
        counted["read"] += sum(_token(model, depth + 1) for depth in tree.depths())
        counted["read"] += len(wanted) * _vocabulary(model)
    return counted


def _token(model: TransformersModel, seen: int) -> float:
    """Of one token in the decoder that looks at `seen` tokens."""
    config = model.model.config.get_text_config()
    width = config.num_attention_heads * (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )
    return 2.0 * _linear_weights(model.model.get_decoder()) + float(
        4 * seen * width * config.num_hidden_layers
    )


def _vocabulary(model: TransformersModel) -> float:
    return float(2 * model.model.get_output_embeddings().weight.numel())


def _encode(model: TransformersModel, job: Job) -> float:
    tower = model.audio_tower
    if tower is None:
        return 0.0
    states = 2 * model.chat.count_audio_tokens(job.inputs)
    convolutions = 2 * (2 * tower.conv1.weight.numel() + tower.conv2.weight.numel())
    attention = 4 * states * tower.conv2.out_channels * len(tower.layers)
    return float(states * (2 * _linear_weights(tower) + convolutions + attention))


def _linear_weights(module: Any) -> int:
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, torch.nn.Linear))
