"""A claim, its parts, and the rule by which parts make a verdict."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics import Interval, equivalent, holm, mean_interval

Verdict = Literal["supported", "contradicted", "equivalent", "undecided", "not tested"]
LEVEL = 0.05
"""Of the tests, after Holm's correction for their number."""
N_DRAWS = 9999
"""Corpora drawn for each part, so that p-values are small enough for the correction."""


@dataclass(frozen=True)
class Part:
    """One number that a claim needs to be above 0.

    Args:
        what: the number in words, a full clause without its value.
        unit: that of the metric for differences of scores, ``1`` for skills and shares.
        interval: the effect with its 95% interval and its own p-value.
    """

    what: str
    unit: str
    interval: Interval


@dataclass(frozen=True)
class Claim:
    """A claim with what came of it.

    Args:
        name: short, for programs.
        sentence: the claim itself.
        parts: what has to be above 0 for it; empty where it could not be tested.
        note: what else to know, in words.
        reason: why it was not tested, and what to do about that; None if it was.
        refuted: why it is false without any test (the model answers the same given another clip, say).
        p_holm: of the claim, see `p`, corrected for all claims on this corpus and model.
    """

    name: str
    sentence: str
    parts: tuple[Part, ...] = ()
    note: str = ""
    reason: Reason | None = None
    refuted: Reason | None = None
    p_holm: float = float("nan")
    verdict: Verdict = field(default="not tested")

    @property
    def p(self) -> float:
        """The chance that the claim would be called supported, or contradicted, if it were neither.

        All parts have to be above 0 for the one, so its largest p-value counts; one below 0 is enough for the
        other, so its smallest counts as often as there are parts. ``nan`` where nothing is tested.
        """
        tested = [part.interval for part in self.parts if not part.interval.reason]
        below = [interval.p for interval in tested if interval.estimate < 0]
        if below:
            return min(1.0, min(below) * len(self.parts))
        if not tested or len(tested) < len(self.parts):
            return float("nan")
        return max(interval.p for interval in tested)

    def judged(self, p_holm: float, margin: float | None = None) -> Claim:
        """With its verdict: supported if all parts are above 0, contradicted if one is below.

        Args:
            p_holm: the corrected p-value.
            margin: the largest difference of the metric that would not matter: a claim that is neither, and
                one of whose differences is shown to be smaller, is called equivalent.
        """
        if self.refuted:
            return replace(self, verdict="contradicted")
        if self.reason or not self.parts:
            return replace(self, verdict="not tested")
        claim = replace(self, p_holm=p_holm)
        if p_holm < LEVEL:
            below = any(part.interval.estimate < 0 for part in self.parts)
            return replace(claim, verdict="contradicted" if below else "supported")
        if margin is not None and any(_within(part, margin) for part in self.parts):
            return replace(claim, verdict="equivalent")
        untested = next((part.interval.reason for part in self.parts if part.interval.reason), None)
        if untested:
            return replace(claim, verdict="not tested", reason=untested)
        return replace(claim, verdict="undecided")


def untested(claim: Claim, reason: Reason, note: str = "") -> Claim:
    """The claim with the reason why it is not tested."""
    return Claim(claim.name, claim.sentence, note=note, reason=reason)


def _within(part: Part, margin: float) -> bool:
    return part.unit != "1" and bool(equivalent(part.interval.low, part.interval.high, margin))


def part(what: str, values: Array, groups: Sequence[Hashable], *, unit_of: str, unit: str = "bit") -> Part:
    """Test that the mean of one value per clip is 0, with clips of one cluster held together.

    Args:
        values: shape ``(U,)``; ``nan`` where a clip has none.
        groups: shape ``(U,)``, the cluster of each clip.
        unit_of: what the clusters are (``speakers``).
    """
    return Part(what, unit, mean_interval(values, groups, n_draws=N_DRAWS, unit=unit_of))


def judge(claims: Sequence[Claim], *, margin: float | None = None) -> tuple[Claim, ...]:
    """Correct the p-values of all claims for their number, then give the verdicts."""
    corrected = holm([claim.p for claim in claims])
    return tuple(claim.judged(float(p), margin) for claim, p in zip(claims, corrected, strict=True))
