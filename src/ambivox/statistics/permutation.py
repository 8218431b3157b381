"""Paired permutation tests over clusters, and the correction for having made many of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics.clusters import cluster_sums, count_clusters, counted, more

EXACT_UP_TO = 13
"""With so many clusters or fewer all sign patterns are tried (8,192 of them), with more a sample."""
N_PERMUTATIONS = 9999


@dataclass(frozen=True)
class PairedTest:
    """The outcome of a paired permutation test.

    Args:
        difference: the mean difference.
        p: two-sided p-value; ``nan`` where `reason` says why there is none.
        clusters: how many clusters have a difference.
        reason: None if there is a p-value.
    """

    difference: float
    p: float
    clusters: int
    reason: Reason | None = None


def paired_permutation_test(
    differences: ArrayLike,
    groups: Sequence[Hashable],
    *,
    n_permutations: int = N_PERMUTATIONS,
    seed: int = 0,
    unit: str = "speakers",
) -> PairedTest:
    """Whether two scores of the same clips differ: the signs of whole clusters are flipped at random.

    If it makes no difference which of two readouts is which, the summed difference of each speaker is as
    likely to be positive as negative. ``p`` is the share of sign patterns with a mean difference at least
    as large: exactly, or with ``(1 + count) / (1 + n_permutations)`` from a sample, which keeps the level.

    Args:
        differences: shape ``(U,)``, one per clip, first minus second; ``nan`` values are left out.
        groups: the speaker (or dialogue) of each clip.
        n_permutations: sampled where there are more than `EXACT_UP_TO` clusters.
        seed: of the sample.

    Returns:
        The test. No p-value with so few clusters that none could be below 0.05, or without any difference.

    Raises:
        ValueError: another number of groups.

    Source: Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, section 3.2; Phipson and
    Smyth (2010), doi:10.2202/1544-6115.1585, for the sampled p-value.

    >>> paired_permutation_test([1, 2, 1, 3, 1, 2], list("abcdef")).p
    0.03125
    >>> paired_permutation_test([1, 2], ["ann", "bob"]).reason.text
    '2 speakers: the smallest p-value they can give is 0.5'
    """
    array = np.asarray(differences, dtype=np.float64)
    codes, n_clusters = count_clusters(groups)
    if array.shape != codes.shape:
        raise ValueError(f"differences has shape {array.shape}, expected {codes.shape}: one for each group")
    defined = np.isfinite(array)
    if not defined.any():
        return PairedTest(np.nan, np.nan, 0, Reason("no-value", "no clip has both scores"))
    mean = float(array[defined].mean())
    sums = cluster_sums(np.column_stack([np.where(defined, array, 0.0), defined]), codes, n_clusters)
    sums = sums[sums[:, 1] > 0, 0]
    if 2.0 ** (1 - len(sums)) > 0.05:
        least = 2.0 ** (1 - len(sums))
        text = f"{counted(len(sums), unit)}: the smallest p-value they can give is {least:g}"
        return PairedTest(mean, np.nan, len(sums), Reason("too-few-clusters", text, more(unit)))
    if not np.abs(sums).max() > 1e-12:
        text = f"no variance: the difference is 0 for all {unit}"
        return PairedTest(mean, np.nan, len(sums), Reason("no-variance", text))
    return PairedTest(mean, _p_value(sums, n_permutations, seed), len(sums))


def _p_value(sums: Array, n_permutations: int, seed: int) -> float:
    if len(sums) <= EXACT_UP_TO:
        patterns = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float(_as_large((1 - 2.0 * patterns) @ sums, sums).mean())
    rng = np.random.default_rng(seed)
    count, left = 0, n_permutations
    step = max(1, 4_000_000 // len(sums))  # signs in memory at a time
    while left > 0:
        signs = rng.integers(0, 2, size=(min(step, left), len(sums)), dtype=np.int8) * 2.0 - 1
        count += int(_as_large(signs @ sums, sums).sum())
        left -= len(signs)
    return (1 + count) / (1 + n_permutations)


def _as_large(totals: Array, sums: Array) -> Array:
    # Equal sums must count as equal whatever their rounding.
    return np.asarray(np.abs(totals) >= abs(sums.sum()) - 1e-9 * np.abs(sums).sum())


def holm(p_values: ArrayLike) -> Array:
    """Adjust p-values for their number, so that the chance of any false rejection stays at the level.

    ``max over j <= i of min(1, (m - j + 1) p_(j))`` for the p-values in rising order.

    Args:
        p_values: shape ``(m,)``; ``nan`` (no test) stays ``nan`` and does not count.

    Returns:
        Shape ``(m,)``, in the given order, range [0, 1].

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
