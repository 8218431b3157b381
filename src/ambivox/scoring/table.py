"""The score table: rows of readouts and controls, with intervals and the reasons for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from ambivox.choices import FailedAs, Outside
from ambivox.metrics import Score
from ambivox.statistics import Interval

VOTE_PRIOR = "vote prior"
NOISE_CEILING = "noise ceiling"


@dataclass(frozen=True)
class TertileScore:
    """The headline metric on the least, middle or most ambiguous third of the clips.

    Args:
        tertile: ``least``, ``middle`` or ``most``.
        clips: how many clips are in it.
        score: the mean of the metric; ``nan`` where `reason` says why there is none.
        skill: against the vote prior *of this third*, so that being as flat as its votes earns nothing.
        reason: why there is not a number, in words.
    """

    tertile: str
    clips: int
    score: float
    skill: Interval
    reason: str = ""


@dataclass(frozen=True)
class SensitivityScore:
    """How far the predictions of a readout move with the order of the options, or with the prompt.

    All are roots of variances, in probability: ``whole**2 = of_mean**2 + of_single**2``.

    Args:
        over: ``orders`` or ``prompts``.
        conditions, clips: how many were compared; clips with a reading under every condition only.
        of_mean: of the mean prediction of all clips.
        of_single: of single predictions beyond that.
        reliability: share of the variance that lies between clips, see `ambivox.statistics.Sensitivity`.
        reason: why there are no numbers, in words.
    """

    corpus: str
    model: str
    prompt: str
    readout: str
    over: Literal["orders", "prompts"]
    conditions: int
    clips: int
    of_mean: float = float("nan")
    of_single: float = float("nan")
    reliability: float = float("nan")
    reason: str = ""


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table: a readout of one prompt of one model on one corpus, or a control.

    Args:
        heard: what the model heard: ``none`` means the clips themselves, else the control's name.
        level: ``text``, ``token``, or ``control`` for what needs no model.
        utterances: readings in the denominator; those of clips without a usable truth are not among them.
        statuses: how many readings have which status; sums to `utterances`.
        failed: readings without a distribution.
        mass: median probability on the labels before renormalising (token level only).
        scores: by metric of the convention, failed readings counted as the table says.
        by_failed: the same under each choice of what a failed reading counts as.
        skill: by metric, how far from the vote prior (0) to perfection (1), on the same readings.
        intervals: by metric, its interval, clustered by speaker; of metrics over the corpus by linearising
            (see `Metric.linearised`).
        skill_intervals: the same for the skill, of metrics that are means over readings.
        tertiles: the headline metric by ambiguity; empty for a control that needs no model.
        reasons: by metric, why it has no number; under ``""``, why the whole row has none.
    """

    corpus: str
    model: str
    control: str
    prompt: str
    readout: str
    level: Literal["text", "token", "control"]
    utterances: int
    statuses: Mapping[str, int]
    failed: int
    mass: float | None
    scores: Mapping[str, Score]
    by_failed: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    skill: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    skill_intervals: Mapping[str, Interval] = field(default_factory=dict)
    tertiles: tuple[TertileScore, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def calibrated(self) -> bool:
        """Whether this is a readout with a calibration after it: ``first + batch``."""
        return " + " in self.readout


@dataclass(frozen=True)
class ScoreTable:
    """Scores of a run under one convention, with all that a reader must know beside them."""

    convention: str
    source: str
    metrics: tuple[str, ...]
    outside: Outside
    failed_as: FailedAs
    rows: tuple[ScoreRow, ...]
    notes: tuple[str, ...]
    cluster: str = "speaker"
    sensitivities: tuple[SensitivityScore, ...] = ()
    cautions: tuple[str, ...] = ()
    """Rows whose score does not mean what it seems to, see `ambivox.scoring.cautions`."""

    @property
    def headline(self) -> str:
        """The metric that skill by ambiguity is told in: ``jsd_bits``, or the convention's first."""
        return "jsd_bits" if "jsd_bits" in self.metrics else self.metrics[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        return plain(self)


def plain(value: Any) -> dict[str, Any]:
    """A dataclass as plain data for JSON; a number that is not finite becomes None."""
    data = _plain(asdict(value))
    assert isinstance(data, dict)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
