"""Published ways to score, by name, so that a number can be compared with the paper it stands beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from inspect import unwrap
from typing import get_args

from numpy.typing import ArrayLike

from ambivox.choices import FailedAs
from ambivox.guarded import a_
from ambivox.metrics.aer_llm import aer_llm_bc, aer_llm_js, aer_llm_r2, against_rounded_plurality
from ambivox.metrics.calibration_error import ece
from ambivox.metrics.classification import accuracy, macro_f1, weighted_f1
from ambivox.metrics.correlation import r2_per_emotion
from ambivox.metrics.failed import count_failed
from ambivox.metrics.linearised import (
    ece_linearised,
    macro_f1_linearised,
    r2_per_emotion_linearised,
    weighted_f1_linearised,
)
from ambivox.metrics.metric import Function, Metric, Score
from ambivox.metrics.plugin import as_metric
from ambivox.metrics.registry import METRICS
from ambivox.registry import Registry


@dataclass(frozen=True)
class Convention:
    """A named way to score predictions against votes.

    Args:
        name: as in `CONVENTIONS`.
        source: where it is published.
        metrics: what it reports; a metric that is not defined as ours carries a name of its own.
        truth: how the votes are treated, in words (the metrics do it).
        failed_as: what a failed reply counts as, see `count_failed`.
        inferred: what is not published and was inferred or assumed, in words; empty if nothing.
        differs: where the public code reads answers otherwise than the readouts here do, in words.

    >>> scores = CONVENTIONS["aer-llm"].score([[.5, .5, 0, 0]], [[1, 0, 0, 0]])
    >>> round(scores["aer_llm_js"].value, 4)
    0.4645
    """

    name: str
    source: str
    metrics: tuple[Metric, ...]
    truth: str
    failed_as: FailedAs
    inferred: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    def score(
        self,
        p: ArrayLike,
        q: ArrayLike,
        *,
        failed: ArrayLike | None = None,
        failed_as: FailedAs | None = None,
        neutral: int | None = None,
    ) -> dict[str, Score]:
        """Every metric of the convention over a corpus.

        Args:
            p, q: predictions and truths, shape ``(U, N)``.
            failed: shape ``(U,)``, true where a reply gave no prediction; those rows of ``p`` are not read.
            failed_as: what they count as, instead of the convention's own choice.
            neutral: index of the label neutral, for failures that count as neutral.

        Returns:
            Scores by the name of the metric.

        Raises:
            ValueError: shapes differ, or a row that did not fail is not a distribution (the row is named).
        """
        if failed is not None:
            p, q = count_failed(p, q, failed, failed_as=failed_as or self.failed_as, neutral=neutral)
        return {metric.name: metric.score(p, q) for metric in self.metrics}


def _variant(
    base: str,
    name: str,
    function: Function,
    description: str,
    linearised: Function | None = None,
    bounds: tuple[float, float] | None = None,
) -> Metric:
    changes = {"name": name, "function": function, "description": description, "linearised": linearised}
    return replace(METRICS[base], **changes, bounds=bounds or METRICS[base].bounds)  # type: ignore[arg-type]


_ROUNDED = (0.0, float("inf"))
"""Bounds of what is computed from rounded shares, whose sum may be a little above 1."""


_OURS = (
    "jsd_bits",
    "bhattacharyya",
    "total_variation",
    "brier_mean",
    "r2_per_emotion",
    "entropy_spearman",
    "ece",
    "vote_ece",
    "smooth_ece",
    "vote_smooth_ece",
    "accuracy",
    "uar",
    "weighted_f1",
    "top2_share",
)

_BUILT_IN = (
    Convention(
        "ambivox",
        source="this package",
        metrics=tuple(METRICS[name] for name in _OURS),
        truth="shares of votes, not rounded; a tie for the plurality is split evenly",
        failed_as="uniform",
    ),
    Convention(
        "aer-llm",
        source="Hong et al. (2024), arXiv 2409.18339, and its public code",
        metrics=(
            _variant(
                "js_distance",
                "aer_llm_js",
                aer_llm_js,
                "root JS in nats, +1e-8, KL at 4 decimals",
                bounds=_ROUNDED,
            ),
            _variant(
                "bhattacharyya",
                "aer_llm_bc",
                aer_llm_bc,
                "Bhattacharyya coefficient at 4 decimals",
                bounds=_ROUNDED,
            ),
            _variant("r2_pearson", "aer_llm_r2", aer_llm_r2, "squared correlation, 0 for a constant row"),
            _variant(
                "ece",
                "aer_llm_ece",
                against_rounded_plurality(partial(ece, n_bins=5, closed="right", ties="first")),
                "calibration error of the largest probability against the plurality, 5 bins, first of ties",
                against_rounded_plurality(partial(ece_linearised, n_bins=5, closed="right", ties="first")),
            ),
            _variant(
                "accuracy",
                "aer_llm_accuracy",
                against_rounded_plurality(partial(accuracy, ties="first")),
                "the most probable label is the most voted one, first of ties",
            ),
            _variant(
                "weighted_f1",
                "aer_llm_weighted_f1",
                against_rounded_plurality(partial(weighted_f1, ties="first")),
                "F1 weighted by frequency, first of ties",
                against_rounded_plurality(partial(weighted_f1_linearised, ties="first")),
            ),
        ),
        truth="shares of votes rounded to two decimals, not renormalised; the first label of a tie",
        failed_as="neutral",
        differs=(
            "the public code scores numbers as they are printed; here they are divided by their sum, and a "
            "reading whose sum was not 1 has the status renormalised",
            "the public code counts a dictionary over several lines, with a missing label or with labels in "
            "another case as failed, and so as neutral: read answers by dictionary(parser=aer-llm) for that",
        ),
    ),
    Convention(
        "scaling-ambiguity",
        source="Zhang et al. (2026), arXiv 2601.14620, and its public code",
        metrics=(
            METRICS["jsd_bits"],
            METRICS["bhattacharyya"],
            _variant(
                "r2_per_emotion",
                "scaling_r2",
                partial(r2_per_emotion, constant_truth="sklearn"),
                "r2_score of scikit-learn per emotion, averaged",
                partial(r2_per_emotion_linearised, constant_truth="sklearn"),
            ),
            _variant(
                "ece",
                "scaling_ece",
                partial(ece, n_bins=10, closed="left", ties="first"),
                "calibration error of the largest probability against the plurality, 10 bins, first of ties",
                partial(ece_linearised, n_bins=10, closed="left", ties="first"),
            ),
            _variant(
                "accuracy",
                "scaling_accuracy",
                partial(accuracy, ties="first"),
                "the most probable label is the most voted one, first of ties",
            ),
            _variant(
                "macro_f1",
                "scaling_macro_f1",
                partial(macro_f1, ties="first"),
                "F1, plain mean over the labels, first of ties",
                partial(macro_f1_linearised, ties="first"),
            ),
            _variant(
                "weighted_f1",
                "scaling_weighted_f1",
                partial(weighted_f1, ties="first"),
                "F1 weighted by frequency, first of ties",
                partial(weighted_f1_linearised, ties="first"),
            ),
        ),
        truth="shares of votes, not rounded; the first label of a tie",
        failed_as="excluded",
        differs=(
            "the public code has its distributions from a classifier head and reads no written answers; in "
            "its files a missing label, or one in another case, counts as 0",
        ),
    ),
    Convention(
        "yu-2026",
        source="Yu et al. (2026), arXiv 2603.08230",
        metrics=(METRICS["jsd_bits"], METRICS["brier_mean"]),
        truth="shares of votes, not rounded",
        failed_as="excluded",
        inferred=(
            "JS in bits without a root: inferred from the published numbers",
            "Brier score as the mean over the labels: inferred from the published numbers",
            "failed replies are excluded: assumed, the paper does not say",
        ),
    ),
)


def as_convention(name: str, item: object) -> Convention:
    """A convention of another package, its metrics tried as those that are registered are."""
    if not isinstance(item, Convention):
        raise ValueError(f"expected a Convention, not {a_(item)}")
    if item.name != name:
        raise ValueError(f"it calls itself {item.name!r}: name and entry point must be the same")
    if item.failed_as not in get_args(FailedAs):
        raise ValueError(f"failed_as is {item.failed_as!r}: expected one of {', '.join(get_args(FailedAs))}")
    for metric in item.metrics:
        if metric.name in METRICS and unwrap(METRICS[metric.name].function) is not unwrap(metric.function):
            raise ValueError(f"its metric {metric.name!r} is not the one of that name: choose another name")
    return replace(item, metrics=tuple(as_metric(metric.name, metric) for metric in item.metrics))


CONVENTIONS = Registry(
    "convention",
    group="ambivox.conventions",
    accept=as_convention,
    built_in={convention.name: convention for convention in _BUILT_IN},
)
"""Conventions by name; the first one is the default."""
