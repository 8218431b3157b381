"""All rows of one corpus: controls, readouts, noise ceiling, with scores, skills and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ambivox.choices import FailedAs
from ambivox.errors import UsageError
from ambivox.metrics import (
    METRICS,
    Metric,
    Score,
    count_failed,
    one_hot_plurality,
    skill,
    uniform,
    vote_prior,
)
from ambivox.raters.distribution import Array
from ambivox.readouts import Status
from ambivox.reasons import Reason
from ambivox.scoring.keys import ControlKey, ControlName
from ambivox.scoring.noise_ceiling import redrawn
from ambivox.scoring.notes import Note
from ambivox.scoring.options import ScoringOptions
from ambivox.scoring.pending import PendingRow, Ratios
from ambivox.scoring.readings import Clips, CorpusReadings, Readings
from ambivox.scoring.table import HEADLINE, ScoreRow, TertileScore, tertile_metric
from ambivox.statistics import (
    TERTILES,
    Interval,
    Tertiles,
    ambiguity_tertiles,
    fit_vote_model,
    prior_scatter,
    sharpened_prior,
)

_EQUAL = Reason("equally-ambiguous", "all predictions, or all votes, are equally ambiguous")
_NEVER_VARIES = Reason("constant-share", "an emotion's share of the votes never varies")
_NO_VALUE = {
    "entropy_spearman": _EQUAL,
    "r2_per_emotion": _NEVER_VARIES,
    "scaling_r2": _NEVER_VARIES,
}
_VOTES_NOT_BEST = Reason("votes-not-best", "the votes themselves do not score best in it")
_NO_PRIOR = Reason("no-prior", "the vote prior has no score here", "score more clips")
_ONE_SPEAKER = Reason(
    "one-speaker", "one speaker in this third: there is no prior of others", "use a corpus with more speakers"
)
_PERFECT_PRIOR = Reason("control-is-perfect", "the vote prior is perfect already")
_SURE = 1e-3
"""Where the ceiling of a metric is drawn less exactly than this, a note says how exactly."""


class CorpusScorer:
    """Scores the readings of one corpus; `notes` say what was found on the way."""

    def __init__(self, corpus: CorpusReadings, options: ScoringOptions) -> None:
        self.corpus, self.clips, self.options = corpus, corpus.clips, options
        self.failed_as = options.counts_failed_as
        self.neutral = corpus.emotions.index("neutral")
        if self.failed_as == "neutral" and self.neutral is None:
            raise UsageError(
                f"convention {options.convention!r}: failed readings count as neutral, which the emotion set "
                f"{corpus.emotions.name!r} has not; choose another with --failed-as"
            )
        self.metrics = {metric.name: metric for metric in options.all_metrics}
        self.prior = {
            name: self._values(metric, self.clips.prior)
            for name, metric in self.metrics.items()
            if metric.per_utterance
        }
        # What skills are measured from; the scatter is for the intervals, it leaves the means as they are.
        self.scattered_prior = {
            name: values + prior_scatter(self.clips.prior, self.clips.q, self.metrics[name].function)
            if self.clips.prior_is_own
            else values
            for name, values in self.prior.items()
        }
        self.vote_prior = ControlKey(corpus.corpus, "vote-prior")
        self.tertiles = ambiguity_tertiles(self.clips.votes)
        self.tertile_metric = tertile_metric(list(self.metrics.values()), options.metrics)
        self.tertile_prior = np.full(len(self.clips.q), np.nan)
        if self.tertile_metric:
            self.tertile_prior = _tertile_prior(self.clips, self.tertiles, self.tertile_metric)
        self.ratios = Ratios(self.clips)
        self.notes: list[Note] = []

    def rows(self) -> list[ScoreRow]:
        """Controls first, then the readings in their order."""
        pending = [*self._controls(), *(self._readings(readings) for readings in self.corpus.readings)]
        intervals = self.ratios.intervals(self.options.n_draws, self.options.seed)
        self._note_tertiles()
        return [row_pending.finished(intervals, self.metrics) for row_pending in pending]

    def _note(self, code: str, text: str) -> None:
        self.notes.append(Note(code, text, self.corpus.corpus))

    def _note_tertiles(self) -> None:
        if self.tertiles.reason:
            self._note(self.tertiles.reason.code, f"no thirds by ambiguity: {self.tertiles.reason.text}")
            return
        sizes = np.bincount(self.tertiles.codes[self.tertiles.codes >= 0], minlength=3)
        left = f", {self.tertiles.unplaced} with fewer left out" if self.tertiles.unplaced else ""
        self._note(
            "tertiles",
            f"thirds by ambiguity: {' / '.join(map(str, sizes))} clips, by the vote entropy of "
            f"{self.tertiles.n_raters} of each clip's raters{left}",
        )

    def _values(self, metric: Metric, p: Array, of: NDArray[np.intp] | None = None) -> Array:
        """A metric of each reading; ``nan`` where there is not a prediction."""
        q = self.clips.q if of is None else self.clips.q[of]
        there = ~np.isnan(p[:, 0])
        values = np.full(len(p), np.nan)
        if there.any():
            values[there] = metric.function(p[there], q[there])
        return values

    def _controls(self) -> list[PendingRow]:
        everywhere = np.arange(len(self.clips.q))
        predictions: dict[ControlName, Array] = {
            "uniform": uniform(*self.clips.q.shape),
            "vote-prior": self.clips.prior,
            "sharpened-prior": self._sharpened_prior(),
            "one-hot-plurality": one_hot_plurality(self.clips.q),
        }
        pending = []
        for name, p in predictions.items():
            undefined = np.isnan(p).any(axis=-1)
            row = self._control_row(name, int(undefined.sum()))
            if undefined.all():
                reason = Reason("no-prior", "there is no other utterance to average", "score more clips")
                pending.append(PendingRow(replace(row, reason=reason)))
            else:
                pending.append(self._scored(row, p[~undefined], everywhere[~undefined]))
        return [*pending, self._noise_ceiling()]

    def _sharpened_prior(self) -> Array:
        """The vote prior of others, sharpened for the metric of the thirds: it hears nothing either."""
        metric = self.tertile_metric or METRICS[HEADLINE]
        clips = self.clips
        groups = [
            speaker or f"clip {name}" for speaker, name in zip(clips.speakers, clips.names, strict=True)
        ]
        found = sharpened_prior(clips.q, groups, metric.function, lower_is_better=metric.lower_is_better)
        return found.held_out

    def _control_row(self, name: ControlName, undefined: int) -> ScoreRow:
        n_clips = len(self.clips.q)
        counted: dict[Status, int] = {"ok": n_clips - undefined, "undefined": undefined}
        statuses = {status: n for status, n in counted.items() if n}
        return ScoreRow(ControlKey(self.corpus.corpus, name), "control", n_clips, statuses, undefined)

    def _readings(self, found: Readings) -> PendingRow:
        failed, masses = found.failed, found.mass[~np.isnan(found.mass)]
        shifts = found.forms_shift[~np.isnan(found.forms_shift)]
        row = ScoreRow(
            found.key,
            found.level,
            len(failed),
            found.counted_statuses,
            int(failed.sum()),
            mass=float(np.median(masses)) if len(masses) else None,
            forms_shift=float(shifts.mean()) if len(shifts) else None,
        )
        if failed.all():
            # Whatever failures count as, the score would be that of a control.
            reason = _why_all_failed(found)
            return PendingRow(replace(row, by_failed=self._by_failed(found, {}), reason=reason))
        q, failed_as = self.clips.q[found.clips], self.failed_as
        p, _ = count_failed(found.p, q, failed, failed_as=failed_as, neutral=self.neutral)
        row_pending = self._scored(row, p, found.clips[~failed] if failed_as == "excluded" else found.clips)
        row_pending.row = replace(row_pending.row, by_failed=self._by_failed(found, row_pending.row.scores))
        return row_pending

    def _by_failed(self, found: Readings, own: Mapping[str, Score]) -> dict[str, Mapping[str, Score]]:
        """Scores under each choice of what a failed reading counts as, `own` under the chosen one."""
        failed, scores = found.failed, dict[str, Mapping[str, Score]]()
        for choice in get_args(FailedAs):
            if (choice == "neutral" and self.neutral is None) or (choice == "excluded" and failed.all()):
                continue
            if own and (choice == self.failed_as or not failed.any()):
                scores[choice] = own
                continue
            p, q = count_failed(
                found.p, self.clips.q[found.clips], failed, failed_as=choice, neutral=self.neutral
            )
            scores[choice] = {name: metric.score(p, q) for name, metric in self.metrics.items()}
        return scores

    def _scored(self, row: ScoreRow, p: Array, of: NDArray[np.intp]) -> PendingRow:
        """Scores, skill, and what the intervals will need, of predictions on the clips `of`."""
        row_pending = PendingRow(row)
        scores: dict[str, Score] = {}
        priors: dict[str, float] = {}
        rated = ~np.isnan(self.clips.prior[of]).any(axis=-1)
        for name, metric in self.metrics.items():
            if metric.per_utterance:
                values = np.asarray(metric.function(p, self.clips.q[of]))
                scores[name] = Score.of_values(values)
                prior = self.prior[name][of]
                scattered = self.scattered_prior[name][of]
                own = scattered if row.key == self.vote_prior else values
                row_pending.score[name] = self.ratios.add(own, np.ones(len(own)), of)
                if rated.any():
                    priors[name] = Score.of_values(prior[rated]).value
                    if row.key != self.vote_prior and metric.votes_are_perfect:
                        row_pending.skill[name] = self._add_skill(values, scattered, of, metric)
                if metric is self.tertile_metric and row.level != "control":
                    row = replace(row, tertiles=self._tertiles(row_pending, values, of))
            else:
                scores[name] = metric.score(p, self.clips.q[of])
                self._over_corpus(row_pending, metric, scores[name].value, p, of)
                if rated.any():
                    prior_score = metric.score(self.clips.prior[of][rated], self.clips.q[of][rated])
                    priors[name] = prior_score.value
        row_pending.row = self._with_skill(replace(row, scores=scores), priors)
        return row_pending

    def _with_skill(self, row: ScoreRow, priors: Mapping[str, float]) -> ScoreRow:
        """The row with its skill against the prior's scores, and a reason wherever a number is missing."""
        skills, reasons, skill_reasons = {}, {}, {}
        for name, score in row.scores.items():
            metric = self.metrics[name]
            if name in priors and metric.votes_are_perfect:
                skills[name] = float(skill(score.value, priors[name], lower_is_better=metric.lower_is_better))
            if np.isnan(score.value):
                reasons[name] = _why_no_value(metric, score)
            elif np.isnan(skills.get(name, np.nan)):
                perfect = np.isfinite(priors.get(name, np.nan))
                reason = _PERFECT_PRIOR if perfect else _NO_PRIOR
                skill_reasons[name] = reason if metric.votes_are_perfect else _VOTES_NOT_BEST
        return replace(row, skill=skills, reasons=reasons, skill_reasons=skill_reasons)

    def _over_corpus(
        self, row_pending: PendingRow, metric: Metric, value: float, p: Array, of: NDArray[np.intp]
    ) -> None:
        """Plan the interval of a metric over the corpus, or say why there is none."""
        if np.isnan(value):
            return
        reason = None
        if row_pending.row.key == self.vote_prior and self.clips.prior_is_own:
            reason = Reason("estimated-prior", "the prior is estimated from the votes that it is scored on")
        elif metric.linearised is None:
            reason = Reason("not-linearised", f"{metric.name} does not say how it moves with single clips")
        if reason:
            row_pending.without[metric.name] = Interval(value, np.nan, np.nan, self.clips.n_clusters, reason)
        else:
            assert metric.linearised is not None
            values = np.asarray(metric.linearised(p, self.clips.q[of]))
            row_pending.score[metric.name] = self.ratios.add(values, np.ones(len(values)), of)

    def _add_skill(self, values: Array, prior: Array, of: NDArray[np.intp], metric: Metric) -> int:
        if metric.lower_is_better:
            return self.ratios.add(prior - values, prior, of)
        return self.ratios.add(values - prior, 1 - prior, of)

    def _tertiles(
        self, row_pending: PendingRow, values: Array, of: NDArray[np.intp]
    ) -> tuple[TertileScore, ...]:
        assert self.tertile_metric is not None
        nothing = Interval(np.nan, np.nan, np.nan, 0)
        if self.tertiles.reason:
            return tuple(TertileScore(name, 0, np.nan, nothing, self.tertiles.reason) for name in TERTILES)
        found = []
        for third, name in enumerate(TERTILES):
            inside = self.tertiles.codes[of] == third
            clips = len(np.unique(of[inside]))
            if clips < 2:
                text = f"{clips} clip(s) in this third: at least 2 are needed"
                reason = Reason("too-few-clips", text, "use more clips")
                found.append(TertileScore(name, clips, np.nan, nothing, reason))
                continue
            prior, mean = self.tertile_prior[of[inside]], float(np.nanmean(values[inside]))
            if np.isnan(prior).all():
                found.append(TertileScore(name, clips, mean, replace(nothing, reason=_ONE_SPEAKER)))
                continue
            row_pending.tertile[name] = self._add_skill(
                values[inside], prior, of[inside], self.tertile_metric
            )
            found.append(TertileScore(name, clips, mean, nothing))
        return tuple(found)

    def _noise_ceiling(self) -> PendingRow:
        """The score of the true shares against new votes, under a model of how votes scatter."""
        clips = self.clips
        if not clips.votes.any(axis=1).all():
            reason = Reason("shares-only", "it is not known how many raters voted on each clip")
            if self.options.truth != "votes":
                reason = Reason("one-label", "one label per clip, so there are no votes to draw again")
            return PendingRow(replace(self._control_row("noise-ceiling", len(clips.q)), reason=reason))
        model = fit_vote_model(clips.votes)
        if model.note:
            self._note("noise-ceiling", f"noise ceiling: {model.note}")
        if model.alpha is None:
            row = self._control_row("noise-ceiling", len(clips.q))
            return PendingRow(replace(row, reason=model.reason))
        votes = np.ascontiguousarray(clips.votes, dtype=np.int64)
        drawn = redrawn(
            votes.tobytes(),
            len(votes),
            tuple(model.alpha.tolist()),
            tuple(self.metrics.values()),
            self.options.seed,
        )
        unsure = [f"{name} ±{error:.3f}" for name, (_, error) in drawn.items() if error > _SURE]
        if unsure:
            self._note("noise-ceiling-drawn", f"noise ceiling: drawn to {', '.join(unsure)}")
        scores = {name: Score(mean, len(clips.q)) for name, (mean, _) in drawn.items()}
        rated = ~np.isnan(clips.prior).any(axis=-1)
        priors = {}
        if rated.any():
            prior, q = clips.prior[rated], clips.q[rated]
            priors = {name: metric.score(prior, q).value for name, metric in self.metrics.items()}
        row = replace(self._control_row("noise-ceiling", 0), scores=scores)
        return PendingRow(self._with_skill(row, priors))


