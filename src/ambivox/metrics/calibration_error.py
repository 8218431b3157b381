"""Expected calibration error of the largest probability, in bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.metrics.check import EQUAL, Ties, corpus_pair, over_labels, plurality
from ambivox.raters.distribution import Array

Target = Literal["plurality", "votes"]
"""What the largest probability should equal: see `ece`."""

Closed = Literal["right", "left"]
"""The bins hold their upper edge, ``(0.2, 0.4]``, or their lower one; written numbers fall on edges."""


def ece(
    p: ArrayLike,
    q: ArrayLike,
    *,
    n_bins: int = 10,
    target: Target = "plurality",
    closed: Closed = "right",
    ties: Ties = "share",
) -> Array:
    """Expected calibration error of the largest probability, in bins of equal width.

    ``sum_b (U_b / U) |mean confidence in b - mean target in b|``, confidence being the largest probability.
    It depends on the bins and on the target: name both beside every number; `smooth_ece` has no bins. A
    confidence that is an edge but for rounding is on that edge, as written numbers (0.6) are.

    Args:
        p, q: shape ``(U, N)``, non-negative, summing to 1 over the last axis.
        n_bins: bins of equal width over ``[0, 1]``.
        target: ``plurality`` is 1 where the predicted label is the most voted one (see `accuracy`), so that a
            model that copies the votes is called underconfident; ``votes`` is the share of raters who chose
            the predicted label, under which that model is perfectly calibrated.
        closed: which of two bins holds the edge between them.
        ties: ``share`` splits a tie evenly, in prediction and votes; ``first`` takes its first label.

    Returns:
        Shape ``()``, a difference of probabilities, range ``[0, 1]``; ``nan`` without utterances.

    Raises:
        ValueError: shapes differ or are not ``(U, N)``, a row is not a distribution (the row is named), or an
            option that is not listed.

    Source: Naeini et al. (2015), doi:10.1609/aaai.v29i1.9602; bins that hold their upper edge as in Guo et
    al. (2017), arXiv 1706.04599.

    >>> p, q = [[.75, .25], [.75, .25]], [[.75, .25], [.75, .25]]
    >>> float(ece(p, q)), float(ece(p, q, target="votes"))
    (0.25, 0.0)
    """
    bins = calibration_curve(p, q, n_bins=n_bins, target=target, closed=closed, ties=ties)
    if not bins.count.any():
        return np.array(np.nan)
    # |mean difference| * U_b / U is |sum of differences| / U: empty bins need no special case.
    gaps = np.abs(bins.confidence - bins.hit) * bins.count
    return np.asarray(np.minimum(np.nansum(gaps) / bins.count.sum(), 1))


@dataclass(frozen=True)
class CalibrationCurve:
    """Where the largest probability lies and what it should equal, bin by bin.

    Args:
        count: shape ``(B,)``, utterances in each bin.
        confidence: shape ``(B,)``, mean of their largest probability; ``nan`` where there are none.
        hit: shape ``(B,)``, mean of their target, as in `ece`; ``nan`` where there are none.
    """

    count: NDArray[np.intp]
    confidence: Array
    hit: Array


def calibration_curve(
    p: ArrayLike,
    q: ArrayLike,
    *,
    n_bins: int = 10,
    target: Target = "plurality",
    closed: Closed = "right",
    ties: Ties = "share",
) -> CalibrationCurve:
    """The reliability diagram behind `ece`, in bins of equal width; arguments and errors as there.

    Source: Murphy and Winkler (1977), doi:10.2307/2346866; DeGroot and Fienberg (1983), doi:10.2307/2987588.

    >>> bins = calibration_curve([[.75, .25], [.65, .35]], [[.5, .5], [.7, .3]], n_bins=2, target="votes")
    >>> bins.count.tolist(), bins.confidence.round(3).tolist(), bins.hit.round(3).tolist()
    ([0, 2], [nan, 0.7], [nan, 0.6])
    """
    bins, confidence, hit = binned(p, q, n_bins=n_bins, target=target, closed=closed, ties=ties)
    count = np.bincount(bins, minlength=n_bins)
    some = np.where(count, count, np.nan)
    return CalibrationCurve(
        count,
        np.bincount(bins, weights=confidence, minlength=n_bins) / some,
        np.bincount(bins, weights=hit, minlength=n_bins) / some,
    )


def known_choice(name: str, value: str, choices: object) -> None:
    """Raise a `ValueError` for a value that is not one of a `Literal`."""
    if value not in get_args(choices):
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(get_args(choices))}")


def binned(
    p: ArrayLike, q: ArrayLike, *, n_bins: int, target: Target, closed: Closed, ties: Ties
) -> tuple[NDArray[np.intp], Array, Array]:
    """Of each utterance its bin, its largest probability and what that should equal, each ``(U,)``."""
    known_choice("target", target, Target)
    known_choice("closed", closed, Closed)
    if n_bins < 1:
        raise ValueError(f"n_bins: {n_bins}, at least 1 is needed")
    confidence, hit = confidence_and_hit(p, q, target=target, ties=ties)
    place = confidence * n_bins
    edge = np.rint(place)
    place = np.where(np.abs(place - edge) <= EQUAL * n_bins, edge, place)
    place = np.ceil(place) - 1 if closed == "right" else np.floor(place)
    return np.clip(place, 0, n_bins - 1).astype(np.intp), confidence, hit


def confidence_and_hit(p: ArrayLike, q: ArrayLike, *, target: Target, ties: Ties) -> tuple[Array, Array]:
    """Of each utterance its largest probability and what that should equal, twice ``(U,)``."""
    predicted, votes = corpus_pair(p, q)
    wanted = plurality(votes, ties) if target == "plurality" else votes
    return predicted.max(axis=-1), over_labels(plurality(predicted, ties) * wanted)
