"""One value per clip, for the parts of claims."""

from __future__ import annotations

import numpy as np

from ambivox.field_claims.claim import Part, part
from ambivox.field_claims.paired import Paired
from ambivox.metrics.linearised import linearised, spearman_influence
from ambivox.raters.distribution import Array
from ambivox.readouts import Level


def part_of(paired: Paired, what: str, values: Array, *, unit: str | None = None) -> Part:
    """A part on the clusters of a corpus; the unit is the metric's where none is given."""
    clips = paired.clips
    return part(what, values, clips.codes.tolist(), unit_of=clips.unit, unit=unit or paired.metric.unit)


def over_rows(scores: Array) -> Array:
    """The mean of each clip over prompts and orders, shape ``(C * V, U)`` to ``(U,)``, of those it has."""
    counts = (~np.isnan(scores)).sum(axis=0)
    return np.where(counts > 0, np.nansum(scores, axis=0) / np.maximum(counts, 1), np.nan)


def mean_scores(paired: Paired, level: Level, control: str = "clip") -> Array:
    """The score of each clip, the mean over prompts and orders, shape ``(U,)``."""
    return over_rows(paired.scores(level, control))


def gain(paired: Paired) -> Array:
    """By how much each clip scores better at the token level, shape ``(U,)``."""
    return mean_scores(paired, "text") - mean_scores(paired, "token")


def skill_values(scores: Array, control: Array) -> Array:
    """Values per clip whose mean is ``1 - mean(scores) / mean(control)`` over clips that have both."""
    both = ~(np.isnan(scores) | np.isnan(control))
    values = np.full(len(scores), np.nan)
    room = control[both].mean() if both.any() else 0.0
    if room > 0:
        skill = 1 - scores[both].mean() / room
        values[both] = linearised(skill, ((1 - skill) * control[both] - scores[both]) / room)
    return values


def by_prompt(paired: Paired, level: Level) -> Array:
    """Mean predictions over orders, shape ``(C, U, N)``; ``nan`` where one failed."""
    return np.stack([p.mean(axis=0) for p in paired.p[level, "clip"]])


def spearman_values(x: Array, y: Array) -> Array:
    """Values per clip whose mean is Fisher's z of the rank correlation; ``nan`` without variance."""
    rho, influence = spearman_influence(x, y)
    rho = float(np.clip(rho, -0.999, 0.999))
    return linearised(float(np.arctanh(rho)), influence / (1 - rho**2))
