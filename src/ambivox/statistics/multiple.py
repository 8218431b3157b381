"""The correction for having tested many things."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array


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
