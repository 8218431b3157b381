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
    Convention,
    Metric,
    Score,
    count_failed,
    one_hot_plurality,
    skill,
    uniform,
    vote_prior,
)
from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.scoring.pending import PendingRow, Ratios
from ambivox.scoring.readings import Clips, CorpusReadings, Readings
from ambivox.scoring.table import NOISE_CEILING, VOTE_PRIOR, ScoreRow, TertileScore
from ambivox.statistics import (
    TERTILES,
    Interval,
    Tertiles,
    ambiguity_tertiles,
    fit_vote_model,
    mean_over_redraws,
    prior_scatter,
)

_REASONS = {
    "entropy_spearman": "all predictions, or all votes, are equally ambiguous",
    "r2_per_emotion": "an emotion's share of the votes never varies",
    "scaling_r2": "an emotion's share of the votes never varies",
}
_NOISE_READINGS = 50_000
"""About so many pairs of true shares and new votes are drawn for the noise ceiling, for three decimals."""
_AT_ONCE = 2000
"""Pairs that are scored together."""
_LEAST_DRAWS, _MOST_DRAWS = 100, 400
"""Corpora that are drawn for a metric over a corpus."""
_SURE = 1e-3
"""Where the ceiling of a metric is drawn less exactly than this, a note says how exactly."""


