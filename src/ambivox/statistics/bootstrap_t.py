"""The bootstrap-t over clusters: intervals and p-values for ratios of sums, with unequal clusters paid for.

A ratio ``R = sum(a_g) / sum(b_g)`` over G clusters (speakers) is a mean, if ``b_g`` counts clips, or a skill.
Corpora are drawn from the clusters with replacement; each drawn ratio, less R and in units of its own
standard error, gives one t. Their quantiles are those of the estimate's own t, skewed as it is.

Three things keep the promise where clusters are few or unequal:

- Standard errors are those of the jackknife: what is left of cluster g, ``a_g - R b_g``, is divided by
  ``1 - b_g / sum(b)``, because a cluster that holds much of the corpus pulls R to itself.
- Tails are taken a little further out, as redrawn clusters scatter less than clusters do.
- Ends lie further out by the ratio of Student's quantiles with ``0.8 effective - 1`` and ``G - 1`` degrees of
  freedom, where `effective_clusters` says how many clusters of one size would do as well.

How often such intervals hold the truth is measured in ``benchmarks/coverage.py``.

Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, sections 3.8 and 5.2.1; Bell and
McCaffrey (2002), Survey Methodology 28, and MacKinnon, Nielsen and Webb (2023), doi:10.1002/jae.2969, for the
jackknife errors; Hesterberg (2015), doi:10.1080/00031305.2015.1089789, for the tails; Kish (1965), Survey
Sampling, section 11.7, for effective clusters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from ambivox.raters.distribution import Array
from ambivox.statistics.clusters import draw_weights_in_parts, effective_clusters

NO_ERROR = 1e-6
"""A drawn standard error below this share of the estimate's is rounding: all drawn clusters agree."""
TRUSTED = 0.8
"""So much of the effective clusters is counted upon. With all of it intervals held the truth up to a point
less often where speakers have very different numbers of clips (``benchmarks/coverage.py``)."""
_COLUMNS = 64
"""Ratios at a time, so that memory does not run out."""


def bootstrap_t(
    above: Array, below: Array, clusters: NDArray[np.intp], *, n_draws: int, seed: int, level: float
) -> tuple[Array, Array, Array]:
    """Ends of intervals, and p-values of the hypothesis that a ratio is 0.

    Args:
        above, below: shape ``(G, M)``, sums over each cluster for M ratios.
        clusters: shape ``(M,)``, how many of the G clusters have members in each ratio.
        n_draws: corpora to draw; every ratio sees the same ones.
        seed: of the draws.
        level: of the intervals.

    Returns:
        Low ends, high ends and two-sided p-values, each of shape ``(M,)``. An end is infinite where too many
        drawn corpora have no variance. ``p <= 1 - level`` exactly where an interval of this level excludes 0.
    """
    parts = [
        _some(above[:, m], below[:, m], clusters[m], n_draws, seed, level)
        for m in (slice(start, start + _COLUMNS) for start in range(0, above.shape[1], _COLUMNS))
    ]
    low, high, p = (np.concatenate(found) for found in zip(*parts, strict=True))
    return low, high, p


def _some(
    above: Array, below: Array, clusters: NDArray[np.intp], n_draws: int, seed: int, level: float
) -> tuple[Array, Array, Array]:
    """The same for so few ratios that all draws of them fit into memory."""
    # 1 / (1 - leverage): what the residual of a cluster is multiplied by, see the module.
    pull = 1 / np.maximum(1 - below / below.sum(axis=0), 1e-9)
    squares = [pull**2 * product for product in (above * above, above * below, below * below)]
    powers = np.concatenate([above, below, *squares], axis=1)
    ratio, error = _ratio_and_error(list(np.split(powers.sum(axis=0), 5)), clusters)
    weights = draw_weights_in_parts(len(above), n_draws, seed)
    drawn = np.split(np.concatenate([some @ powers for some in weights]), 5, axis=1)
    ratios, errors = _ratio_and_error(drawn, clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (ratios - ratio) / np.where(errors < NO_ERROR * error, 0.0, errors)
        t = np.sort(np.where(np.isnan(t), 0.0, t), axis=0)
        own = ratio / error
    effective = effective_clusters(below)
    # Row r: how far out the r-th most extreme t lies once widened, and the level that it stands for.
    rank = np.arange(1, max(n_draws // 2, 2))
    alpha, widening = _levels_and_widening(rank / (n_draws + 1), effective, clusters)
    upper, lower = t[::-1][: len(rank)] * widening, t[: len(rank)] * widening
    # The least level at which the interval lies beyond 0, on either side; 1 where none does.
    p = np.minimum(
        np.where(upper < own, alpha, 1.0).min(axis=0), np.where(lower > own, alpha, 1.0).min(axis=0)
    )
    place = np.maximum((alpha <= 1 - level).sum(axis=0) - 1, 0)[None]
    ends = [np.take_along_axis(side, place, axis=0)[0] for side in (upper, lower)]
    with np.errstate(invalid="ignore"):  # no end at all where the estimate has no error
        return ratio - ends[0] * error, ratio - ends[1] * error, p


def _ratio_and_error(sums: Sequence[Array], clusters: NDArray[np.intp]) -> tuple[Array, Array]:
    """Ratio a / b and its jackknife error; sums of a, of b, and of their products times squared pulls."""
    a, b, aa, ab, bb = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a / b
        left = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0)
        return ratio, np.asarray(np.sqrt((clusters - 1) / clusters * left) / np.abs(b))


def _levels_and_widening(tails: Array, effective: Array, clusters: NDArray[np.intp]) -> tuple[Array, Array]:
    """For parts of the draws, shape ``(R,)``, the two-sided levels they stand for and how far out their t go.

    Returns:
        Twice shape ``(R, M)``.
    """
    # Most ratios of a table rest on the same clips: their quantiles are worked out once.
    kinds, place = np.unique(np.stack([effective, clusters]), axis=1, return_inverse=True)
    effective, n = kinds
    alpha = 2 * ndtr(np.sqrt((n - 1) / n) * ndtri(tails)[:, None])
    wide = stdtrit(np.maximum(TRUSTED * effective - 1, 1), alpha / 2) / stdtrit(n - 1, alpha / 2)
    place = place.ravel()
    return alpha[:, place], wide[:, place]
