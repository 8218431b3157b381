"""The score table: rows of readouts and controls, with intervals and the reasons for what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from ambivox.choices import Cluster, FailedAs, Outside
from ambivox.metrics import CONVENTIONS, METRICS, Metric, Score
from ambivox.readouts import Status
from ambivox.reasons import Reason
from ambivox.scoring.arrow import difference_arrow, score_arrow, to_pandas
from ambivox.scoring.calibrated import Fitted
from ambivox.scoring.keys import ControlKey, ControlName, Key, RowKey
from ambivox.scoring.notes import Note
from ambivox.statistics import Interval

HEADLINE = "jsd_bits"


@dataclass(frozen=True)
class TertileScore:
    """A metric on the least, middle or most ambiguous third of the clips.

    Args:
        tertile: ``least``, ``middle`` or ``most``.
        clips: how many clips are in it.
        score: the mean of the metric; ``nan`` where `reason` says why there is none.
        skill: against the vote prior *of this third*, so that being as flat as its votes earns nothing.
        reason: why there is not a number.
    """

    tertile: str
    clips: int
    score: float
    skill: Interval
    reason: Reason | None = None


@dataclass(frozen=True)
class SensitivityScore:
    """How far the predictions of a readout move with the order of the options, or with the prompt.

    All are roots of variances, in probability: ``whole**2 = of_mean**2 + of_single**2``.

    Args:
        key: which readout; without a prompt where it is over prompts.
        over: ``orders`` or ``prompts``.
        conditions, clips: how many were compared; clips with a reading under every condition only.
        of_mean: of the mean prediction of all clips.
        of_single: of single predictions beyond that.
        reliability: share of the variance that lies between clips, see `ambivox.statistics.Sensitivity`.
        reason: why there are no numbers.
    """

    key: RowKey
    over: Literal["orders", "prompts"]
    conditions: int
    clips: int
    of_mean: float = float("nan")
    of_single: float = float("nan")
    reliability: float = float("nan")
    reason: Reason | None = None


@dataclass(frozen=True)
class Difference:
    """A row of one run less one of the first run, read in the same way, on the clips that both have.

    Args:
        key, reference: the two rows.
        between: in what they differ: the ``models``, the ``prompts``, or nothing but the ``runs``.
        clips: how many clips both have.
        intervals: by metric, the mean difference with its interval, or the reason why there is none.
        p_holm: by metric, `Interval.p` corrected for all differences of the corpus.
    """

    key: RowKey
    reference: RowKey
    between: Literal["runs", "models", "prompts"]
    clips: int
    intervals: Mapping[str, Interval]
    p_holm: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lead:
    """How far the best readout of the clips of a corpus is ahead in a metric.

    Args:
        key, next: the best row and the best of those that score otherwise.
        interval: of the first less the second, on the clips of both; not corrected for there being many.
    """

    corpus: str
    metric: str
    key: RowKey
    next: RowKey
    interval: Interval


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table: a readout of one prompt of one model on one corpus, or a control.

    Args:
        key: which row it is; equal for no two rows of a table.
        level: ``text``, ``token``, or ``control`` for what asks no model.
        utterances: readings in the denominator; those of clips without a usable truth are not among them.
        statuses: how many readings have which status; sums to `utterances`.
        failed: readings without a distribution.
        mass: median probability on the labels before renormalising (token level only).
        forms_shift: mean of how much of a distribution hangs on the list of forms, see `Reading`.
        scores: by metric, failed readings counted as the table says.
        by_failed: the same under each choice of what a failed reading counts as.
        skill: by metric, how far from the vote prior (0) to perfection (1), on the same readings.
        intervals: by metric, its interval over clusters; of metrics over the corpus by linearising (see
            `Metric.linearised`).
        skill_intervals: the same for the skill, of metrics that are means over readings.
        tertiles: a metric by ambiguity, see `ScoreTable.tertile_metric`; empty for a control.
        reason: why the whole row has no score.
        reasons: by metric, why it has no score.
        skill_reasons: by metric, why it has no skill although it has a score.
    """

    key: Key
    level: Literal["text", "token", "control"]
    utterances: int
    statuses: Mapping[Status, int]
    failed: int
    mass: float | None = None
    forms_shift: float | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)
    by_failed: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    skill: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    skill_intervals: Mapping[str, Interval] = field(default_factory=dict)
    tertiles: tuple[TertileScore, ...] = ()
    reason: Reason | None = None
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    skill_reasons: Mapping[str, Reason] = field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        """The score in a metric; None where there is none, see `why_none`."""
        score = self.scores.get(metric)
        return None if score is None or np.isnan(score.value) else score.value

    def why_none(self, metric: str) -> Reason | None:
        """Why there is no score in a metric."""
        return self.reason or self.reasons.get(metric)

    @property
    def of_clips(self) -> bool:
        """Whether it is a readout of what was answered to the clips themselves."""
        return isinstance(self.key, RowKey) and self.key.control == "clip"


