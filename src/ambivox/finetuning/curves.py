"""The course of a training as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ambivox.finetuning.trainer import SELECT_BY


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path, *, prior: float | None = None) -> None:
    """Draw the training loss and the development score over the steps.

    Args:
        history: the trainer's log: mappings with ``step`` and ``loss`` or ``eval_jsd_bits``.
        path: the picture, a PNG.
        prior: what the constant vote prior of the training clips scores on development, as a line.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained", dpi=120)
    left, right = figure.subplots(1, 2)
    for axes, key, name in (
        (left, "loss", "training loss (nats)"),
        (right, f"eval_{SELECT_BY}", "development jsd_bits, token level"),
    ):
        points = [(entry["step"], entry[key]) for entry in history if key in entry]
        steps, values = zip(*points, strict=True) if points else ((), ())
        axes.plot(steps, values, color="#1f5fa8", marker="o" if len(points) < 40 else None, markersize=3)
        axes.set(xlabel="step", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        if key != "loss" and points:
            best = min(points[1:] or points, key=lambda point: point[1])  # no checkpoint is kept of step 0
            beside: dict[str, Any] = {"xytext": (6, 8), "textcoords": "offset points"}
            axes.plot(*best, color="#c2410c", marker="o")
            axes.annotate(f"kept: {best[1]:.3f}", best, color="#c2410c", **beside)
            if prior is not None:
                axes.axhline(prior, color="#666666", linestyle="--", linewidth=1)
                axes.annotate(
                    f"vote prior {prior:.3f}",
                    (1, prior),
                    xycoords=("axes fraction", "data"),
                    xytext=(0, 4),
                    textcoords="offset points",
                    ha="right",
                    color="#666666",
                )
    figure.savefig(path)
