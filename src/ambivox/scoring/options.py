"""How records are read and scored: the one set of choices that scores, claims and reports share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

from ambivox.choices import Cluster, FailedAs, Outside, Truth
from ambivox.errors import UsageError
from ambivox.metrics import CONVENTIONS, METRICS, Convention, Metric
from ambivox.statistics.interval import N_DRAWS

_CHOICES = {"outside": Outside, "failed_as": FailedAs, "cluster": Cluster, "truth": Truth}


@dataclass(frozen=True)
class ScoringOptions:
    """How records are read and scored.

    Args:
        convention: a published way to score, a name of ``ambivox metrics``: which metrics are reported, and
            what a failed reading counts as.
        metrics: further metrics by name, plug-ins included; where given, tables show these and speak of the
            first.
        outside: how votes outside the emotion set enter the truth, see `ambivox.raters.distribution.truth`.
        failed_as: what a failed reading counts as; None leaves it to the convention.
        readouts: those applied; None takes the study's.
        calibrations: names of ``ambivox calibrations``; each adds a row per readout. None takes the study's.
        development_speakers: whom calibrations are fitted to; they are not scored. None given: folds of
            speakers.
        cluster: what intervals and tests take for independent; dialogues and clips are of these speakers.
        truth: what clips are scored against: their votes, or one label each, see `ambivox.scoring.truths`.
        truth_table: a table of distributions in place of the shares of the votes, see `read_truth_table`.
        n_draws: how many corpora the bootstrap draws.
        seed: of the bootstrap, the noise ceiling and the folds.

    Raises:
        UsageError: a choice, a convention or a metric that there is not.

    >>> ScoringOptions(cluster="clip").failed_as is None
    True
    """

    convention: str = "ambivox"
    metrics: Sequence[str] = ()
    outside: Outside = "drop"
    failed_as: FailedAs | None = None
    readouts: Sequence[str] | None = None
    calibrations: Sequence[str] | None = None
    development_speakers: Sequence[str] = ()
    cluster: Cluster = "speaker"
    truth: Truth = "votes"
    truth_table: Path | str | None = None
    n_draws: int = N_DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # an object that is frozen holds nothing that is not
                object.__setattr__(self, field.name, tuple(value))
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in get_args(choices) and not (name == "failed_as" and value is None):
                raise UsageError(f"{name}: {value!r} is not one of {', '.join(get_args(choices))}")
        if self.truth_table is not None and self.truth != "votes":
            raise UsageError(f"truth {self.truth!r} and a table of truth: choose one of them")
        _ = self.all_metrics

    @property
    def scored_by(self) -> Convention:
        """The convention itself."""
        return CONVENTIONS[self.convention]

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """The metrics of the convention, then the further ones."""
        own = {metric.name: metric for metric in self.scored_by.metrics}
        return (*own.values(), *(METRICS[name] for name in dict.fromkeys(self.metrics) if name not in own))

    @property
    def counts_failed_as(self) -> FailedAs:
        """What failed readings count as."""
        return self.failed_as or self.scored_by.failed_as


DEFAULT_OPTIONS = ScoringOptions()
"""The convention ``ambivox``, with the readouts and calibrations of the study."""
