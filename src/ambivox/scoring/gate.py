"""A bound that a score has to keep, such as a vendor's promise, and whether the clips show that it does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ambivox.errors import UsageError
from ambivox.metrics import METRICS
from ambivox.scoring.keys import RowKey
from ambivox.scoring.table import ScoreTable
from ambivox.statistics import Interval

_WRITTEN = re.compile(r"\s*([\w-]+)\s*([<>])\s*([-+]?[\d.]+(?:e-?\d+)?)\s*")

Verdict = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Gate:
    """A metric that has to lie below or above a bound."""

    metric: str
    side: Literal["<", ">"]
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.side}{self.bound:g}"


@dataclass(frozen=True)
class GateResult:
    """How one row stands to a gate.

    Args:
        value: the score; ``nan`` where there is none.
        interval: around it; None where the table has none.
        verdict: ``pass`` if the whole interval keeps the bound, ``fail`` if the score itself does not, and
            ``undecided`` if the score keeps it and its interval does not, or there is none.
    """

    gate: Gate
    key: RowKey
    value: float
    interval: Interval | None
    verdict: Verdict


def parse_gate(text: str) -> Gate:
    """A gate as it is written.

    Raises:
        UsageError: it is written otherwise, or names a metric that there is not.

    >>> str(parse_gate("vote_ece < 0.05"))
    'vote_ece<0.05'
    """
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise UsageError(f"gate {text!r}: write METRIC<NUMBER or METRIC>NUMBER, such as vote_ece<0.05")
    name, side, bound = found.groups()
    return Gate(METRICS[name].name, "<" if side == "<" else ">", float(bound))


def keep_gates(scores: ScoreTable, gates: Sequence[Gate]) -> list[GateResult]:
    """How every readout of the clips themselves stands to every gate.

    Raises:
        UsageError: a metric that the table has not.
    """
    for gate in gates:
        if gate.metric not in scores.metrics:
            raise UsageError(f"gate {gate}: the table has no {gate.metric}: add --metric {gate.metric}")
    rows = [(row, row.key) for row in scores.rows if isinstance(row.key, RowKey) and row.of_clips]
    return [
        GateResult(gate, key, value, interval, _verdict(gate, value, interval))
        for gate in gates
        for row, key in rows
        for value in (np.nan if row.value(gate.metric) is None else row.scores[gate.metric].value,)
        for interval in (row.intervals.get(gate.metric),)
    ]


def _verdict(gate: Gate, value: float, interval: Interval | None) -> Verdict:
    sign = 1 if gate.side == "<" else -1
    bound = sign * gate.bound
    if not sign * value < bound:
        return "fail"
    if interval is None or interval.reason:
        return "undecided"
    return "pass" if sign * (interval.high if sign > 0 else interval.low) < bound else "undecided"
