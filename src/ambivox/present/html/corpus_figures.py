"""The pictures of a corpus, as plain data that plotly.js draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, log2
from typing import Any

import numpy as np

from ambivox.inspection import Inspection
from ambivox.inspection.facts import VoteFacts
from ambivox.present.html.figures import TOKEN, VOTES, Figure, literal, plain_layout
from ambivox.raters.distribution import Array

# One hue from white to blue, which prints and which people with any colour vision can read.
_SCALE = [[0.0, "#ffffff"], [0.25, "#cfe2f3"], [0.5, "#7fb2dd"], [0.75, "#2f7fbf"], [1.0, "#08436e"]]
_BINS = 40


def corpus_figures(found: Inspection) -> list[Figure]:
    """All pictures that the corpus has the facts for."""
    votes = found.votes
    figures: list[Figure | None] = []
    if votes is not None:
        figures += [
            share_figure(votes),
            raters_figure(votes),
            entropy_histogram(votes),
            agreement_figure(votes),
            confusion_figure(votes),
            intended_figure(votes),
            reliability_figure(votes),
        ]
    figures += [duration_figure(found), speakers_figure(found)]
    return [figure for figure in figures if figure is not None]


def share_figure(votes: VoteFacts) -> Figure:
    """The mean share of each label among the votes of an utterance."""
    return _bars(
        "How often each label is heard",
        "Mean share of an utterance's votes; all utterances count alike.",
        [label.label for label in votes.labels],
        [label.share for label in votes.labels],
        "mean share of the votes",
    )


def raters_figure(votes: VoteFacts) -> Figure | None:
    """How many raters utterances have; None where only shares of their votes are known."""
    if votes.raters is None:
        return None
    counts = votes.raters.counts
    names = [str(n) for n in range(min(counts), max(counts) + 1)]
    return _bars(
        "Raters per utterance",
        f"{votes.raters.smallest:g} to {votes.raters.largest:g}, median {votes.raters.median:g}.",
        names,
        [float(counts.get(int(name), 0)) for name in names],
        "utterances",
        x_title="raters",
    )


def entropy_histogram(votes: VoteFacts) -> Figure:
    """How ambiguous utterances are."""
    top = log2(len(votes.labels))
    return _histogram(
        "Ambiguity of the utterances",
        f"Entropy of the votes: 0 is unanimous ({votes.unanimous:.1%}), {top:.2f} bit all labels alike.",
        votes.entropy_bits,
        (0.0, top),
        "entropy of the votes (bit)",
    )


def agreement_figure(votes: VoteFacts) -> Figure | None:
    """Krippendorff's alpha of each label against the rest; None without the extra for it."""
    known = [(label.label, label.alpha) for label in votes.labels if label.alpha is not None]
    if votes.alpha is None or not known:
        return None
    return _bars(
        "Agreement on each label",
        f"Krippendorff's alpha of the label against all others; dashed: over all labels, {votes.alpha:.3f}.",
        [name for name, _ in known],
        [alpha for _, alpha in known],
        "alpha",
        line=votes.alpha,
    )


def confusion_figure(votes: VoteFacts) -> Figure:
    """What a second rater says where a first one named a label."""
    names = [label.label for label in votes.labels]
    return _heatmap(
        "Where raters part",
        "Of the row's label by one rater: what the other raters of the same utterance said.",
        names,
        names,
        votes.confusions,
        "the others say",
        "one says",
    )


def intended_figure(votes: VoteFacts) -> Figure | None:
    """What the raters heard in what the actors intended; None where no intention is known."""
    if not votes.intended:
        return None
    return _heatmap(
        "Intended and heard",
        "Of the emotion that the actor was asked for: the mean share of each label.",
        list(votes.intended),
        [label.label for label in votes.labels],
        np.array(list(votes.intended.values())),
        "heard",
        "intended",
    )


def reliability_figure(votes: VoteFacts) -> Figure | None:
    """How far each rater agrees with the others; None where it is not known who voted."""
    if not votes.reliability:
        return None
    modelled = votes.truth_method in ("dawid-skene", "mace")
    return _histogram(
        f"Reliability of each rater by {votes.truth_method}"
        if modelled
        else "Agreement of each rater with the others",
        "How often the rater is right, as the model sees it; one count per rater."
        if modelled
        else "Mean share of an utterance's other raters who gave the rater's label; one count per rater.",
        np.array(list(votes.reliability.values())),
        (0.0, 1.0),
        "reliability" if modelled else "mean share of others who agree",
        y_title="raters",
    )


def duration_figure(found: Inspection) -> Figure | None:
    """How long the clips are; None without audio."""
    seconds = found.durations.seconds
    if not len(seconds):
        return None
    return _histogram(
        "Length of the clips",
        f"{len(seconds):,} clips with audio, {found.durations.hours:.2f} h.",
        seconds,
        (0.0, float(seconds.max())),
        "seconds",
    )


