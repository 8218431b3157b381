"""What a metric is, and its value over a corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ambivox.raters.distribution import Array

Function = Callable[[ArrayLike, ArrayLike], Array]

SHARE, ANYTHING = (0.0, 1.0), (-np.inf, np.inf)
"""Bounds of metrics: most lie between 0 and 1; of those that others add nothing is known unless they say."""


@dataclass(frozen=True)
class Score:
    """The value of a metric over a corpus.

    Args:
        value: the mean over the utterances for which the metric is defined, or the corpus-wide number.
        utterances: how many utterances were scored.
        undefined: how many of them the mean leaves out, the metric being ``nan`` there.
    """

    value: float
    utterances: int
    undefined: int = 0

    @classmethod
    def of_values(cls, values: Array) -> Score:
        """The score of a metric with one value per utterance, shape ``(U,)``."""
        defined = values[~np.isnan(values)]
        mean = float(defined.mean()) if len(defined) else float("nan")
        return cls(mean, len(values), len(values) - len(defined))


@dataclass(frozen=True)
class Metric:
    """A metric as tables need it.

    Args:
        name: as in `METRICS`.
        unit: of the value; "1" for a pure number.
        per_utterance: whether `function` gives one value per utterance, shape ``(U,)``, or one per corpus.
        lower_is_better: lower-is-better metrics are 0 at best, the others 1.
        description: one line.
        function: prediction and truth, both of shape ``(U, N)``, to ``(U,)`` or ``()``.
        linearised: of a metric over a corpus, the same to ``(U,)``: values whose mean is the metric and that
            scatter as its influence function does (see `ambivox.metrics.linearised`), for intervals; None
            where nobody wrote it.
        bounds: the least and the largest value that any prediction can have (ends of intervals stay within).
        votes_are_perfect: whether a prediction that is the votes themselves has the best value, 0 or 1 (ties
            for the plurality aside). Where it has not, there is no skill: its scale would end beyond reach.

    >>> from ambivox.metrics import METRICS
    >>> METRICS["jsd_bits"].score([[.5, .5], [1, 0]], [[.5, .5], [0, 1]])
    Score(value=0.5, utterances=2, undefined=0)
    """

    name: str
    unit: str
    per_utterance: bool
    lower_is_better: bool
    description: str
    function: Function
    linearised: Function | None = None
    bounds: tuple[float, float] = ANYTHING
    votes_are_perfect: bool = True

    def score(self, p: ArrayLike, q: ArrayLike) -> Score:
        """The metric over a corpus, ``p`` and ``q`` of shape ``(U, N)``, undefined utterances counted."""
        votes = np.asarray(q, dtype=np.float64)
        values = np.asarray(self.function(np.asarray(p, dtype=np.float64), votes))
        if not self.per_utterance:
            return Score(float(values), len(votes))
        return Score.of_values(values)
