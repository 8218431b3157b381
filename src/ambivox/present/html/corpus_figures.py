"""The pictures of a corpus, as plain data, and its tables of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, log2

import numpy as np

from ambivox.inspection import Inspection
from ambivox.inspection.facts import VoteFacts
from ambivox.present.figures.charts import TOKEN, Bars, Figure, Line, Mark, Row, Rows
from ambivox.present.numbers import number
from ambivox.raters.distribution import Array

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
            reliability_figure(votes),
        ]
    figures += [duration_figure(found), speakers_figure(found)]
    return [figure for figure in figures if figure is not None]


def share_figure(votes: VoteFacts) -> Figure:
    """The mean share of each label among the votes of an utterance."""
    return _dots(
        "labels",
        "How often each label is heard",
        "Mean share of an utterance's votes; all utterances count alike.",
        {label.label: label.share for label in votes.labels},
        "mean share of the votes",
    )


def raters_figure(votes: VoteFacts) -> Figure | None:
    """How many raters utterances have; None where only shares of their votes are known."""
    if votes.raters is None:
        return None
    return _counts(
        "raters",
        "Raters per utterance",
        f"{votes.raters.smallest:g} to {votes.raters.largest:g}, median {votes.raters.median:g}.",
        votes.raters.counts,
        "raters",
    )


def entropy_histogram(votes: VoteFacts) -> Figure:
    """How ambiguous utterances are."""
    top = log2(len(votes.labels))
    return _histogram(
        "ambiguity",
        "Ambiguity of the utterances",
        f"Entropy of the votes: 0 is unanimous ({votes.unanimous:.1%}), {top:.2f} bit all labels alike.",
        votes.entropy_bits,
        (0.0, top),
        "entropy of the votes (bit)",
    )


def agreement_figure(votes: VoteFacts) -> Figure | None:
    """Krippendorff's alpha of each label against the rest; None without the extra for it."""
    known = {label.label: label.alpha for label in votes.labels if label.alpha is not None}
    if votes.alpha is None or not known:
        return None
    return _dots(
        "agreement",
        "Agreement on each label",
        "Krippendorff's alpha of the label against all others together; 0 is chance, 1 perfect.",
        known,
        "alpha",
        (Line(votes.alpha, "all labels"),),
    )


def reliability_figure(votes: VoteFacts) -> Figure | None:
    """How far each rater agrees with the others; None where it is not known who voted."""
    if not votes.reliability:
        return None
    modelled = votes.truth_method in ("dawid-skene", "mace")
    return _histogram(
        "reliability",
        f"Reliability of each rater by {votes.truth_method}"
        if modelled
        else "Agreement of each rater with the others",
        "How often the rater is right, as the model sees it; one count per rater."
        if modelled
        else "Mean share of an utterance's other raters who gave the rater's label; one count per rater.",
        np.array(list(votes.reliability.values())),
        (0.0, 1.0),
        "reliability" if modelled else "mean share of others who agree",
        y_label="raters",
    )


def duration_figure(found: Inspection) -> Figure | None:
    """How long the clips are; None without audio."""
    seconds = found.durations.seconds
    if not len(seconds):
        return None
    return _histogram(
        "durations",
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
    return _counts(
        "speakers",
        "Utterances of each speaker",
        f"{len(counts):,} speakers, from the one with most.",
        dict(enumerate(counts, start=1)),
        "speakers",
    )


def share_tables(votes: VoteFacts) -> list[Shares]:
    """Where raters part, and what they heard in what the actors intended where that is known."""
    names = [label.label for label in votes.labels]
    tables = [
        _shares(
            "Where raters part",
            "Of the row's label by one rater: what the other raters of the same utterance said.",
            ("one says", "the others say"),
            names,
            names,
            votes.confusions,
        )
    ]
    if votes.intended:
        tables.append(
            _shares(
                "Intended and heard",
                "Of the emotion that the actor was asked for: the mean share of each label.",
                ("intended", "heard"),
                list(votes.intended),
                names,
                np.array(list(votes.intended.values())),
            )
        )
    return tables


def _dots(
    name: str, title: str, text: str, values: Mapping[str, float], x_label: str, lines: tuple[Line, ...] = ()
) -> Figure:
    """A value of each label, in the order of the emotion set."""
    rows = tuple(
        Row(f"{number(value)} · {label}", () if isnan(value) else (Mark(value, TOKEN),))
        for label, value in values.items()
    )
    zero = (Line(0.0, "none", "dotted"),)
    return Figure(name, title, text, (Rows("", x_label, rows, lines or zero),))


def _counts(
    name: str, title: str, text: str, counts: Mapping[int, int], x_label: str, y_label: str = "utterances"
) -> Figure:
    """How many there are of each whole number."""
    numbers = range(min(counts), max(counts) + 1)
    heights = tuple(float(counts.get(n, 0)) for n in numbers)
    edges = tuple(n - 0.5 for n in range(numbers[0], numbers[-1] + 2))
    summary = "; ".join(
        f"{n} {x_label}: {count:g}" for n, count in zip(numbers[:_BINS], heights, strict=False)
    )
    return Figure(name, title, text, (Bars("", x_label, y_label, edges, heights, summary),))


def _histogram(
    name: str,
    title: str,
    text: str,
    values: Array,
    limits: tuple[float, float],
    x_label: str,
    *,
    y_label: str = "utterances",
) -> Figure:
    counts, edges = np.histogram(values, bins=_BINS, range=(limits[0], limits[1] or 1))
    low, median, high = np.quantile(values, [0, 0.5, 1])
    summary = f"from {low:.3g} to {high:.3g}, median {median:.3g}, over {len(values)}"
    bars = Bars("", x_label, y_label, tuple(edges.tolist()), tuple(map(float, counts)), summary)
    return Figure(name, title, text, (bars,))


@dataclass(frozen=True)
class Shares:
    """A table of shares, row by row, that is shaded by them; a share is None where it is not known."""

    title: str
    text: str
    down: str
    across: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


def _shares(
    title: str, text: str, axes: tuple[str, str], rows: Sequence[str], columns: Sequence[str], shares: Array
) -> Shares:
    cells = [tuple(None if isnan(share) else float(share) for share in row) for row in shares]
    return Shares(title, text, *axes, tuple(columns), tuple(zip(rows, cells, strict=True)))
