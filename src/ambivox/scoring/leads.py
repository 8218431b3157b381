"""Whether the best row is better than the next one beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ambivox.metrics import Metric
from ambivox.scoring.differences import clip_scores, difference_intervals, shared_clips
from ambivox.scoring.options import ScoringOptions
from ambivox.scoring.readings import CorpusReadings, Readings
from ambivox.scoring.table import Lead, ScoreRow

_ALIKE = 1e-12
"""Rows whose scores differ by no more on any clip are one row with several names."""


@dataclass(frozen=True)
class _Entry:
    corpus: CorpusReadings
    found: Readings
    value: float


def leads(
    parts: Sequence[tuple[str, CorpusReadings]], rows: Sequence[ScoreRow], options: ScoringOptions
) -> tuple[Lead, ...]:
    """By corpus and metric, how far the best readout of the clips is ahead of the next one.

    Rows that score the same on every clip are not next to each other but one.

    Args:
        parts: corpora with the names of their runs, empty where there is one run.
        rows: what they scored.
    """
    scored = {row.key: row for row in rows}
    names = dict.fromkeys(corpus.corpus for _, corpus in parts)
    of_clips = [
        (name, corpus, found)
        for name, corpus in parts
        for found in corpus.readings
        if found.key.control == "clip"
    ]
    made = []
    for metric in options.all_metrics:
        if not metric.per_utterance and metric.linearised is None:
            continue
        for name in names:
            entries = [
                _Entry(corpus, replace(found, key=key), value)
                for run, corpus, found in of_clips
                if corpus.corpus == name
                for key in (replace(found.key, run=run),)
                if (value := scored[key].value(metric.name)) is not None
            ]
            entries.sort(key=lambda entry: entry.value, reverse=not metric.lower_is_better)
            lead = _lead(entries, metric, options)
            if lead is not None:
                made.append(lead)
    return tuple(made)


def _lead(entries: Sequence[_Entry], metric: Metric, options: ScoringOptions) -> Lead | None:
    """Of rows from the best to the worst; None where no two of them differ."""
    if not entries:
        return None
    best = entries[0]
    for other in entries[1:]:
        here, there = shared_clips(best.corpus.clips, other.corpus.clips)
        values = [
            clip_scores(one.found, one.corpus, metric, options.counts_failed_as, among=places)
            for one, places in ((best, here), (other, there))
        ]
        differences = values[0] - values[1]
        if np.isnan(differences).all() or np.nanmax(np.abs(differences)) <= _ALIKE:
            continue
        codes, unit = best.corpus.clips.codes[here], best.corpus.clips.unit
        [interval] = difference_intervals(
            differences[:, None],
            codes,
            n_draws=options.n_draws,
            seed=options.seed,
            unit=unit,
        )
        return Lead(best.corpus.corpus, metric.name, best.found.key, other.found.key, interval)
    return None
