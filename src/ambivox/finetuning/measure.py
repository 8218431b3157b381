"""What a trained model is worth: asked as any model is, on speakers that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ambivox.calibration import fit_temperature
from ambivox.emotions import EmotionSet
from ambivox.finetuning.config import Use
from ambivox.finetuning.splits import Rated
from ambivox.metrics import METRICS
from ambivox.models import SpeechModel
from ambivox.prompts import AnswerFormat, Prompt, option_order
from ambivox.raters.distribution import Array
from ambivox.readouts import Level, Readout, Status, load_readouts
from ambivox.readouts.registry import needs_of
from ambivox.record import Record
from ambivox.run.ask import ask
from ambivox.run.plan import Planned, unanswered
from ambivox.scoring import RowKey, ScoreRow, ScoringOptions
from ambivox.scoring.predictions import Predictions, rated_clips, score_predictions
from ambivox.statistics import MIN_CLUSTERS, Interval

SHOWN = ("jsd_bits", "bhattacharyya", "brier_mean", "accuracy")
"""The metrics of the table: means over utterances, each with its interval."""

READ: dict[AnswerFormat, tuple[str, ...]] = {
    "word": ("label", "first"),
    "letter": ("label", "first"),
    "dictionary": ("dictionary", "expected"),
    "percentages": ("dictionary", "expected"),
    "ranked": ("ranked",),
}
"""How answers in each format that can be taught are read: text level, then token level."""

BATCH = 32

_HELD_OUT = "held out"
_OPTIONS = ScoringOptions(metrics=SHOWN, failed_as="uniform")


@dataclass(frozen=True)
class Row:
    """One line of the table: a readout of one prompt, or a control that asked no model.

    Args:
        prompt: empty for a control.
        failed: readings without a distribution; they count as uniform.
        scores: by metric of `SHOWN` the mean over utterances and the ends of its 95% interval; ``nan`` where
            all readings failed.
        unit: what the interval resamples: speakers, or clips where speakers are too few (too narrow then).
    """

    prompt: str
    level: Literal["control", "text", "token"]
    readout: str
    utterances: int
    failed: int
    scores: dict[str, tuple[float, float, float]]
    unit: str


@dataclass(frozen=True)
class Answers:
    """Predictions of one readout of one prompt, shape ``(U, N)``; rows of failed readings are ``nan``.

    Args:
        statuses: of the readings, U of them.
    """

    prompt: str
    level: Level
    readout: str
    p: Array
    statuses: tuple[Status, ...]


def collect(
    speech: SpeechModel, rated: Sequence[Rated], prompts: Sequence[Prompt], emotions: EmotionSet
) -> list[Answers]:
    """Ask about every clip under every prompt, the options in an order of the clip's own.

    Text level is what was written; token level is ``first`` where the answer begins with a label, and
    ``expected`` where it gives numbers.
    """
    found = []
    for prompt in prompts:
        readouts = load_readouts(READ[prompt.format])
        records: list[Record] = []
        for start in range(0, len(rated), BATCH):
            chunk = range(start, min(start + BATCH, len(rated)))
            records += ask(
                speech, [_planned(speech, rated[k], prompt, emotions, readouts, seed=k) for k in chunk]
            )
        for readout in readouts:
            readings = [readout(record) for record in records]
            nothing = np.full(len(emotions), np.nan)
            p = np.array([nothing if r.distribution is None else r.distribution for r in readings])
            statuses = tuple(reading.status for reading in readings)
            found.append(Answers(prompt.name, readout.level, readout.name, p, statuses))
    return found


def _planned(
    speech: SpeechModel,
    one: Rated,
    prompt: Prompt,
    emotions: EmotionSet,
    readouts: Sequence[Readout],
    *,
    seed: int,
) -> Planned:
    rendered = prompt.render(emotions, order=option_order(len(emotions), seed))
    needs = needs_of(readouts, prompt.format)
    label_tokens = speech.label_tokens(rendered.answers, numbers="numbers" in needs)
    record = unanswered(one.utterance, rendered, emotions, speech, label_tokens, corpus=one.corpus, seed=seed)
    return Planned(record, needs)


def table(
    answers: Sequence[Answers], rated: Sequence[Rated], prior: Array, emotions: EmotionSet
) -> list[Row]:
    """Score answers beside controls, as `ambivox.scoring` scores the answers of a run.

    Args:
        answers: of `rated`.
        rated: the clips, U of them.
        prior: shape ``(N,)``, the mean truth of the training clips, which have none of these speakers.
        emotions: what the N columns stand for.
    """
    speakers = [one.speaker for one in rated]
    clips, _ = rated_clips(
        [f"{one.corpus}/{one.utterance.id}" for one in rated],
        speakers,
        [one.counts for one in rated],
        _truths(rated),
        corpus=_HELD_OUT,
        cluster="clip" if len(set(speakers)) < MIN_CLUSTERS else "speaker",
        prior=prior,
    )
    predictions = [
        Predictions(RowKey(_HELD_OUT, "", prompt=a.prompt, readout=a.readout), a.level, a.p, a.statuses)
        for a in answers
    ]
    rows = score_predictions(predictions, clips, emotions, _OPTIONS, corpus=_HELD_OUT)
    return [_row(row, clips.unit) for row in rows]


def _row(row: ScoreRow, unit: str) -> Row:
    nothing = Interval(np.nan, np.nan, np.nan, 0)
    scores = {}
    for name in SHOWN:
        found = row.intervals.get(name, nothing)
        scores[name] = (row.scores[name].value if name in row.scores else np.nan, found.low, found.high)
    prompt, readout = (
        (row.key.prompt, row.key.readout) if isinstance(row.key, RowKey) else ("", row.key.control)
    )
    return Row(prompt, row.level, readout, row.utterances, row.failed, scores, unit)


@dataclass(frozen=True)
class Calibration:
    """Temperature scaling of one prompt's token level, fitted on development clips.

    Args:
        vote_ece: by split, before and after; see `ambivox.metrics.ece` with ``target="votes"``.
    """

    prompt: str
    temperature: float
    vote_ece: Mapping[Use, tuple[float, float]]


def calibrate(
    answers: Mapping[Use, Sequence[Answers]], rated: Mapping[Use, Sequence[Rated]]
) -> list[Calibration]:
    """Fit a temperature to the token level of each prompt on ``development``; score all splits with it."""
    found = []
    for n, one in enumerate(answers["development"]):
        if one.level != "token" or np.isnan(one.p).any():
            continue
        scaling = fit_temperature(one.p, _truths(rated["development"]))
        scores = {}
        for use, given in answers.items():
            p, q = given[n].p, _truths(rated[use])
            if not np.isnan(p).any():
                before, after = (float(METRICS["vote_ece"].function(x, q)) for x in (p, scaling(p)))
                scores[use] = (before, after)
        found.append(Calibration(one.prompt, scaling.temperature, scores))
    return found


def _truths(rated: Sequence[Rated]) -> Array:
    return np.array([one.q for one in rated])


def as_plain(value: Any) -> Any:
    """Plain data for JSON; a number that is not finite becomes None."""
    if isinstance(value, dict):
        return {key: as_plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
