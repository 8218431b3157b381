"""What a reply that could not be read counts as."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from ambivox.choices import FailedAs
from ambivox.raters.distribution import Array


def count_failed(
    p: ArrayLike, q: ArrayLike, failed: ArrayLike, *, failed_as: FailedAs, neutral: int | None = None
) -> tuple[Array, Array]:
    """Put failed replies into the predictions (or out of them), before any metric is computed.

    Args:
        p, q: predictions and truths, shape ``(U, N)``; the rows of ``p`` that failed may hold anything.
        failed: shape ``(U,)``, true where there is not a prediction.
        failed_as: ``excluded`` drops the utterance from both, which flatters a model that fails on the hard
            ones; ``uniform`` and ``neutral`` keep the denominator.
        neutral: index of the label neutral, needed by ``failed_as="neutral"``.

    Returns:
        Predictions and truths, shape ``(U, N)``, or fewer rows where failures are excluded.

    Raises:
        ValueError: shapes do not fit, another ``failed_as``, or ``neutral`` is missing or no label.

    >>> p, q = [[.8, .2], [np.nan, np.nan]], [[1, 0], [.5, .5]]
    >>> count_failed(p, q, [False, True], failed_as="uniform")[0].tolist()
    [[0.8, 0.2], [0.5, 0.5]]
    """
    if failed_as not in get_args(FailedAs):
        raise ValueError(f"failed_as: {failed_as!r} is not one of {', '.join(get_args(FailedAs))}")
    predicted, votes = np.array(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    mask = np.asarray(failed, dtype=bool)
    if predicted.ndim != 2 or predicted.shape != votes.shape or mask.shape != predicted.shape[:1]:
        raise ValueError(
            f"p has shape {predicted.shape}, q {votes.shape}, failed {mask.shape}: "
            "expected (U, N), (U, N) and (U,)"
        )
    n_labels = predicted.shape[1]
    if failed_as == "excluded":
        return predicted[~mask], votes[~mask]
    if failed_as == "uniform":
        predicted[mask] = 1 / n_labels
    else:
        if neutral is None or not 0 <= neutral < n_labels:
            raise ValueError(f"neutral: {neutral} is not the index of one of the {n_labels} labels")
        predicted[mask] = np.eye(n_labels)[neutral]
    return predicted, votes