def speakers_figure(found: Inspection) -> Figure | None:
    """How many utterances each speaker has, most first; None where speakers are unknown."""
    counts = sorted((n for name, n in found.speakers.items() if name is not None), reverse=True)
    if len(counts) < 2:
        return None
    return _bars(
        "Utterances of each speaker",
        f"{len(counts):,} speakers, from the one with most.",
        [str(place + 1) for place in range(len(counts))],
        [float(n) for n in counts],
        "utterances",
        x_title="speakers",
        numbered=True,
    )


def _bars(
    title: str,
    text: str,
    names: Sequence[str],
    values: Sequence[float],
    y_title: str,
    *,
    x_title: str = "",
    line: float | None = None,
    numbered: bool = False,
) -> Figure:
    x: list[Any] = [int(name) for name in names] if numbered else [literal(name) for name in names]
    shown = [0.0 if isnan(value) else value for value in values]
    bars = {
        "type": "bar",
        "x": x,
        "y": [round(value, 6) for value in shown],
        "marker": {"color": TOKEN},
        "hovertemplate": "%{x}: %{y}<extra></extra>",
    }
    axis = {"type": "linear" if numbered else "category", "title": {"text": x_title}, "showgrid": False}
    layout = plain_layout(
        xaxis=axis,
        yaxis={"title": {"text": y_title}, "range": [min(0.0, *shown) * 1.1, (max(shown) or 1) * 1.08]},
        shapes=[] if line is None else [_level(line)],
        margin={"l": 64, "r": 12, "t": 8, "b": 56},
        bargap=0.3 if len(names) < 60 else 0,
    )
    told = list(zip(names, values, strict=True))[:_BINS]
    described = "; ".join(f"{name} {value:.3g}" for name, value in told)
    return Figure(f"{title}: {described}", 300, {"data": [bars], "layout": layout}, title=title, text=text)


def _histogram(
    title: str,
    text: str,
    values: Array,
    limits: tuple[float, float],
    x_title: str,
    *,
    y_title: str = "utterances",
) -> Figure:
    counts, edges = np.histogram(values, bins=_BINS, range=limits)
    low, median, high = np.quantile(values, [0, 0.5, 1])
    bars = {
        "type": "bar",
        "x": ((edges[:-1] + edges[1:]) / 2).round(6).tolist(),
        "y": counts.tolist(),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": TOKEN, "line": {"color": "#ffffff", "width": 0.5}},
        "hovertemplate": "%{x:.2f}: %{y}<extra></extra>",
    }
    layout = plain_layout(
        xaxis={"title": {"text": x_title}, "range": [limits[0], limits[1] or 1], "showgrid": False},
        yaxis={"title": {"text": y_title}, "rangemode": "tozero"},
        margin={"l": 64, "r": 12, "t": 8, "b": 48},
        bargap=0,
    )
    described = f"from {low:.3g} to {high:.3g}, median {median:.3g}, over {len(values)}"
    return Figure(f"{title}: {described}", 300, {"data": [bars], "layout": layout}, title=title, text=text)


def _heatmap(
    title: str,
    text: str,
    rows: Sequence[str],
    columns: Sequence[str],
    shares: Array,
    x_title: str,
    y_title: str,
) -> Figure:
    cells = [[None if isnan(share) else round(float(share), 4) for share in row] for row in shares]
    small = len(columns) <= 12
    trace = {
        "type": "heatmap",
        "x": [literal(name) for name in columns],
        "y": [literal(name) for name in rows],
        "z": cells,
        "zmin": 0,
        "zmax": 1,
        "colorscale": _SCALE,
        "showscale": not small,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": f"{y_title} %{{y}}, {x_title} %{{x}}: %{{z:.2f}}<extra></extra>",
    }
    if small:
        trace |= {"text": _texts(cells), "texttemplate": "%{text}"}
    layout = plain_layout(
        xaxis={
            "type": "category",
            "title": {"text": x_title},
            "side": "top",
            "showgrid": False,
            "tickangle": -40,
        },
        yaxis={
            "type": "category",
            "title": {"text": y_title, "standoff": 14},
            "autorange": "reversed",
            "showgrid": False,
            "automargin": True,
        },
        margin={"l": 60, "r": 12, "t": 100, "b": 8},
    )
    described = "; ".join(
        f"{name}: " + ", ".join(f"{c} {v:.2f}" for c, v in zip(columns, row, strict=True) if v is not None)
        for name, row in zip(rows, cells, strict=True)
    )
    height = 130 + 34 * len(rows)
    return Figure(
        f"{title}: {described}", height, {"data": [trace], "layout": layout}, title=title, text=text
    )


def _texts(cells: Sequence[Sequence[float | None]]) -> list[list[str]]:
    return [["–" if cell is None else f"{cell:.2f}" for cell in row] for row in cells]


def _level(y: float) -> Mapping[str, Any]:
    line = {"color": VOTES, "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}