def _why_all_failed(found: Readings) -> Reason:
    """Why a row without any distribution has no score: its most frequent status, and what made that so."""
    counted = found.counted_statuses
    status = max(counted, key=lambda one: counted[one])
    why = str(status)
    if status in ("undefined", "collided"):  # the reasons of others quote what was said
        why = f"{status}: {found.reasons[found.statuses.index(status)].text}"
    text = f"all {len(found.p)} readings failed ({why}): a score would be that of a stand-in"
    return Reason("all-failed", text)


def _why_no_value(metric: Metric, score: Score) -> Reason:
    if not metric.per_utterance and score.utterances < 2:
        return Reason("too-few-readings", "needs at least two readings")
    return _NO_VALUE.get(metric.name, Reason("undefined", "the metric has no value for these readings"))


def _tertile_prior(clips: Clips, tertiles: Tertiles, metric: Metric) -> Array:
    """Shape ``(U,)``: what the leave-one-speaker-out prior of a clip's own third scores, with its scatter.

    ``nan`` in a third with one speaker.
    """
    values = np.full(len(clips.q), np.nan)
    for third in range(len(TERTILES)):
        inside = np.flatnonzero(tertiles.codes == third)
        if len(inside) >= 2:
            groups = [clips.speakers[u] or f"clip {clips.names[u]}" for u in inside]
            prior, q = vote_prior(clips.q[inside], groups), clips.q[inside]
            if prior.held_out == "group":
                values[inside] = metric.function(prior.p, q) + prior_scatter(prior.p, q, metric.function)
    return values
