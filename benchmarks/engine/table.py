"""A measurement as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.engine.measure import AMBIVOX


def show(result: Mapping[str, Any]) -> str:
    """The measurement as a Markdown page."""
    where, plan, ways, floor = (result[key] for key in ("machine", "plan", "ways", "floor"))
    ours = ways[AMBIVOX]["median_s_per_clip"]
    lines = [
        f"{where['parameters'] / 1e6:.0f} million parameters, {where['dtype']}, on {where['device']}, "
        f"{where['threads']} threads; torch {where['torch']}, transformers {where['transformers']}. "
        f"Load of the machine before each repeat: {', '.join(f'{load:.1f}' for load in where['loads'])}.",
        f"{plan['prompts']} prompts per clip, answers of up to {plan['new_tokens']} tokens, labels scored; "
        f"median of {plan['repeats']} interleaved repeats.",
        "",
        "| way | clips | mean s | s per clip | spread | ambivox is faster by | same answers | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    same_clips = ways.get("ambivox, the clips of a and b", ways[AMBIVOX])
    for name, way in ways.items():
        median = way["median_s_per_clip"]
        beside = same_clips if way["clips"] == same_clips["clips"] else ways[AMBIVOX]
        lines.append(
            f"| {name} | {way['clips']} | {way['mean_clip_s']:.1f} | {median:.2f} | "
            f"{way['min']:.2f} to {way['max']:.2f} | {median / beside['median_s_per_clip']:.1f} | "
            f"{way['same_answers']:.0%} | {max(way['peak_bytes']) / 2**30:.2f} GiB |"
        )
    least = floor["seconds_per_clip"]
    parts = ", ".join(f"{k} {v / 1e9:.1f}" for k, v in floor["operations_per_clip"].items())
    lines += [
        "",
        f"Floor: {least:.2f} s per clip ({parts} GFLOP at {floor['matrix_rate'] / 1e9:.0f} GFLOP/s, measured "
        f"in the same run); ambivox takes {ours / least:.2f} times the floor.",
    ]
    for name, points in result["growth"].items():
        lines += ["", f"| {name} | s per clip | peak memory |", "|---|---|---|"]
        lines += [
            f"| {p['size']} | {p['s_per_clip']:.3f} | {p['peak_bytes'] / 2**30:.2f} GiB |" for p in points
        ]
    return "\n".join(lines) + "\n"
