"""What claims are tested on: the text and the token level of one model on one corpus, clip by clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ambivox.choices import FailedAs
from ambivox.metrics import METRICS, Metric
from ambivox.raters.distribution import Array
from ambivox.readouts import Level, Readout
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import Clips, CorpusReadings, Readings
from ambivox.scoring.sensitivity import by_variant
from ambivox.statistics import Tertiles, ambiguity_tertiles

LEVELS: tuple[Level, ...] = ("token", "text")

TOKEN_READOUTS: Mapping[str, tuple[str, ...]] = {
    "label": ("first", "answer", "mean"),
    "dictionary": ("expected", "answer", "mean"),
    "ranked": ("first", "answer", "mean"),
    "prose": ("answer", "mean", "first"),
}
"""By text-level readout, the plain token-level one that stands beside it: the first that the study has. An
answer that is a label begins with it; numbers are read where they are written. A text-level readout that is
not named here (sampled answers, say) is compared in the score table only."""


@dataclass(frozen=True)
class Paired:
    """One model on one corpus. C prompts, V orders (and wordings) of each, U clips, N labels.

    Args:
        keys: by level, shape ``(C,)``: the readout of each prompt that has one at both.
        p: by level and control, for each prompt its predictions, shape ``(V, U, N)``; ``nan`` for
            failed readings.
        failed_as: what failed readings count as.
    """

    corpus: str
    model: str
    clips: Clips
    neutral: int | None
    metric: Metric
    failed_as: FailedAs
    keys: Mapping[Level, tuple[RowKey, ...]]
    p: Mapping[tuple[Level, str], tuple[Array, ...]]
    _scored: dict[tuple[str, ...], Array] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was scored already: many claims ask for the same scores."""

    @cached_property
    def tertiles(self) -> Tertiles:
        """The clips by ambiguity."""
        return ambiguity_tertiles(self.clips.votes)

    def scores(
        self,
        level: Level,
        control: str = "clip",
        *,
        failed_as: FailedAs | None = None,
        metric: Metric | None = None,
    ) -> Array:
        """The metric of every reading, shape ``(C * V, U)``, lower is better (1 less one that is not).

        ``nan`` for a reading that failed and is excluded.
        """
        failed_as, metric = failed_as or self.failed_as, metric or self.metric
        read = self._score(level, control, "excluded", metric)
        if failed_as == "excluded" or not np.isnan(read).any():
            return read
        return self._score(level, control, failed_as, metric)

    def _score(self, level: Level, control: str, failed_as: FailedAs, metric: Metric) -> Array:
        wanted = (level, control, failed_as, metric.name)
        if wanted in self._scored:
            return self._scored[wanted]
        scored = []
        for p in self.p[level, control]:
            for rows in p:
                there = ~np.isnan(rows[:, 0])
                filled = rows.copy()
                if failed_as == "uniform":
                    filled[~there] = 1 / rows.shape[1]
                elif failed_as == "neutral" and self.neutral is not None:
                    filled[~there] = np.eye(rows.shape[1])[self.neutral]
                usable = ~np.isnan(filled[:, 0])
                values = np.full(len(rows), np.nan)
                if usable.any():
                    values[usable] = metric.function(filled[usable], self.clips.q[usable])
                scored.append(values if metric.lower_is_better else 1 - values)
        values = self._scored[wanted] = np.array(scored)
        values.flags.writeable = False
        return values

    def asked(self, control: str) -> bool:
        """Whether the run has answers under this control to all prompts."""
        return all((level, control) in self.p for level in ("text", "token"))


def paired_levels(
    corpus: CorpusReadings,
    *,
    metric: str = "jsd_bits",
    failed_as: FailedAs = "uniform",
    token: Readout | None = None,
) -> tuple[list[Paired], list[str]]:
    """The paired levels of each model with a prompt that can be read at both, and the models without one.

    Args:
        token: the token-level readout for every prompt; by default `TOKEN_READOUTS` says.
    """
    found, without = [], []
    for model in dict.fromkeys(readings.key.model for readings in corpus.readings):
        own = {r.key: r for r in corpus.readings if r.key.model == model}
        pairs = _pairs([r for r in own.values() if r.key.control == "clip"], token)
        if not pairs:
            without.append(model)
            continue
        keys: dict[Level, tuple[RowKey, ...]] = {
            "text": tuple(text.key for text, _ in pairs),
            "token": tuple(tokens.key for _, tokens in pairs),
        }
        found.append(
            Paired(
                corpus.corpus,
                model,
                corpus.clips,
                corpus.emotions.index("neutral"),
                METRICS[metric],
                failed_as,
                keys,
                _predictions(own, keys, len(corpus.clips.names)),
            )
        )
    return found, without


def _pairs(of_clips: Sequence[Readings], token: Readout | None) -> list[tuple[Readings, Readings]]:
    """Of each prompt that has both, its text-level and its token-level readings."""
    pairs = []
    for question in dict.fromkeys(readings.key.question for readings in of_clips):
        own = {r.key.read_by: r for r in of_clips if r.key.question == question}
        texts = [r for r in own.values() if r.level == "text" and r.key.readout in TOKEN_READOUTS]
        if not texts:
            continue
        suiting = [(name, ()) for name in TOKEN_READOUTS[texts[0].key.readout]]
        wanted = [(token.name, token.options)] if token else suiting
        plain = {key[:2]: readings for key, readings in own.items() if key[2] is None}
        tokens = [plain[one] for one in wanted if one in plain and plain[one].level == "token"]
        if tokens:
            pairs.append((texts[0], tokens[0]))
    return pairs


def _predictions(
    own: Mapping[RowKey, Readings], keys: Mapping[Level, tuple[RowKey, ...]], n_clips: int
) -> dict[tuple[Level, str], tuple[Array, ...]]:
    predictions = {}
    for control in dict.fromkeys(key.control for key in own):
        for level, of_clips in keys.items():
            heard = [key.heard(control) for key in of_clips]
            if all(key in own for key in heard):
                predictions[level, control] = tuple(by_variant(own[key], n_clips) for key in heard)
    return predictions
