"""Rows of a score table that wait for their intervals, which are found for all of a corpus at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ambivox.metrics import Metric
from ambivox.raters.distribution import Array
from ambivox.scoring.readings import Clips
from ambivox.scoring.table import ScoreRow
from ambivox.statistics import Interval, cluster_sums, ratio_intervals


@dataclass
class Ratios:
    """Ratios of sums over clusters that wait for their intervals."""

    clips: Clips
    above: list[Array] = field(default_factory=list)
    below: list[Array] = field(default_factory=list)
    members: list[Array] = field(default_factory=list)

    def add(self, above: Array, below: Array, of: NDArray[np.intp]) -> int:
        """Add a ratio of values, shape ``(R,)``, of readings of the clips `of`; returns its place."""
        defined = ~(np.isnan(above) | np.isnan(below))
        both = np.column_stack([np.where(defined, above, 0.0), np.where(defined, below, 0.0), defined])
        sums = cluster_sums(both, self.clips.codes[of], self.clips.n_clusters)
        self.above.append(sums[:, 0])
        self.below.append(sums[:, 1])
        self.members.append(sums[:, 2])
        return len(self.above) - 1

    def intervals(self, n_draws: int, seed: int) -> list[Interval]:
        """One for each ratio, in the order in which they were added."""
        if not self.above:
            return []
        above, below, members = map(np.column_stack, (self.above, self.below, self.members))
        return ratio_intervals(
            above, below, members=members, n_draws=n_draws, seed=seed, unit=self.clips.unit
        )


@dataclass
class PendingRow:
    """A row without its intervals, and where these will be found."""

    row: ScoreRow
    score: dict[str, int] = field(default_factory=dict)
    skill: dict[str, int] = field(default_factory=dict)
    tertile: dict[str, int] = field(default_factory=dict)
    without: dict[str, Interval] = field(default_factory=dict)
    """Intervals that there are not, with their reasons."""

    def finished(self, intervals: Sequence[Interval], metrics: Mapping[str, Metric]) -> ScoreRow:
        """The row with its intervals, from those of all ratios; none reaches where no score can be."""
        scores = {name: intervals[place].within(metrics[name].bounds) for name, place in self.score.items()}
        return replace(
            self.row,
            intervals=scores | self.without,
            skill_intervals={name: intervals[place] for name, place in self.skill.items()},
            tertiles=tuple(
                replace(third, skill=intervals[self.tertile[third.tertile]])
                if third.tertile in self.tertile
                else third
                for third in self.row.tertiles
            ),
        )
