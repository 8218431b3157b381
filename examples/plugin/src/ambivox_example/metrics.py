"""A metric: a function of predictions and votes."""

import numpy as np
from numpy.typing import NDArray


def largest_gap(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest difference in any label.

    Args:
        p, q: predictions and votes, shape ``(U, N)``: a row for each utterance, which sums to 1.

    Returns:
        Shape ``(U,)``: one value for each utterance, 0 where prediction and votes are the same.
    """
    return np.abs(p - q).max(axis=-1)