class CorpusScorer:
    """Scores the readings of one corpus under a convention; `notes` say what was found on the way."""

    def __init__(
        self, corpus: CorpusReadings, convention: Convention, failed_as: FailedAs, seed: int
    ) -> None:
        self.corpus, self.clips, self.convention = corpus, corpus.clips, convention
        self.failed_as, self.seed = failed_as, seed
        self.neutral = corpus.emotions.index("neutral")
        if failed_as == "neutral" and self.neutral is None:
            raise UsageError(
                f"convention {convention.name!r}: failed readings count as neutral, which the emotion set "
                f"{corpus.emotions.name!r} has not; choose another with --failed"
            )
        self.metrics = {metric.name: metric for metric in convention.metrics}
        self.headline = self.metrics.get("jsd_bits", convention.metrics[0])
        self.prior = {
            name: self._values(metric, self.clips.prior)
            for name, metric in self.metrics.items()
            if metric.per_utterance
        }
        # What skills are measured from; the scatter is for the intervals, it leaves the means as they are.
        self.scattered_prior = {
            name: values + prior_scatter(self.clips.prior, self.clips.q, self.metrics[name].function)
            for name, values in self.prior.items()
        }
        self.tertiles = ambiguity_tertiles(self.clips.votes)
        self.tertile_prior = _tertile_prior(self.clips, self.tertiles, self.headline)
        self.ratios = Ratios(self.clips)
        self.notes: list[str] = []

    def rows(self, n_draws: int) -> list[ScoreRow]:
        """Controls first, then the readings in their order; `n_draws` corpora are drawn for the intervals."""
        pending = [*self._controls(), *(self._readings(readings) for readings in self.corpus.readings)]
        intervals = self.ratios.intervals(n_draws, self.seed)
        sizes = np.bincount(self.tertiles.codes[self.tertiles.codes >= 0], minlength=3)
        if self.tertiles.reason:
            self.notes.append(f"{self.corpus.corpus}: no thirds by ambiguity: {self.tertiles.reason.text}")
        else:
            left = f", {self.tertiles.unplaced} with fewer left out" if self.tertiles.unplaced else ""
            self.notes.append(
                f"{self.corpus.corpus}: thirds by ambiguity: {' / '.join(map(str, sizes))} clips, by the "
                f"vote entropy of {self.tertiles.n_raters} of each clip's raters{left}"
            )
        return [row_pending.finished(intervals, self.metrics) for row_pending in pending]

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
        predictions = {
            "uniform": uniform(*self.clips.q.shape),
            VOTE_PRIOR: self.clips.prior,
            "one-hot plurality": one_hot_plurality(self.clips.q),
        }
        pending = []
        for name, p in predictions.items():
            undefined = np.isnan(p).any(axis=-1)
            statuses = {"ok": int((~undefined).sum()), "undefined": int(undefined.sum())}
            row = self._row("", "clip", "", name, "control", len(p), statuses, int(undefined.sum()))
            if undefined.all():
                reasons = {"": f"{name}: there is no other clip to average"}
                pending.append(PendingRow(replace(row, reasons=reasons)))
                continue
            pending.append(self._scored(row, p[~undefined], everywhere[~undefined]))
        return [*pending, self._noise_ceiling()]

    def _row(
        self,
        model: str,
        control: str,
        prompt: str,
        readout: str,
        level: str,
        n_readings: int,
        statuses: Mapping[str, int],
        failed: int,
    ) -> ScoreRow:
        kept = {status: n for status, n in statuses.items() if n}
        where = (self.corpus.corpus, model, control, prompt, readout)
        return ScoreRow(*where, level, n_readings, kept, failed, mass=None, scores={})  # type: ignore[arg-type]

    def _readings(self, found: Readings) -> PendingRow:
        failed = found.failed
        where = (found.model, found.control, found.prompt, found.readout, found.level)
        row = self._row(*where, len(failed), found.statuses, int(failed.sum()))  # type: ignore[arg-type]
        masses = found.mass[~np.isnan(found.mass)]
        row = replace(row, mass=float(np.median(masses)) if len(masses) else None)
        if failed.all():
            row = replace(row, by_failed=self._by_failed(found, {}))
            # Whatever failures count as, the score would be that of a control.
            status = max(found.statuses, key=lambda s: found.statuses[s])
            why = f"{status}: {found.fault}" if found.fault else status
            reason = f"all {len(failed)} readings failed ({why}): a score would be that of a stand-in"
            return PendingRow(replace(row, reasons={"": reason}))
        q, failed_as = self.clips.q[found.clips], self.failed_as
        p, _ = count_failed(found.p, q, failed, failed_as=failed_as, neutral=self.neutral)
        row_pending = self._scored(row, p, found.clips[~failed] if failed_as == "excluded" else found.clips)
        row_pending.row = replace(row_pending.row, by_failed=self._by_failed(found, row_pending.row.scores))
        return row_pending

    def _by_failed(self, found: Readings, own: Mapping[str, Score]) -> dict[str, Mapping[str, Score]]:
        """Scores under each choice of what a failed reading counts as, `own` under the chosen one."""
        failed, scores = found.failed, {}
        for choice in get_args(FailedAs):
            if (choice == "neutral" and self.neutral is None) or (choice == "excluded" and failed.all()):
                continue
            if own and (choice == self.failed_as or not failed.any()):
                scores[choice] = own
            else:
                scores[choice] = self.convention.score(
                    found.p, self.clips.q[found.clips], failed=failed, failed_as=choice, neutral=self.neutral
                )
        return scores

    def _scored(self, row: ScoreRow, p: Array, of: NDArray[np.intp]) -> PendingRow:
        """Scores, skill, and what the intervals will need, of predictions on the clips `of`."""
        row_pending = PendingRow(row)
        scores: dict[str, Score] = {}
        skills: dict[str, float] = {}
        rated = ~np.isnan(self.clips.prior[of]).any(axis=-1)
        for name, metric in self.metrics.items():
            if metric.per_utterance:
                values = np.asarray(metric.function(p, self.clips.q[of]))
                scores[name] = Score.of_values(values)
                prior = self.prior[name][of]
                scattered = self.scattered_prior[name][of]
                own = scattered if row.readout == VOTE_PRIOR else values
                row_pending.score[name] = self.ratios.add(own, np.ones(len(own)), of)
                if rated.any() and metric.votes_are_perfect:
                    skills[name] = _skill(scores[name].value, Score.of_values(prior[rated]).value, metric)
                    if row.readout != VOTE_PRIOR:
                        row_pending.skill[name] = self._add_skill(values, scattered, of, metric)
                if name == self.headline.name and row.level != "control":
                    row = replace(row, tertiles=self._tertiles(row_pending, values, of))
            else:
                scores[name] = metric.score(p, self.clips.q[of])
                self._over_corpus(row_pending, metric, scores[name].value, p, of)
                if rated.any() and metric.votes_are_perfect:
                    prior_score = metric.score(self.clips.prior[of][rated], self.clips.q[of][rated])
                    skills[name] = _skill(scores[name].value, prior_score.value, metric)
        reasons = {
            name: _REASONS.get(name, "the metric has no value for these readings")
            for name, value in scores.items()
            if np.isnan(value.value)
        }
        row_pending.row = replace(row, scores=scores, skill=skills, reasons=reasons)
        return row_pending

    def _over_corpus(
        self, row_pending: PendingRow, metric: Metric, value: float, p: Array, of: NDArray[np.intp]
    ) -> None:
        """Plan the interval of a metric over the corpus, or say why there is none."""
        if np.isnan(value):
            return
        reason = None
        if row_pending.row.readout == VOTE_PRIOR:
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
        nothing = Interval(np.nan, np.nan, np.nan, 0)
        if self.tertiles.reason:
            text = self.tertiles.reason.text
            return tuple(TertileScore(name, 0, np.nan, nothing, text) for name in TERTILES)
        found = []
        for third, name in enumerate(TERTILES):
            inside = self.tertiles.codes[of] == third
            clips = len(np.unique(of[inside]))
            if clips < 2:
                reason = f"{clips} clip(s) in this third: at least 2 are needed"
                found.append(TertileScore(name, clips, np.nan, nothing, reason))
                continue
            prior = self.tertile_prior[of[inside]]
            row_pending.tertile[name] = self._add_skill(values[inside], prior, of[inside], self.headline)
            found.append(TertileScore(name, clips, float(np.nanmean(values[inside])), nothing))
        return tuple(found)

    def _noise_ceiling(self) -> PendingRow:
        """The score of the true shares against new votes, under a model of how votes scatter."""
        clips = self.clips
        row = self._row("", "clip", "", NOISE_CEILING, "control", len(clips.q), {"ok": len(clips.q)}, 0)
        model = fit_vote_model(clips.votes)
        if model.note:
            self.notes.append(f"{self.corpus.corpus}: {NOISE_CEILING}: {model.note}")
        if model.alpha is None:
            reasons = {"": f"{NOISE_CEILING}: {model.reason.text if model.reason else ''}"}
            return PendingRow(
                replace(row, reasons=reasons, failed=len(clips.q), statuses={"undefined": len(clips.q)})
            )
        drawn = self._redrawn(model.alpha)
        unsure = [f"{name} ±{error:.3f}" for name, (_, error) in drawn.items() if error > _SURE]
        if unsure:
            self.notes.append(f"{self.corpus.corpus}: {NOISE_CEILING}: drawn to {', '.join(unsure)}")
        scores, skills, reasons = {}, {}, {}
        prior = self._prior_scores()
        for name, metric in self.metrics.items():
            scores[name] = Score(drawn[name][0], len(clips.q))
            if np.isnan(scores[name].value):
                reasons[name] = _REASONS.get(name, "the metric has no value for these votes")
            elif name in prior and metric.votes_are_perfect:
                skills[name] = _skill(scores[name].value, prior[name].value, metric)
        return PendingRow(replace(row, scores=scores, skill=skills, reasons=reasons))

    def _redrawn(self, alpha: Array) -> dict[str, tuple[float, float]]:
        """By metric, its mean over redrawn votes and the standard error of that."""
        votes, n_clips = self.clips.votes, len(self.clips.votes)
        # A mean over clips is that over many copies of the corpus, which are scored together.
        copies = np.tile(votes, (max(1, _AT_ONCE // n_clips), 1))
        draws = {
            True: (copies, -(-_NOISE_READINGS // len(copies))),
            False: (votes, int(np.clip(_NOISE_READINGS // n_clips, _LEAST_DRAWS, _MOST_DRAWS))),
        }
        found: dict[str, tuple[float, float]] = {}
        for per_utterance, (drawn, n_draws) in draws.items():
            own = [metric for metric in self.metrics.values() if metric.per_utterance is per_utterance]
            mean, error = mean_over_redraws(
                drawn,
                alpha,
                lambda shares, new, own=own: [metric.score(shares, new).value for metric in own],  # type: ignore[misc]
                n_draws=n_draws,
                seed=self.seed,
            )
            names = [metric.name for metric in own]
            found |= dict(zip(names, zip(mean.tolist(), error.tolist(), strict=True), strict=True))
        return found

    def _prior_scores(self) -> dict[str, Score]:
        rated = ~np.isnan(self.clips.prior).any(axis=-1)
        return self.convention.score(self.clips.prior[rated], self.clips.q[rated]) if rated.any() else {}


def _skill(value: float, control: float, metric: Metric) -> float:
    return float(skill(value, control, lower_is_better=metric.lower_is_better))


def _tertile_prior(clips: Clips, tertiles: Tertiles, metric: Metric) -> Array:
    """Shape ``(U,)``: what the leave-one-speaker-out prior of a clip's own third scores, with its scatter."""
    values = np.full(len(clips.q), np.nan)
    for third in range(len(TERTILES)):
        inside = np.flatnonzero(tertiles.codes == third)
        if len(inside) >= 2:
            groups = [clips.speakers[u] or f"clip {clips.names[u]}" for u in inside]
            prior, q = vote_prior(clips.q[inside], groups).p, clips.q[inside]
            values[inside] = metric.function(prior, q) + prior_scatter(prior, q, metric.function)
    return values
