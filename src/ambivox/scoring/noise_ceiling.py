"""What the true shares of votes would score against other votes of as many people, drawn again and again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ambivox.metrics import Metric
from ambivox.statistics import mean_over_redraws

NOISE_READINGS = 50_000
"""About so many pairs of true shares and new votes are drawn for the noise ceiling, for three decimals."""
_AT_ONCE = 2000
"""Pairs that are scored together."""
LEAST_DRAWS, MOST_DRAWS = 100, 400
"""Corpora that are drawn for a metric over a corpus."""
ENOUGH_CLIPS, FEWEST_DRAWS = 500_000, 10
"""Of large corpora fewer are drawn, down to so few: those draws hold so many clips together, and agree."""


@lru_cache(maxsize=16)
def redrawn(
    votes: bytes, n_clips: int, alpha: tuple[float, ...], metrics: tuple[Metric, ...], seed: int
) -> dict[str, tuple[float, float]]:
    """By metric, its mean over redrawn votes and the standard error of that.

    It hangs on the votes alone, and is the most that a small run costs: other readouts of it, other
    calibrations or another look at it find it here.
    """
    counts = np.frombuffer(votes, dtype=np.int64).reshape(n_clips, -1)
    # A mean over clips is that over many copies of the corpus, which are scored together.
    copies = np.tile(counts, (max(1, _AT_ONCE // n_clips), 1))
    draws = {
        True: (copies, -(-NOISE_READINGS // len(copies))),
        False: (counts, _n_corpora(n_clips)),
    }
    found: dict[str, tuple[float, float]] = {}
    for per_utterance, (drawn, n_draws) in draws.items():
        own = [metric for metric in metrics if metric.per_utterance is per_utterance]
        mean, error = mean_over_redraws(
            drawn,
            np.array(alpha),
            lambda shares, new, own=own: [metric.score(shares, new).value for metric in own],  # type: ignore[misc]
            n_draws=n_draws,
            seed=seed,
        )
        names = [metric.name for metric in own]
        found |= dict(zip(names, zip(mean.tolist(), error.tolist(), strict=True), strict=True))
    return found


def _n_corpora(n_clips: int) -> int:
    """How many corpora are drawn for a metric over a corpus.

    >>> [_n_corpora(n) for n in (12, 1000, 5000, 20_000, 100_000)]
    [400, 100, 100, 25, 10]
    """
    least = int(np.clip(ENOUGH_CLIPS // n_clips, FEWEST_DRAWS, LEAST_DRAWS))
    return int(np.clip(NOISE_READINGS // n_clips, least, MOST_DRAWS))
