"""Metrics over a corpus as values per utterance, so that they get intervals as means do.

Each function gives values whose mean is the metric and that scatter about it as the metric's influence
function does: what one utterance more like this one would do to it, to first order. Shapes: U utterances, N
labels. Arguments and errors are those of the metric. The values are ``nan`` where the metric is.

Source: Hampel (1974), doi:10.1080/01621459.1974.10482962; Davison and Hinkley (1997), Bootstrap Methods and
their Application, section 2.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.metrics.calibration_error import Closed, Target, binned
from ambivox.metrics.check import EQUAL, Ties, corpus_pair, mean_ranks, over_labels, plurality
from ambivox.metrics.correlation import ConstantTruth
from ambivox.metrics.entropy import entropy_bits
from ambivox.raters.distribution import Array


def linearised(estimate: float, influence: Array) -> Array:
    """Values per utterance whose mean is a smooth statistic, scattered as its influence function is."""
    if np.isnan(influence).all():
        return np.full(len(influence), np.nan)
    return np.asarray(estimate + influence - np.nanmean(influence))


def ece_linearised(
    p: ArrayLike,
    q: ArrayLike,
    *,
    n_bins: int = 10,
    target: Target = "plurality",
    closed: Closed = "right",
    ties: Ties = "share",
) -> Array:
    """`ece`: confidence less target, with the sign that their sum has in the utterance's bin.

    >>> ece_linearised([[.75, .25], [.65, .35]], [[.5, .5], [.7, .3]], n_bins=2, target="votes").tolist()
    [0.25, -0.04999999999999993]
    """
    bins, confidence, hit = binned(p, q, n_bins=n_bins, target=target, closed=closed, ties=ties)
    gap = confidence - hit
    return np.asarray(gap * np.sign(np.bincount(bins, weights=gap, minlength=n_bins))[bins])


def uar_linearised(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """`uar`: the mean over labels of each one's hits less those that its recall expects, by its support.

    >>> uar_linearised([[.9, .1]] * 4, [[1, 0], [1, 0], [1, 0], [0, 1]]).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    named, wanted = _pluralities(p, q, ties)
    support = wanted.mean(axis=0)
    present = support > 0
    hits, wanted, support = (named * wanted)[:, present], wanted[:, present], support[present]
    recall = hits.mean(axis=0) / support
    return linearised(float(recall.mean()), ((hits - recall * wanted) / support).mean(axis=1))


def weighted_f1_linearised(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """`weighted_f1`; of the F1 of a label, hits less those that it expects, by the label's occurrences."""
    f1, influence, _ = _f1(p, q, ties)
    _, wanted = _pluralities(p, q, ties)
    support = wanted.mean(axis=0)
    return linearised(float(f1 @ support), influence @ support + wanted @ f1)


def macro_f1_linearised(p: ArrayLike, q: ArrayLike, *, ties: Ties = "share") -> Array:
    """`macro_f1`, likewise."""
    f1, influence, seen = _f1(p, q, ties)
    return linearised(float(f1[seen].mean()), influence[:, seen].mean(axis=1))


def r2_per_emotion_linearised(p: ArrayLike, q: ArrayLike, *, constant_truth: ConstantTruth = "nan") -> Array:
    """`r2_per_emotion`: the mean over labels of ``(r s_u - e_u) / mean(s)``, with squared errors e, squared
    distances s to the mean, and ``r = mean(e) / mean(s)``.
    """
    predicted, votes = corpus_pair(p, q)
    error, scatter = (votes - predicted) ** 2, (votes - votes.mean(axis=0)) ** 2
    varies = np.ptp(votes, axis=0) > EQUAL
    if constant_truth == "nan" and not varies.all():
        return np.full(len(votes), np.nan)
    spread = np.where(varies, scatter.mean(axis=0), 1.0)
    ratio = error.mean(axis=0) / spread
    influence = np.where(varies, (ratio * scatter - error) / spread, 0.0)
    constant = np.where(error.any(axis=0), 0.0, 1.0)
    return linearised(float(np.where(varies, 1 - ratio, constant).mean()), influence.mean(axis=1))


def entropy_spearman_linearised(p: ArrayLike, q: ArrayLike) -> Array:
    """`entropy_spearman`, see `spearman_influence`."""
    predicted, votes = corpus_pair(p, q)
    rho, influence = spearman_influence(entropy_bits(predicted), entropy_bits(votes))
    return linearised(rho, influence)


def spearman_influence(x: ArrayLike, y: ArrayLike) -> tuple[float, Array]:
    """The rank correlation of two variables, and its influence function at every member.

    A member moves the correlation by its own ranks, and by moving the ranks of those above it. With ranks
    ``a_u, b_u`` about their mean, as shares of U, the covariance ``c = mean(a b)`` has the influence ``a_u
    b_u + mean over v of (h(x_v - x_u) b_v + h(y_v - y_u) a_v)``, h being 1 above 0, 1/2 at 0, else 0; the
    variances likewise. Values equal to 9 decimals are tied.

    Args:
        x, y: shape ``(U,)``.

    Returns:
        The correlation, and shape ``(U,)``; ``nan`` where one of the variables does not vary.

    Source: Croux and Dehon (2010), doi:10.1007/s10260-010-0142-z.

    >>> rho, influence = spearman_influence([1, 2, 3, 4], [1, 3, 2, 4])
    >>> round(rho, 3), round(float(influence.mean()), 9)
    (0.8, 0.0)
    """
    ranks = [mean_ranks(values) for values in (x, y)]
    n = len(ranks[0])
    if n < 2 or any(np.ptp(r) == 0 for r in ranks):
        return float("nan"), np.full(n, np.nan)
    a, b = ((r - r.mean()) / n for r in ranks)
    moved = {}
    for name, one, other in (("ab", a, b), ("aa", a, a), ("bb", b, b)):
        influence = one * other + _pushed(one, other) + _pushed(other, one)
        moved[name] = (float((one * other).mean()), influence - influence.mean())
    (ab, own), (aa, first), (bb, second) = moved["ab"], moved["aa"], moved["bb"]
    rho = float(np.clip(ab / np.sqrt(aa * bb), -1, 1))
    return rho, own / np.sqrt(aa * bb) - rho / 2 * (first / aa + second / bb)


def _pushed(ranks: Array, values: Array) -> Array:
    """Shape ``(U,)``: the mean over all members of the values of those above, and half of the tied."""
    order = np.argsort(ranks, kind="stable")
    upto = np.concatenate([[0.0], np.cumsum(values[order])])
    first, last = (np.searchsorted(ranks[order], ranks, side) for side in ("left", "right"))
    return np.asarray((upto[-1] - (upto[last] + upto[first]) / 2) / len(ranks))


def _pluralities(p: ArrayLike, q: ArrayLike, ties: Ties) -> tuple[Array, Array]:
    predicted, votes = corpus_pair(p, q)
    return plurality(predicted, ties), plurality(votes, ties)


def _f1(p: ArrayLike, q: ArrayLike, ties: Ties) -> tuple[Array, Array, NDArray[np.bool_]]:
    """F1 of each label, its influence ``(U, N)``, and which labels occur at all."""
    named, wanted = _pluralities(p, q, ties)
    occurs = named + wanted
    seen = over_labels(occurs.T) > 0
    share = np.where(seen, occurs.mean(axis=0), 1.0)
    f1 = 2 * (named * wanted).mean(axis=0) / share
    return f1, (2 * named * wanted - f1 * occurs) / share, seen
