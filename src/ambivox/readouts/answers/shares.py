"""Answers that give a number per label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ambivox.raters.distribution import Array
from ambivox.readouts.answers.answer import Answer
from ambivox.readouts.answers.atoms import Item, find_atoms
from ambivox.readouts.answers.numbers import Number
from ambivox.readouts.answers.pairs import find_pairs
from ambivox.readouts.answers.said import judge, may_deny
from ambivox.readouts.answers.tables import find_tables
from ambivox.readouts.reading import Reading

SUM_TOLERANCE = 0.02
"""How far a sum may be from 1 (or from 100%) and still count as rounding: six labels at two decimals."""

_CONTINUES = re.compile(r"[\s.,·×x*^(){e+-]*")


class Shares(NamedTuple):
    """What an answer gives each label.

    Args:
        numbers: one per label that has one.
        named: the labels that are named, with or without a number.
        foreign: the names of what has a number and is not a label.
        fault: why the numbers cannot be taken for a distribution; empty if they can.
    """

    numbers: dict[int, Number]
    named: frozenset[int]
    foreign: tuple[str, ...]
    fault: str

    @property
    def all_zero(self) -> bool:
        """Whether there are numbers, which can be read, and all of them are 0."""
        return bool(self.numbers) and not self.fault and not any(n.value for n in self.numbers.values())


def find_shares(answer: Answer) -> Shares:
    """The number of each label in an answer."""
    judged = judge(answer.low, answer.mentions) if may_deny(answer.low) else []
    denied = {one.mention for one in judged if one.state == "denied"}
    items, low, mentions = find_tables(answer.low, answer.mentions)
    items += find_pairs(find_atoms(low, mentions, denied))
    pairs = [item for item in items if item.kind == "pair"]
    tier = min((item.tier for item in pairs), default=1)
    pairs = [item for item in pairs if item.tier == tier]
    numbers: dict[int, Number] = {}
    for item in pairs:
        numbers.setdefault(item.labels[0], item.numbers[0])
    named = frozenset(mention.label for mention in answer.mentions)
    foreign = tuple(dict.fromkeys(item.key for item in items if item.kind == "foreign"))
    return Shares(numbers, named, foreign, _fault(items, pairs, answer))


def _fault(items: Sequence[Item], pairs: Sequence[Item], answer: Answer) -> str:
    labels = answer.emotions.labels
    for item in items:
        if item.kind == "fault":
            names = ", ".join(labels[n] for n in dict.fromkeys(item.labels))
            return f"{names or 'a number'}: what belongs to what cannot be told"
        loose = item.kind == "number" and item.tier == 1 and item.numbers[0].end > 0
        if item.kind == "numbers" or loose:
            return "a number without a label"
    given: dict[int, set[tuple[str, float | None]]] = {}
    for item in pairs:
        share = item.numbers[0].share
        given.setdefault(item.labels[0], set()).add((item.form, None if share is None else round(share, 9)))
    for n, written in given.items():
        if any(share is None for _, share in written):
            return f"{labels[n]} has no usable number"
        if len(written) > 1:
            return f"{labels[n]} is given twice"
    return ""


def read_shares(answer: Answer) -> Reading:
    """Numbers per label in the answer as a distribution.

    Numbers that sum to 1 are ``ok`` (within `SUM_TOLERANCE`); every other positive sum is ``renormalised``.
    Numbers with a percent sign, and all where percentages were asked for, are hundredths. ``partial``: labels
    are missing; they count as 0, or share what the numbers leave over if these sum to less than 1.
    ``foreign``: labels outside the set are left out. ``unparsed``: a label with two numbers or with one that
    cannot be read, a number that may belong to two labels, an answer cut off in the middle.
    """
    shares = find_shares(answer)
    fault = shares.fault or _mixed(shares.numbers, answer)
    foreign = ", ".join(shares.foreign)
    if fault or not shares.numbers:
        if foreign and not fault and answer.unread().status != "refused":
            return Reading(None, "foreign", f"only {foreign}")
        return answer.unread(fault)
    hundredths = answer.format == "percentages"
    values = np.full(len(answer.emotions), np.nan)
    for n, number in shares.numbers.items():
        assert number.value is not None
        values[n] = number.value / 100 if hundredths or number.percent else number.value
    return _from_values(values, shares, foreign, answer)


def _mixed(numbers: dict[int, Number], answer: Answer) -> str:
    """Why numbers cannot be of one scale, or cannot be shares at all; empty if they can."""
    written = [number for number in numbers.values() if number.value]
    values = [number.value or 0.0 for number in written]
    whole = [value for value in values if value == int(value)]
    percent = [
        number.percent or (answer.format == "percentages" and (number.value or 0) > 1) for number in written
    ]
    if any(number.percent and (number.value or 0) > 100 + 100 * SUM_TOLERANCE for number in written):
        return "a share of more than 100%"
    if any(percent) and not all(percent):
        return "some numbers are percentages and some are not"
    if min(values, default=0) < 1 < max(values, default=0) and abs(sum(values) - 100) > 100 * SUM_TOLERANCE:
        return "some numbers look like percentages and some like shares"
    if (
        len(values) == len(numbers) > 1
        and not any(percent)
        and sorted(whole) == list(range(1, len(values) + 1))
    ):
        return "the numbers look like ranks"
    return ""


def _from_values(values: Array, shares: Shares, foreign: str, answer: Answer) -> Reading:
    labels = answer.emotions.labels
    missing = [n for n in range(len(values)) if np.isnan(values[n])]
    names = ", ".join(labels[n] for n in missing)
    values = np.nan_to_num(values)
    total = float(values.sum())
    sums_to_one = abs(total - 1) <= SUM_TOLERANCE
    if missing and len(shares.numbers) == 1 and answer.finish != "stop":
        return Reading(None, "unparsed", f"cut off before {names}")
    if answer.finish != "stop" and not (sums_to_one and not missing):
        if missing and not sums_to_one:
            return Reading(None, "unparsed", f"cut off before {names}")
        if _may_go_on(answer.low, shares.numbers.values()):
            return Reading(None, "unparsed", "cut off before the last number was whole")
    if not sums_to_one and set(missing) & shares.named:
        return Reading(None, "unparsed", f"{names}: named, but no number could be read")
    if total <= 0:
        return Reading(None, "foreign" if foreign else "unparsed", "all numbers of the labels are 0")
    if foreign:
        return Reading(values / total, "foreign", f"left out {foreign}")
    if missing:
        return _partial(values, missing, names, shares, answer)
    distribution = values / total
    if not sums_to_one:
        return Reading(distribution, "renormalised", f"summed to {total:g}")
    return Reading(distribution, "ok")


def _may_go_on(low: str, numbers: Iterable[Number]) -> bool:
    """Whether the last number stands at the end of the text and might have gone on."""
    last = max(numbers, key=lambda number: number.end)
    return low[last.end - 1].isdigit() and _CONTINUES.fullmatch(low, last.end) is not None


def _partial(values: Array, missing: Sequence[int], names: str, shares: Shares, answer: Answer) -> Reading:
    """A confidence of 0.55 in one label is not certainty: what is left over belongs to the others."""
    total = float(values.sum())
    signed = any(number.percent for number in shares.numbers.values())
    largest = max(number.value or 0.0 for number in shares.numbers.values())
    if not signed and (largest <= 1) == (answer.format == "percentages") and total < 1 - SUM_TOLERANCE:
        return Reading(None, "unparsed", f"a part of an unknown whole; missing {names}")
    written = sum(number.value or 0.0 for number in shares.numbers.values())
    if signed and abs(written - 1) <= SUM_TOLERANCE:
        return Reading(None, "unparsed", f"percentages that sum to 1; missing {names}")
    if len(shares.numbers) == 1 and total > 1 + SUM_TOLERANCE and abs(total - 100) > 100 * SUM_TOLERANCE:
        return Reading(None, "unparsed", f"a number on an unknown scale; missing {names}")
    note = f"{1 - total:.2g} is left for {names}" if total < 1 - SUM_TOLERANCE else f"missing {names}"
    return Reading(share_rest(values, missing), "partial", note)


def share_rest(values: Array, missing: Sequence[int]) -> Array:
    """Numbers as a distribution; labels that have none share what the others leave over, if they do.

    >>> share_rest(np.array([0.5, 0.0, 0.0]), [1, 2]).tolist()
    [0.5, 0.25, 0.25]
    """
    total = float(values.sum())
    if not missing or total >= 1 - SUM_TOLERANCE:
        return np.asarray(values / total)
    shared = values.copy()
    shared[list(missing)] = (1 - total) / len(missing)
    return shared
