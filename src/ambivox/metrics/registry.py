"""The metrics by name, each with its unit, its direction and what it is computed over."""

from __future__ import annotations

from functools import partial

import numpy as np

from ambivox.metrics.brier import brier_mean, brier_sum
from ambivox.metrics.calibration_error import ece
from ambivox.metrics.classification import accuracy, macro_f1, top2_share, uar, weighted_f1
from ambivox.metrics.correlation import r2_pearson, r2_per_emotion
from ambivox.metrics.divergences import js_distance, jsd_bits, jsd_nats, kl_bits
from ambivox.metrics.entropy import entropy_spearman
from ambivox.metrics.linearised import (
    ece_linearised,
    entropy_spearman_linearised,
    macro_f1_linearised,
    r2_per_emotion_linearised,
    uar_linearised,
    weighted_f1_linearised,
)
from ambivox.metrics.metric import SHARE, Function, Metric
from ambivox.metrics.overlap import bhattacharyya, hellinger, total_variation
from ambivox.metrics.plugin import as_metric
from ambivox.metrics.smooth_calibration import smooth_ece, smooth_ece_linearised
from ambivox.registry import Registry

_BUILT_IN: dict[str, Metric] = {}


def _add(
    name: str,
    function: Function,
    *,
    unit: str = "1",
    over_corpus: Function | None = None,
    lower_is_better: bool = True,
    bounds: tuple[float, float] = SHARE,
    votes_are_perfect: bool = True,
    description: str,
) -> None:
    """`over_corpus` linearises a metric over a corpus; without it there is one value per utterance."""
    per_utterance = over_corpus is None
    numbers = (unit, per_utterance, lower_is_better, description)
    _BUILT_IN[name] = Metric(name, *numbers, function, over_corpus, bounds, votes_are_perfect)


_add("jsd_bits", jsd_bits, unit="bit", description="Jensen-Shannon divergence, no root")
_add(
    "jsd_nats",
    jsd_nats,
    unit="nat",
    bounds=(0.0, float(np.log(2))),
    description="Jensen-Shannon divergence, no root",
)
_add(
    "js_distance",
    js_distance,
    unit="nat^0.5",
    bounds=(0.0, float(np.sqrt(np.log(2)))),
    description="root of the Jensen-Shannon divergence in nats",
)
_add(
    "kl_bits",
    kl_bits,
    unit="bit",
    bounds=(0.0, np.inf),
    description="KL(votes || prediction), inf where a voted label gets 0",
)
_add("hellinger", hellinger, description="Hellinger distance")
_add("total_variation", total_variation, description="share of probability in the wrong place")
_add("brier_sum", brier_sum, bounds=(0.0, 2.0), description="squared error summed over the labels")
_add("brier_mean", brier_mean, description="squared error averaged over the labels")
_add(
    "bhattacharyya",
    bhattacharyya,
    lower_is_better=False,
    description="Bhattacharyya coefficient (overlap)",
)
_add(
    "r2_pearson",
    r2_pearson,
    lower_is_better=False,
    description="squared correlation over the labels of an utterance; undefined for a uniform row",
)
_add(
    "r2_per_emotion",
    r2_per_emotion,
    over_corpus=r2_per_emotion_linearised,
    lower_is_better=False,
    bounds=(-np.inf, 1.0),
    description="coefficient of determination of each emotion over the corpus, averaged",
)
_add(
    "entropy_spearman",
    entropy_spearman,
    over_corpus=entropy_spearman_linearised,
    lower_is_better=False,
    bounds=(-1.0, 1.0),
    description="rank correlation between the entropies of predictions and votes",
)
_add(
    "ece",
    partial(ece, n_bins=10, target="plurality"),
    over_corpus=partial(ece_linearised, n_bins=10, target="plurality"),
    votes_are_perfect=False,
    description="calibration error of the largest probability against the plurality, 10 bins",
)
_add(
    "vote_ece",
    partial(ece, n_bins=10, target="votes"),
    over_corpus=partial(ece_linearised, n_bins=10, target="votes"),
    description="calibration error of the largest probability against the share of raters who agree, 10 bins",
)
_add(
    "smooth_ece",
    partial(smooth_ece, target="plurality"),
    over_corpus=partial(smooth_ece_linearised, target="plurality"),
    votes_are_perfect=False,
    description="calibration error of the largest probability against the plurality, by a kernel (SmoothECE)",
)
_add(
    "vote_smooth_ece",
    partial(smooth_ece, target="votes"),
    over_corpus=partial(smooth_ece_linearised, target="votes"),
    description="calibration error of the largest probability against the share who agree, by a kernel",
)
_add(
    "accuracy",
    accuracy,
    lower_is_better=False,
    description="the most probable label is the most voted one, ties credited by share",
)
_add(
    "uar",
    uar,
    over_corpus=uar_linearised,
    lower_is_better=False,
    description="unweighted average recall of the plurality label",
)
_add(
    "weighted_f1",
    weighted_f1,
    over_corpus=weighted_f1_linearised,
    lower_is_better=False,
    description="F1 of the plurality label, weighted by its frequency",
)
_add(
    "macro_f1",
    macro_f1,
    over_corpus=macro_f1_linearised,
    lower_is_better=False,
    description="F1 of the plurality label, plain mean over the labels",
)
_add(
    "top2_share",
    top2_share,
    lower_is_better=False,
    votes_are_perfect=False,
    description="share of the votes on the two most probable labels",
)

METRICS = Registry("metric", group="ambivox.metrics", accept=as_metric, built_in=_BUILT_IN)
"""Metrics by name; other packages add theirs as entry points of the group ``ambivox.metrics``."""