@dataclass(frozen=True)
class ScoreTable:
    """Scores of a run, or of several, under one convention, with all that a reader must know beside them.

    Args:
        convention, source: its name, and where it is published.
        metrics: all that were scored.
        asked_for: those that were asked for by name; tables show these, if any, in place of all.
        outside, failed_as, cluster: as in `ScoringOptions`.
        notes: what was left out, how it was read.
        cautions: what makes a score mean something else than it seems to.
        fitted: what calibrated rows were fitted to.
        leads: of the best row in each metric.
        differences: between the rows of several runs, see `ambivox.scoring.several_runs.side_by_side`.
    """

    convention: str
    source: str
    metrics: tuple[str, ...]
    outside: Outside
    failed_as: FailedAs
    rows: tuple[ScoreRow, ...]
    notes: tuple[Note, ...] = ()
    cluster: Cluster = "speaker"
    sensitivities: tuple[SensitivityScore, ...] = ()
    cautions: tuple[Note, ...] = ()
    fitted: tuple[Fitted, ...] = ()
    asked_for: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    leads: tuple[Lead, ...] = ()

    def metric(self, name: str) -> Metric:
        """A metric of the table with its unit and direction."""
        own = {metric.name: metric for metric in CONVENTIONS[self.convention].metrics}
        return own.get(name) or METRICS[name]

    @property
    def headline(self) -> str:
        """The metric that sentences and pictures speak of: the first that was asked for, else ``jsd_bits``
        or the convention's first."""
        return headline(self.metrics, self.asked_for)

    @property
    def tertile_metric(self) -> str | None:
        """The metric of the thirds by ambiguity: the headline, or the nearest with a value per reading."""
        found = tertile_metric([self.metric(name) for name in self.metrics], self.asked_for)
        return None if found is None else found.name

    @property
    def corpora(self) -> tuple[str, ...]:
        """Those that have rows, in order."""
        return tuple(dict.fromkeys(row.key.corpus for row in self.rows))

    def control(self, corpus: str, name: ControlName) -> ScoreRow | None:
        """The row of a control that asks no model."""
        key = ControlKey(corpus, name)
        return next((row for row in self.rows if row.key == key), None)

    def leader(self, corpus: str, metric: str) -> RowKey | None:
        """The best row in a metric, if it is ahead of the next one beyond chance."""
        own = (lead for lead in self.leads if (lead.corpus, lead.metric) == (corpus, metric))
        return next((lead.key for lead in own if lead.interval.excludes_zero), None)

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of the runs, where several stand in the table."""
        return tuple(dict.fromkeys(row.key.run for row in self.rows if row.key.run))

    def ranked(self, corpus: str, *, level: str | None = None) -> list[ScoreRow]:
        """The readouts of the clips of a corpus that have a headline score, the best first."""
        sign = 1 if self.metric(self.headline).lower_is_better else -1
        found = [
            (sign * value, place, row)
            for place, row in enumerate(self.rows)
            if row.of_clips and row.key.corpus == corpus and level in (None, row.level)
            if (value := row.value(self.headline)) is not None
        ]
        return [row for _, _, row in sorted(found, key=lambda entry: entry[:2])]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        return plain(self)

    def to_arrow(self) -> pa.Table:
        """One row per row of the table and metric, in the columns of `ambivox.scoring.arrow.SCORE_SCHEMA`."""
        return score_arrow(self)

    def differences_to_arrow(self) -> pa.Table:
        """One row per difference between runs and metric, in the columns of
        `ambivox.scoring.arrow.DIFFERENCE_SCHEMA`.
        """
        return difference_arrow(self)

    def to_pandas(self) -> Any:
        """The same as a pandas data frame; `UsageError` where pandas is not installed."""
        return to_pandas(self.to_arrow())


def headline(metrics: Sequence[str], asked_for: Sequence[str] = ()) -> str:
    """See `ScoreTable.headline`."""
    if asked_for:
        return asked_for[0]
    return HEADLINE if HEADLINE in metrics else metrics[0]


def tertile_metric(metrics: Sequence[Metric], asked_for: Sequence[str] = ()) -> Metric | None:
    """See `ScoreTable.tertile_metric`."""
    means = {metric.name: metric for metric in metrics if metric.per_utterance}
    asked = [name for name in asked_for if name in means]
    return means[headline(list(means), asked)] if means else None


def plain(value: Any) -> dict[str, Any]:
    """A dataclass as plain data for JSON; a number that is not finite becomes None."""
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):  # most of a row, so they go first
        return float(value) if np.isfinite(value) else None
    if is_dataclass(value):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    return value
