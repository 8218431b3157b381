"""What a reply that could not be read counts as."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array

FailedAs = Literal["excluded", "uniform", "neutral"]
"""A failed reply is left out, predicts every label alike, or predicts neutral with certainty."""


def count_failed(
    p: ArrayLike, q: ArrayLike, failed: ArrayLike, *, counts_as: FailedAs, neutral: int | None = None
) -> tuple[Array, Array]:
    """Put failed replies into the predictions (or out of them), before any metric is computed.

    Args:
        p, q: predictions and truths, shape ``(U, N)``; the rows of ``p`` that failed may hold anything.
        failed: shape ``(U,)``, true where there is not a prediction.
        counts_as: ``excluded`` drops the utterance from both, which flatters a model that fails on the hard
            ones; ``uniform`` and ``neutral`` keep the denominator.
        neutral: index of the label neutral, needed by ``counts_as="neutral"``.

    Returns:
        Predictions and truths, shape ``(U, N)``, or fewer rows where failures are excluded.

    Raises:
        ValueError: shapes do not fit, another ``counts_as``, or ``neutral`` is missing or no label.

    >>> p, q = [[.8, .2], [np.nan, np.nan]], [[1, 0], [.5, .5]]
    >>> count_failed(p, q, [False, True], counts_as="uniform")[0].tolist()
    [[0.8, 0.2], [0.5, 0.5]]
    """
    if counts_as not in get_args(FailedAs):
        raise ValueError(f"counts_as: {counts_as!r} is not one of {', '.join(get_args(FailedAs))}")
    predicted, votes = np.array(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    mask = np.asarray(failed, dtype=bool)
    if predicted.ndim != 2 or predicted.shape != votes.shape or mask.shape != predicted.shape[:1]:
        raise ValueError(
            f"p has shape {predicted.shape}, q {votes.shape}, failed {mask.shape}: "
            "expected (U, N), (U, N) and (U,)"
        )
    n_labels = predicted.shape[1]
    if counts_as == "excluded":
        return predicted[~mask], votes[~mask]
    if counts_as == "uniform":
        predicted[mask] = 1 / n_labels
    else:
        if neutral is None or not 0 <= neutral < n_labels:
            raise ValueError(f"neutral: {neutral} is not the index of one of the {n_labels} labels")
        predicted[mask] = np.eye(n_labels)[neutral]
    return predicted, votes
