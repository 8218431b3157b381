"""Pictures of whether a model is as unsure as the raters are: entropies, and the calibration curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ambivox.metrics import calibration_curve, entropy_bits
from ambivox.present.html.figures import (
    LEVELS,
    POINTS_SHOWN,
    SYMBOLS,
    VOTES,
    Figure,
    Shown,
    evenly,
    literal,
    plain_layout,
)

CURVE_BINS = 10


def entropy_figure(shown: Shown, labels: Sequence[str]) -> Figure | None:
    """How ambiguous the predictions are against how ambiguous the votes are; None without a prediction."""
    top = math.log2(len(labels))
    traces: list[dict[str, Any]] = []
    described = []
    for row, answers in shown:
        pairs = [(a.clip, a.reading.distribution) for a in answers if a.reading.distribution is not None]
        if not pairs:
            continue
        described.append(f"{row.level} level: {len(pairs)} readings")
        kept = evenly(pairs, POINTS_SHOWN)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{row.level} level",
                "x": [round(float(entropy_bits(clip.q)), 4) for clip, _ in kept],
                "y": [round(float(entropy_bits(p)), 4) for _, p in kept],
                "text": [literal(clip.utterance) for clip, _ in kept],
                "marker": {
                    "color": LEVELS[row.level],
                    "symbol": SYMBOLS[row.level],
                    "size": 9,
                    "opacity": 0.65,
                    "line": {"color": "#ffffff", "width": 0.5},
                },
                "cliponaxis": False,
                "hovertemplate": "%{text}<br>votes %{x:.2f}, predicted %{y:.2f}<extra></extra>",
            }
        )
    if not traces:
        return None
    axis = {"range": [-0.03 * top, 1.03 * top], "zeroline": False}
    layout = plain_layout(
        xaxis={**axis, "title": {"text": "entropy of the votes (bit)"}},
        yaxis={**axis, "title": {"text": "entropy of the prediction (bit)"}},
        shapes=[_diagonal(top)],
        hovermode="closest",
        margin={"l": 56, "r": 16, "t": 8, "b": 48},
    )
    return Figure(
        f"Entropy of predictions against entropy of votes. {'; '.join(described)}",
        420,
        {"data": traces, "layout": layout},
        tuple((trace["name"], trace["marker"]["color"]) for trace in traces),
    )


def calibration_figure(shown: Shown) -> Figure | None:
    """How sure the predictions are against how many raters agree with them; None without a prediction."""
    traces: list[dict[str, Any]] = []
    described = []
    for row, answers in shown:
        pairs = [(a.reading.distribution, a.clip.q) for a in answers if a.reading.distribution is not None]
        if not pairs:
            continue
        p, q = (np.array(side) for side in zip(*pairs, strict=True))
        bins = calibration_curve(p, q, n_bins=CURVE_BINS, target="votes")
        some = np.flatnonzero(bins.count)
        points = [(bins.confidence[b], bins.hit[b], int(bins.count[b])) for b in some]
        described.append(
            f"{row.level} level: " + ", ".join(f"{x:.2f} sure, {y:.2f} agree ({n})" for x, y, n in points)
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{row.level} level",
                "x": [round(float(x), 4) for x, _, _ in points],
                "y": [round(float(y), 4) for _, y, _ in points],
                "text": [f"{n} reading{'' if n == 1 else 's'}" for _, _, n in points],
                "line": {"color": LEVELS[row.level], "width": 1.5},
                "marker": {
                    "color": LEVELS[row.level],
                    "symbol": SYMBOLS[row.level],
                    "size": [7 + 14 * math.sqrt(n / len(pairs)) for _, _, n in points],
                },
                "cliponaxis": False,
                "hovertemplate": "%{text}<br>sure %{x:.2f}, agree %{y:.2f}<extra></extra>",
            }
        )
    if not traces:
        return None
    axis = {"range": [-0.02, 1.02], "zeroline": False}
    layout = plain_layout(
        xaxis={**axis, "title": {"text": "largest predicted probability"}},
        yaxis={**axis, "title": {"text": "share of raters who chose that label"}},
        shapes=[_diagonal(1)],
        hovermode="closest",
        margin={"l": 56, "r": 16, "t": 8, "b": 48},
    )
    return Figure(
        f"Calibration against the votes, {CURVE_BINS} bins. {'; '.join(described)}",
        420,
        {"data": traces, "layout": layout},
        tuple((trace["name"], trace["marker"]["color"]) for trace in traces),
    )


def _diagonal(top: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": 0,
        "y0": 0,
        "x1": top,
        "y1": top,
        "line": {"color": VOTES, "width": 1.5, "dash": "dash"},
        "layer": "below",
    }
