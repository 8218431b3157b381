"""How ambiguous a clip is, by its votes, with the number of raters held equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, gammaln

from ambivox.metrics.check import EQUAL
from ambivox.raters.distribution import Array
from ambivox.reasons import Reason

TERTILES = ("least", "middle", "most")
"""Names of the thirds of a corpus, from the least to the most ambiguous."""


def rarefied_entropy_bits(votes: ArrayLike, n_raters: int) -> Array:
    """The mean vote entropy of all panels of `n_raters` that can be drawn from a clip's raters.

    The entropy of few votes is too low (one vote has none), so clips with different numbers of raters cannot
    be ranked by it. The mean over sub-panels of one size can be compared: in expectation it is the
    entropy that this many raters show, however many there were.
    ``sum_n sum_k hypergeom(k; votes_n of all, n_raters) * h(k / n_raters)`` with ``h(x) = -x log2 x``.

    Args:
        votes: shape ``(U, N)``, counts.
        n_raters: the size of the panels, at least 1.

    Returns:
        Shape ``(U,)``, range ``[0, log2 N]``; ``nan`` for a clip with fewer votes.

    Raises:
        ValueError: counts that are negative or no whole numbers, or `n_raters` below 1.

    Source: rarefaction as in Hurlbert (1971), doi:10.2307/1934145, here of the entropy; a U-statistic in the
    sense of Hoeffding (1948), doi:10.1214/aoms/1177730196, and so unbiased.

    >>> rarefied_entropy_bits([[2, 2], [4, 0], [1, 0]], 2).round(3).tolist()
    [0.667, 0.0, nan]
    """
    counts = _counts(votes)
    if n_raters < 1:
        raise ValueError(f"n_raters: {n_raters}, at least 1 is needed")
    total = counts.sum(axis=1)
    k = np.arange(n_raters + 1)
    bits = entr(k / n_raters) / np.log(2)
    enough = total >= n_raters
    entropy = np.full(len(counts), np.nan)
    # Few distinct pairs of (votes for a label, votes in all) occur: each is worked out once.
    pairs = np.stack([counts[enough], np.broadcast_to(total[enough, None], counts[enough].shape)], axis=-1)
    distinct, place = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    given, of_all = distinct[:, 0, None], distinct[:, 1, None]
    log_panels = _log_choose(given, k) + _log_choose(of_all - given, n_raters - k)
    chance = np.exp(log_panels - _log_choose(of_all, n_raters))
    entropy[enough] = (chance @ bits)[place].reshape(pairs.shape[:2]).sum(axis=1)
    return entropy


@dataclass(frozen=True)
class Tertiles:
    """The thirds of a corpus by ambiguity.

    Args:
        codes: shape ``(U,)``: 0 least, 1 middle, 2 most ambiguous, -1 for a clip that cannot be placed.
        n_raters: the size of the panels whose entropy was compared.
        reason: why there are none; None if there are.
        unplaced: how many clips have fewer votes than a panel.
    """

    codes: NDArray[np.intp]
    n_raters: int
    reason: Reason | None = None
    unplaced: int = 0


def ambiguity_tertiles(votes: ArrayLike) -> Tertiles:
    """Cut a corpus into thirds by `rarefied_entropy_bits` at its smallest panel of two or more raters.

    Clips of the same entropy stay together, so the thirds need not be of one size. Clips with a single vote
    have no entropy and are in none.

    Args:
        votes: shape ``(U, N)``, counts.

    >>> ambiguity_tertiles([[4, 0], [3, 1], [2, 2]]).codes.tolist()
    [0, 1, 2]
    >>> ambiguity_tertiles([[1, 0], [0, 1]]).reason.text
    'votes of one rater: a label, not a distribution, so no clip is more ambiguous than another'
    """
    counts = _counts(votes)
    total = counts.sum(axis=1)
    several = total[total >= 2]
    nowhere = np.full(len(counts), -1, dtype=np.intp)
    if not len(several):
        text = "votes of one rater: a label, not a distribution, so no clip is more ambiguous than another"
        reason = Reason("one-vote", text, "use a corpus with several raters per clip")
        return Tertiles(nowhere, 0, reason, len(counts))
    n_raters = int(several.min())
    entropy = rarefied_entropy_bits(counts, n_raters)
    placed = ~np.isnan(entropy)
    ranks = np.rint(entropy[placed] / EQUAL)
    unplaced = int((~placed).sum())
    if np.ptp(ranks) == 0:
        reason = Reason("equally-ambiguous", "all clips are equally ambiguous", "use more clips")
        return Tertiles(nowhere, n_raters, reason, unplaced)
    cuts = np.quantile(ranks, [1 / 3, 2 / 3], method="lower")
    codes = nowhere.copy()
    codes[placed] = (ranks[:, None] > cuts).sum(axis=1)
    return Tertiles(codes, n_raters, None, unplaced)


def _counts(votes: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(votes, dtype=np.float64)
    if array.ndim != 2 or not (np.isfinite(array).all() and (array >= 0).all() and (array % 1 == 0).all()):
        raise ValueError("votes: expected counts of shape (U, N), whole numbers of at least 0")
    return array.astype(np.int64)


def _log_choose(n: NDArray[np.int64], k: NDArray[np.int64] | int) -> Array:
    """The logarithm of n over k, -inf where k is negative or above n."""
    return np.asarray(-gammaln(k + 1) - gammaln(n - k + 1) + gammaln(n + 1))
