"""What a training would take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:  # it needs torch
    from ambivox.finetuning.estimate import Estimate


def show_estimate(console: Console, found: Estimate, tflops: float) -> None:
    """Print what a training would take on one device that sustains ``tflops`` TFLOP/s."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("", style="bold")
    table.add_column("", justify="right")
    share = found.trained / found.parameters
    table.add_row("parameters", f"{found.parameters:,}")
    table.add_row("trained", f"{found.trained:,} ({share:.2%})")
    for part, gib in found.memory_gib.items():
        table.add_row(f"memory: {part}", f"{gib:.2f} GiB")
    table.add_row("memory: all", f"{sum(found.memory_gib.values()):.2f} GiB")
    table.add_row("positions per example", f"{found.positions} (clips of {found.clip_s:.1f} s)")
    table.add_row("FLOPs per step", f"{found.step_flops:.3g}")
    table.add_row("steps", f"{found.steps:,}")
    table.add_row(f"time at {tflops:g} TFLOP/s", f"{found.hours(tflops * 1e12):.2f} h")
    console.print(table)
    console.print(
        "Weights, gradients and optimiser are counted; activations, logits and FLOPs are estimates, for one "
        "device and without evaluation.",
        style="dim",
    )
