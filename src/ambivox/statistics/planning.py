"""What a corpus of a given size could show, before anything is run on it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtrit

from ambivox.raters.distribution import Array
from ambivox.statistics.bootstrap_t import TRUSTED
from ambivox.statistics.clusters import cluster_sums, count_clusters, effective_clusters

POWER = 0.8
DRAWN = 1 - np.exp(-1)
"""The share of the speakers that a drawn corpus holds at least once, on average."""


def detectable_difference(
    sizes: ArrayLike,
    *,
    between: ArrayLike,
    within: ArrayLike,
    level: float = 0.05,
    n_tests: int = 1,
    power: float = POWER,
) -> Array:
    """The smallest true mean difference that a study finds in a share `power` of its repetitions.

    ``(critical + t(power)) * error``, with the error that speakers who differ by `between` leave, and clips
    that differ by `within`: ``error^2 = sum_g h_g^2 (between^2 + within^2 / n_g)``, h being the share of the
    clips that a speaker has. The critical value is about that of `ambivox.statistics.bootstrap_t` for normal
    differences; of G speakers a drawn corpus holds ``G (1 - 1/e)``, so its t have the tails of so many.

    Args:
        sizes: shape ``(G,)``, clips of each speaker, at least 1.
        between: standard deviation of the differences' means between speakers, any shape.
        within: standard deviation of the differences of a speaker's clips, the same shape.
        level: of the test, two-sided.
        n_tests: the level is divided by so many, the first step of `holm`.
        power: the share of studies that shall find it.

    Returns:
        The shape of `between` and `within`, their unit.

    Raises:
        ValueError: fewer than two speakers, a speaker without clips, or a share out of range.

    Source: Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 2; the error of a
    mean of clusters: Kish (1965), Survey Sampling, section 5.4.

    >>> float(detectable_difference([80] * 91, between=0.03, within=0.15).round(4))
    0.0103
    """
    n = np.asarray(sizes, dtype=np.float64)
    if n.ndim != 1 or len(n) < 2 or not (n >= 1).all():
        raise ValueError("sizes: expected the clips of at least 2 speakers, each 1 or more")
    if not (0 < level < 1 and 0 < power < 1 and n_tests >= 1):
        raise ValueError(f"level {level:g}, power {power:g}, n_tests {n_tests}: out of range")
    shares = n / n.sum()
    error = np.sqrt(
        np.multiply.outer(np.square(between), (shares**2).sum())
        + np.multiply.outer(np.square(within), (shares**2 / n).sum())
    )
    alpha, effective = level / n_tests, float(effective_clusters(n))
    tail = ndtr(np.sqrt(len(n) / (len(n) - 1)) * ndtri(alpha / 2))
    freedom = max(TRUSTED * effective - 1, 1.0)
    critical = -stdtrit(max(DRAWN * len(n) - 1, 1.0), tail)
    critical *= stdtrit(freedom, alpha / 2) / stdtrit(len(n) - 1, alpha / 2)
    return np.asarray((critical + stdtrit(freedom, power)) * error)


def scatter(values: ArrayLike, groups: Sequence[Hashable]) -> tuple[float, float]:
    """How far values differ between speakers and within them, for `detectable_difference`.

    Args:
        values: shape ``(U,)``, one per clip of an earlier run; ``nan`` values are left out.
        groups: the speaker of each.

    Returns:
        Standard deviations between speakers (0 where clips alone explain how far means differ) and within;
        ``nan`` where there is nothing to tell them from.

    Source: the analysis of variance of one way, Searle, Casella and McCulloch (1992), Variance Components,
    section 3.6.

    >>> between, within = scatter([1, 3, 11, 13], ["ann", "ann", "bob", "bob"])
    >>> round(between, 2), round(within, 2)
    (7.0, 1.41)
    """
    array = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(array)
    codes, n_groups = count_clusters([group for group, keep in zip(groups, defined, strict=True) if keep])
    array = array[defined]
    if n_groups < 2 or len(array) <= n_groups:
        return float("nan"), float("nan")
    sizes = np.bincount(codes)
    means = cluster_sums(array, codes, n_groups) / sizes
    within = float(((array - means[codes]) ** 2).sum() / (len(array) - n_groups))
    across = float((sizes * (means - array.mean()) ** 2).sum() / (n_groups - 1))
    each = (len(array) - (sizes**2).sum() / len(array)) / (n_groups - 1)
    return float(np.sqrt(max(across - within, 0.0) / each)), float(np.sqrt(within))


def equivalent(low: ArrayLike, high: ArrayLike, margin: ArrayLike) -> np.ndarray:
    """Whether an effect is shown to be smaller than a margin: its interval lies inside of it.

    With 95% intervals that is two one-sided tests at 2.5%.

    Args:
        low, high: ends of intervals; ``nan`` where there is none, which shows nothing.
        margin: the largest effect that would not matter, above 0.

    Returns:
        Booleans of the broadcast shape.

    Raises:
        ValueError: a margin that is not above 0.

    Source: Schuirmann (1987), doi:10.1007/BF01068419.

    >>> equivalent([-0.01, -0.03, 0.01], [0.005, 0.01, 0.03], 0.02).tolist()
    [True, False, False]
    """
    width = np.asarray(margin, dtype=np.float64)
    if not (width > 0).all():
        raise ValueError(f"margin: {width.min():g} is not above 0")
    return np.asarray((np.asarray(low) > -width) & (np.asarray(high) < width))
