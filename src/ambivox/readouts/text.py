"""Text-level readouts: what the model said, parsed. Nothing is guessed: every oddity has a status."""

from __future__ import annotations

import re

import numpy as np

from ambivox.emotions import EmotionSet, fold
from ambivox.prompts.prompt import LETTERS
from ambivox.raters.distribution import Array
from ambivox.readouts.reading import Reading
from ambivox.readouts.scan import (
    Number,
    find_labels,
    find_letters,
    find_numbers,
    is_refusal,
    written_labels,
)
from ambivox.record import Record

SUM_TOLERANCE = 0.02
"""How far a sum may be from 1 (or from 100%) and still count as rounding: six labels at two decimals."""

ALL_ZERO = "all numbers of the labels are 0"
"""The note of an answer whose numbers are readable, and no distribution."""

_TOTALS = ("sum", "total")


def label(record: Record) -> Reading:
    """One label named in the answer (a word of the options, or its letter) as a one-hot distribution.

    ``foreign``: a single word or letter that is not a option; ``unparsed``: none or several labels are named,
    or a letter and the word of another option.
    """
    text = record.replied.text
    emotions = record.asked.emotions
    named = find_labels(text, emotions)
    letters = find_letters(text) if record.asked.prompt.format == "letter" else []
    offered = [letter for letter in letters if letter in LETTERS[: len(record.asked.prompt.order)]]
    if len(offered) == 1:
        return _read_letter(offered[0], named, record)
    if not offered and len(named) == 1:
        return Reading(_one_hot(named[0], len(emotions)), "ok")
    if is_refusal(text):
        return Reading(None, "refused", quote(text))
    if offered or named:
        several = offered or [emotions.labels[n] for n in named]
        return Reading(None, "unparsed", f"names {', '.join(several)}")
    if letters or re.fullmatch(r"[^\W\d_]+", fold(text)):
        return Reading(None, "foreign", f"{quote(text)} is not a option")
    return unparsed(text)


def _read_letter(letter: str, named: list[int], record: Record) -> Reading:
    n = record.asked.prompt.order[LETTERS.index(letter)]
    if named and named != [n]:
        others = ", ".join(record.asked.emotions.labels[m] for m in named)
        return Reading(
            None, "unparsed", f"{letter} stands for {record.asked.emotions.labels[n]}, but {others} is named"
        )
    return Reading(_one_hot(n, len(record.asked.emotions.labels)), "ok")


def dictionary(record: Record) -> Reading:
    """Numbers per label in the answer: JSON, a Python dict, percentages, tables or "label: number" lines.

    Numbers that sum to 1 are ``ok`` (within `SUM_TOLERANCE`); every other positive sum is ``renormalised``.
    Numbers with a percent sign, and all where percentages were asked for, are hundredths. Missing labels
    count as 0 (``partial``); labels outside the set are left out (``foreign``). ``unparsed``: a label with
    two numbers or with one that cannot be read, a phrase around a label, an answer cut off in the middle.
    """
    text = record.replied.text
    emotions = record.asked.emotions
    numbers = [number for number in find_numbers(text, emotions) if number.key not in _TOTALS]
    values = np.full(len(emotions), np.nan)
    for number in numbers:
        if number.label is not None and number.value is not None:
            hundredths = number.percent or record.asked.prompt.format == "percentages"
            values[number.label] = number.value / 100 if hundredths else number.value
    foreign = ", ".join(number.key for number in numbers if number.label is None and number.value is not None)
    fault = _fault(numbers, emotions)
    if np.isnan(values).all() or fault:
        if is_refusal(text):
            return Reading(None, "refused", quote(text))
        if foreign and not fault:
            return Reading(None, "foreign", f"only {foreign}")
        return Reading(None, "unparsed", fault) if fault else unparsed(text)
    signed = {number.percent for number in numbers if number.label is not None and number.value}
    mixed = len(signed) > 1 and record.asked.prompt.format != "percentages"
    return _from_values(values, foreign, record, mixed=mixed)


def _fault(numbers: list[Number], emotions: EmotionSet) -> str:
    """Why the numbers cannot be taken for a distribution; empty if they can."""
    for number in numbers:
        if number.label is None and number.value is not None and written_labels(number.key, emotions):
            return f"{quote(number.key)} is no label, but holds one"
    for n, label in enumerate(emotions.labels):
        own = [number for number in numbers if number.label == n]
        usable = [number for number in own if number.value is not None]
        if len(usable) > 1:
            return f"{label} is given twice"
        if own and not usable:
            return f"{label} has no usable number"
    return ""


def _from_values(values: Array, foreign: str, record: Record, *, mixed: bool) -> Reading:
    text = record.replied.text.rstrip()
    missing = [n for n in range(len(values)) if np.isnan(values[n])]
    names = ", ".join(record.asked.emotions.labels[n] for n in missing)
    values = np.nan_to_num(values)
    total = float(values.sum())
    sums_to_one = abs(total - 1) <= SUM_TOLERANCE
    if not sums_to_one:
        if record.replied.finish == "length" and (missing or re.search(r"[\d.]$", text)):
            return Reading(None, "unparsed", f"cut off before {names or 'the last number was whole'}")
        if mixed:
            return Reading(None, "unparsed", "some numbers are percentages and some are not")
        if set(missing) & set(written_labels(text, record.asked.emotions)):
            return Reading(None, "unparsed", f"{names}: named, but no number could be read")
    if total <= 0:
        return Reading(None, "foreign" if foreign else "unparsed", ALL_ZERO)
    distribution = values / total
    if foreign:
        return Reading(distribution, "foreign", f"left out {foreign}")
    if missing:
        return Reading(distribution, "partial", f"missing {names}")
    if not sums_to_one:
        return Reading(distribution, "renormalised", f"summed to {total:g}")
    return Reading(distribution, "ok")


def _one_hot(n: int, n_labels: int) -> Array:
    return np.asarray(np.eye(n_labels)[n])


def unparsed(text: str) -> Reading:
    """The reading of a text in which nothing was found."""
    return Reading(None, "unparsed", quote(text) if text.strip() else "empty answer")


def quote(text: str, limit: int = 60) -> str:
    """A text in quotes on one line, cut to a length that fits a table."""
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= limit else flat[: limit - 1] + "…")
