"""The figures of single readings: how sure they are against the raters, and what became of the answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ambivox.metrics import calibration_curve, entropy_bits
from ambivox.present.figures.charts import LEVELS, Curve, Curves, Figure, Shares, Style
from ambivox.present.figures.of_scores import best_of_levels, subject_title, subjects
from ambivox.present.names import row_name, several_models
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES, Status
from ambivox.scoring import RowKey, RunReadings, ScoreRow, ScoreTable

CURVE_BINS = 10
POINTS_SHOWN = 1000
_STATUS_COLOURS: Mapping[Status, str] = {
    "ok": "#0072b2",
    "renormalised": "#56b4e9",
    "partial": "#f0e442",
    "bounded": "#c2a5cf",
    "improbable": "#9970ab",
    "foreign": "#e69f00",
    "refused": "#cc79a7",
    "unparsed": "#d55e00",
    "collided": "#009e73",
    "undefined": "#b3b3b3",
    "silent": "#6e6e6e",
    "failed": "#262626",
}
STATUS_STYLES = {status: Style(status, colour) for status, colour in _STATUS_COLOURS.items()}

Named = Sequence[tuple[str, RunReadings]]
"""What was read of each run, with its name in the table (empty where there is just one)."""


def calibration_figure(scores: ScoreTable, readings: Named, corpora: Sequence[str] = ()) -> Figure | None:
    """How sure predictions are against how many raters agree with them; None without a prediction."""
    panels = []
    for corpus in corpora or scores.corpora:
        for subject in subjects(scores, corpus):
            curves = [
                _calibration_curve(row, *pairs)
                for row in best_of_levels(scores, corpus, subject)
                if len((pairs := predictions(readings, row))[0])
            ]
            if curves:
                panels.append(
                    Curves(
                        subject_title(corpus, subject),
                        "largest predicted probability",
                        "share of raters who chose that label",
                        tuple(curves),
                        (-0.02, 1.02),
                        (-0.02, 1.02),
                        diagonal=True,
                    )
                )
    if not panels:
        return None
    return Figure(
        "calibration",
        "How sure, and how many raters agree",
        f"Readings of the readout of each level that scored best, in {CURVE_BINS} bins of their largest "
        "probability; larger marks hold more readings. Below the line of equality the model is surer than "
        "the raters are of its label.",
        tuple(panels),
    )


def _calibration_curve(row: ScoreRow, p: Array, q: Array, _: Sequence[str]) -> Curve:
    bins = calibration_curve(p, q, n_bins=CURVE_BINS, target="votes")
    some = np.flatnonzero(bins.count)
    x, y = (tuple(values[some].tolist()) for values in (bins.confidence, bins.hit))
    return Curve(LEVELS[row.level], x, y, weights=tuple((bins.count[some] / len(p)).tolist()))


def entropy_figure(scores: ScoreTable, readings: Named, corpora: Sequence[str] = ()) -> Figure | None:
    """How ambiguous predictions are against how ambiguous the votes are; None without a prediction."""
    panels = []
    for corpus in corpora or scores.corpora:
        for subject in subjects(scores, corpus):
            curves, n_labels = [], 2
            for row in best_of_levels(scores, corpus, subject):
                p, q, names = predictions(readings, row)
                if len(p):
                    n_labels = p.shape[1]
                    curves.append(_entropy_points(row, p, q, names))
            if curves:
                top = math.log2(n_labels)
                ends = (-0.03 * top, 1.03 * top)
                panels.append(
                    Curves(
                        subject_title(corpus, subject),
                        "entropy of the votes (bit)",
                        "entropy of the prediction (bit)",
                        tuple(curves),
                        ends,
                        ends,
                        diagonal=True,
                    )
                )
    if not panels:
        return None
    return Figure(
        "entropies",
        "As unsure as the raters?",
        "Entropy of the readings of the readout of each level that scored best, against that of the votes. "
        "On the line of equality a prediction is as ambiguous as its votes.",
        tuple(panels),
    )


def _entropy_points(row: ScoreRow, p: Array, q: Array, names: Sequence[str]) -> Curve:
    kept = np.unique(np.linspace(0, len(p) - 1, min(len(p), POINTS_SHOWN)).round().astype(int))
    x, y = (tuple(np.atleast_1d(entropy_bits(one[kept])).tolist()) for one in (q, p))
    return Curve(LEVELS[row.level], x, y, names=tuple(names[n] for n in kept), joined=False)


def predictions(readings: Named, row: ScoreRow) -> tuple[Array, Array, list[str]]:
    """The readings of a row that have a distribution, the votes on their clips, and the clips' names."""
    assert isinstance(row.key, RowKey)
    own = dict(readings)[row.key.run]
    corpus = next(one for one in own.corpora if one.corpus == row.key.corpus)
    found = next(one for one in corpus.readings if one.key == replace(row.key, run=""))
    read = ~found.failed
    clips = found.clips[read]
    return found.p[read], corpus.clips.q[clips], [corpus.clips.names[n] for n in clips]


def status_figure(scores: ScoreTable, corpora: Sequence[str] = ()) -> Figure | None:
    """What became of the answers, per prompt and text readout; None without a text readout."""
    several, panels = several_models(scores.rows), []
    for corpus in corpora or scores.corpora:
        rows = [row for row in scores.rows if row.key.corpus == corpus and row.level == "text"]
        drawn = tuple(
            (
                row_name(row.key, model=several),
                tuple(
                    (STATUS_STYLES[status], row.statuses[status] / row.utterances, str(row.statuses[status]))
                    for status in STATUSES
                    if row.statuses.get(status)
                ),
            )
            for row in rows
        )
        if drawn:
            panels.append(Shares(corpus, "share of readings", drawn))
    if not panels:
        return None
    return Figure(
        "statuses",
        "What became of the answers",
        "Readings of each text-level readout by status; the numbers are counts.",
        tuple(panels),
    )
