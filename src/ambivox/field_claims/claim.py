"""A claim, its parts, and the rule by which parts make a verdict."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics import Interval, holm, mean_interval, paired_permutation_test

Verdict = Literal["supported", "contradicted", "undecided", "not tested"]
LEVEL = 0.05
"""Of the tests, after Holm's correction for their number."""


@dataclass(frozen=True)
class Part:
    """One number that a claim needs to be above 0.

    Args:
        what: the number in words, a full clause without its value.
        unit: ``bit`` for differences of the divergence, ``1`` for skills and shares.
        interval: the effect with its 95% interval.
        p: two-sided, from a sign-flip test over clusters.
        p_holm: the same, corrected for all parts of all claims on this corpus and model.
    """

    what: str
    unit: str
    interval: Interval
    p: float = float("nan")
    p_holm: float = float("nan")

    @property
    def sign(self) -> int:
        """1 or -1 where the effect is beyond chance, else 0."""
        if not self.interval.excludes_zero or not self.p_holm < LEVEL:
            return 0
        return 1 if self.interval.low > 0 else -1


@dataclass(frozen=True)
class Claim:
    """A claim with what came of it.

    Args:
        name: short, for programs.
        sentence: the claim itself.
        parts: what has to be above 0 for it; empty where it could not be tested.
        note: what else to know, in words.
        reason: why it was not tested, and what to do about that; None if it was.
        refuted: why it is false without any test (no reading failed, say).
    """

    name: str
    sentence: str
    parts: tuple[Part, ...] = ()
    note: str = ""
    reason: Reason | None = None
    refuted: Reason | None = None
    verdict: Verdict = field(default="not tested")

    def judged(self) -> Claim:
        """With its verdict: supported if all parts are above 0, contradicted if one is below."""
        if self.refuted:
            return replace(self, verdict="contradicted")
        if self.reason or not self.parts:
            return replace(self, verdict="not tested")
        signs = [part.sign for part in self.parts]
        if -1 in signs:
            return replace(self, verdict="contradicted")
        untested = next((part.interval.reason for part in self.parts if part.interval.reason), None)
        if untested:
            return replace(self, verdict="not tested", reason=untested)
        return replace(self, verdict="supported" if all(signs) else "undecided")


def part(what: str, values: Array, groups: Sequence[Hashable], *, unit_of: str, unit: str = "bit") -> Part:
    """Test that the mean of one value per clip is 0, with clips of one cluster held together.

    Args:
        values: shape ``(U,)``; ``nan`` where a clip has none.
        groups: shape ``(U,)``, the cluster of each clip.
        unit_of: what the clusters are (``speakers``).
    """
    interval = mean_interval(values, groups, unit=unit_of)
    test = paired_permutation_test(values, groups, unit=unit_of)
    return Part(what, unit, interval, test.p)


def judge(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Correct the p-values of all parts for their number, then give the verdicts."""
    corrected = iter(holm([p.p for claim in claims for p in claim.parts]).tolist())
    return tuple(
        replace(claim, parts=tuple(replace(p, p_holm=next(corrected)) for p in claim.parts)).judged()
        for claim in claims
    )
