"""Clusters: the speakers (or dialogues) whose clips hang together, and corpora redrawn from them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.metrics.controls import group_codes
from ambivox.raters.distribution import Array

_AT_A_TIME = 10_000_000
_KEPT = 2_000_000
"""Draws of so many numbers at most are kept (16 MB)."""


def cluster_sums(values: ArrayLike, codes: NDArray[np.intp], n_clusters: int) -> Array:
    """Sum values over the members of each cluster.

    Args:
        values: shape ``(U,)`` or ``(U, M)``.
        codes: shape ``(U,)``, the cluster of each value, 0 to ``n_clusters - 1``.

    Returns:
        Shape ``(n_clusters,)`` or ``(n_clusters, M)``; 0 for a cluster without members.

    >>> import numpy as np
    >>> cluster_sums([1.0, 2.0, 4.0], np.array([0, 1, 0]), 3).tolist()
    [5.0, 2.0, 0.0]
    """
    array = np.asarray(values, dtype=np.float64)
    columns = array.reshape(len(array), -1).T
    sums = np.array([np.bincount(codes, weights=column, minlength=n_clusters) for column in columns])
    return np.asarray(sums.T.reshape(n_clusters, *array.shape[1:]))


def draw_weights(n_clusters: int, n_draws: int, seed: int) -> Array:
    """How often each cluster comes in each of many corpora drawn with replacement.

    Returns:
        Shape ``(n_draws, n_clusters)``, whole numbers, each row summing to `n_clusters`.

    Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, section 3.8 (all clips of a
    drawn cluster come with it).

    >>> draw_weights(5, 3, 0).sum(axis=1).tolist()
    [5.0, 5.0, 5.0]
    """
    if n_clusters < 1 or n_draws < 1:
        raise ValueError(f"{n_clusters} clusters and {n_draws} draws, at least 1 of each is needed")
    return np.concatenate(list(draw_weights_in_parts(n_clusters, n_draws, seed)))


def draw_weights_in_parts(n_clusters: int, n_draws: int, seed: int) -> Iterator[Array]:
    """The rows of `draw_weights`, so many at a time that memory does not run out."""
    if n_clusters * n_draws <= _KEPT:
        yield _kept_weights(n_clusters, n_draws, seed)
    else:
        yield from _drawn_in_parts(n_clusters, n_draws, seed)


@lru_cache(maxsize=4)
def _kept_weights(n_clusters: int, n_draws: int, seed: int) -> Array:
    """All rows at once: whatever is asked about one corpus sees the same draws, which are made once."""
    weights = np.concatenate(list(_drawn_in_parts(n_clusters, n_draws, seed)))
    weights.flags.writeable = False
    return weights


def _drawn_in_parts(n_clusters: int, n_draws: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    shares = np.full(n_clusters, 1 / n_clusters)
    step = max(1, _AT_A_TIME // n_clusters)
    for start in range(0, n_draws, step):
        size = min(step, n_draws - start)
        yield rng.multinomial(n_clusters, shares, size=size).astype(np.float64)


def effective_clusters(weights: ArrayLike) -> Array:
    """How many clusters of one size would give as exact a mean as these.

    ``(sum w)^2 / sum w^2``: all of them if they are of one size, near 1 if one holds nearly everything.

    Args:
        weights: shape ``(G,)`` or ``(G, M)``, at least 0: how many clips each cluster has.

    Returns:
        Shape ``()`` or ``(M,)``, range ``[1, G]``; ``nan`` where all weights are 0.

    Source: Kish (1965), Survey Sampling, section 11.7.

    >>> float(effective_clusters([10, 10, 10])), round(float(effective_clusters([90, 5, 5])), 2)
    (3.0, 1.23)
    """
    array = np.asarray(weights, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(array.sum(axis=0) ** 2 / (array**2).sum(axis=0))


def counted(n: int, unit: str) -> str:
    """So many clusters in words.

    >>> counted(1, "speakers"), counted(2, "clips")
    ('1 speaker', '2 clips')
    """
    return f"1 {unit.removesuffix('s')}" if n == 1 else f"{n} {unit}"


def more(unit: str) -> str:
    """What to do where there are too few clusters."""
    if unit == "clips":
        return "run more clips"
    return f"run a corpus with more {unit}, or ask about just these {unit} with --cluster clip"


def count_clusters(groups: Sequence[Hashable]) -> tuple[NDArray[np.intp], int]:
    """The number of each member's cluster, shape ``(U,)``, and how many clusters there are."""
    codes = group_codes(groups)
    return codes, int(codes.max()) + 1 if len(codes) else 0
