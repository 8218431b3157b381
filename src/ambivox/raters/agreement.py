"""How far raters agree, over a corpus and for each emotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ambivox.errors import UsageError
from ambivox.raters.distribution import Array


@dataclass(frozen=True)
class Agreement:
    """Agreement beyond chance; 1 is perfect, 0 as by chance, below 0 less than that.

    Args:
        alpha: Krippendorff's alpha, nominal.
        kappa: Fleiss' kappa for any numbers of raters.
        n_pairable: utterances with at least two votes, which alone say something about agreement.
    """

    alpha: float
    kappa: float
    n_pairable: int


def agreement(counts: ArrayLike) -> Agreement:
    """Agreement over all labels.

    Args:
        counts: votes, shape ``(U, N)``.

    Raises:
        UsageError: the extra ``raters`` is not installed.
        ValueError: not votes over labels.

    >>> found = agreement([[3, 0], [0, 3], [2, 1]])
    >>> round(found.alpha, 3), round(found.kappa, 3), found.n_pairable
    (0.6, 0.55, 3)
    """
    votes = _pairable(counts)
    return Agreement(krippendorff_alpha(votes), fleiss_kappa(votes), len(votes))


def agreement_per_label(counts: ArrayLike) -> tuple[Agreement, ...]:
    """Agreement on each label against all others together, N of them; arguments as in `agreement`."""
    votes = _pairable(counts)
    others = votes.sum(axis=1, keepdims=True) - votes
    return tuple(agreement(np.stack([votes[:, n], others[:, n]], axis=1)) for n in range(votes.shape[1]))


def krippendorff_alpha(counts: ArrayLike) -> float:
    """Krippendorff's alpha for nominal labels, from the library ``krippendorff``.

    Args:
        counts: votes, shape ``(U, N)``; utterances may have any numbers of raters, those with fewer than two
            do not count.

    Returns:
        At most 1; ``nan`` where no utterance has two votes or all votes are on one label.

    Raises:
        UsageError: the extra ``raters`` is not installed.
        ValueError: not votes over labels.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.
    """
    try:
        import krippendorff
    except ImportError:
        raise UsageError("this needs the extra 'raters': pip install 'ambivox[raters]'") from None
    votes = _pairable(counts)
    votes = votes[:, votes.any(axis=0)]
    if votes.shape[1] < 2:
        return float("nan")
    return float(krippendorff.alpha(value_counts=votes, level_of_measurement="nominal"))


def fleiss_kappa(counts: ArrayLike) -> float:
    """Fleiss' kappa, where utterances may have different numbers of raters.

    ``(P - P_e) / (1 - P_e)``: P is the mean over utterances of the share of pairs of raters that agree, and
    P_e the sum of squares of the labels' shares of all votes. With as many raters on each utterance it is
    Fleiss' own.

    Args:
        counts: votes, shape ``(U, N)``; utterances with fewer than two votes do not count.

    Returns:
        At most 1; ``nan`` where no utterance has two votes or all votes are on one label.

    Raises:
        ValueError: not votes over labels.

    Source: Fleiss (1971), doi:10.1037/h0031619.
    """
    votes = _pairable(counts)
    raters = votes.sum(axis=1)
    if not len(votes):
        return float("nan")
    agreed = (votes * (votes - 1)).sum(axis=1) / (raters * (raters - 1))
    shares = votes.sum(axis=0) / raters.sum()
    by_chance = float((shares**2).sum())
    return float((agreed.mean() - by_chance) / (1 - by_chance)) if by_chance < 1 else float("nan")


def confusions(counts: ArrayLike) -> Array:
    """What a second rater says where a first one named a label, within utterances.

    Entry ``[a, b]`` is the share of label b among the other raters of utterances on which a rater said a,
    over all votes for a.

    Args:
        counts: votes, shape ``(U, N)``; utterances with fewer than two votes do not count.

    Returns:
        Shape ``(N, N)``, rows sum to 1; a row of ``nan`` for a label that nobody named.

    Raises:
        ValueError: not votes over labels.

    >>> confusions([[2, 1], [0, 3]]).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    votes = _pairable(counts)
    others = np.maximum(votes.sum(axis=1) - 1, 1)[:, None]
    pairs = votes.T @ (votes / others) - np.diag((votes / others).sum(axis=0))
    totals = votes.sum(axis=0)[:, None]
    shares: Array = np.divide(pairs, totals, out=np.full(pairs.shape, np.nan), where=totals > 0)
    return shares


def _pairable(counts: ArrayLike) -> Array:
    votes: Array = np.asarray(counts, dtype=np.float64)
    if votes.ndim != 2 or not np.isfinite(votes).all() or (votes < 0).any() or (votes % 1).any():
        raise ValueError(f"counts: shape {votes.shape}, expected (U, N) whole numbers from 0 up")
    pairable: Array = votes[votes.sum(axis=1) >= 2]
    return pairable
