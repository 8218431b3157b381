"""Answers that name one label, by a word or by its letter."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ambivox.raters.distribution import Array
from ambivox.readouts.answers.answer import Answer, quote
from ambivox.readouts.answers.letters import Letters, find_letters
from ambivox.readouts.answers.mentions import Mention
from ambivox.readouts.answers.numbers import find_numbers
from ambivox.readouts.answers.said import Judged, judge
from ambivox.readouts.reading import Reading

_NUMBER_AFTER = re.compile(r"[\"']?[ ]?(?:[:=(–—-]|is|at|with)?[ ]?[\"'(~]{0,2}(?=[\d.])")
_REACH = 40
_PERCENT_BEFORE = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?) ?% (?:of )?\Z")


def read_label(answer: Answer) -> Reading:
    """One label named in the answer as a one-hot distribution.

    ``foreign``: a single word or letter that is not an option; ``partial``: the answer was cut off after it
    named one; ``unparsed``: none or several labels are named, one that is also denied, or a letter and the
    word of another option.
    """
    emotions = answer.emotions
    letters = find_letters(answer.text, answer.mentions) if answer.format == "letter" else Letters([], [])
    offered = _as_labels(letters.clear, answer.order)
    loose = _as_labels(letters.loose, answer.order)
    named = sorted([*answer.mentions, *offered, *loose], key=lambda mention: mention.start)
    judged = [_with_number(one, answer.low) for one in judge(answer.low, named)]
    perhaps = {letter.start for letter in loose}
    judged = [
        one._replace(state="unclear") if one.mention.start in perhaps and one.state == "said" else one
        for one in judged
    ]
    said, denied, unclear = (
        {one.mention.label for one in judged if one.state == state} for state in ("said", "denied", "unclear")
    )
    if len(said) == 1 and unclear <= said and not said & denied and len(offered) == len(letters.clear):
        distribution = one_hot(said.pop(), len(emotions))
        return Reading(distribution, "partial", "cut off") if answer.cut else Reading(distribution, "ok")
    if said or unclear:
        names = [emotions.labels[n] for n in sorted(said | unclear)]
        return answer.unread(
            f"names {', '.join(names)}" + ("" if said and len(names) > 1 else ", but not for certain")
        )
    if denied:
        return answer.unread(f"denies {', '.join(emotions.labels[n] for n in sorted(denied))}")
    if letters.clear or re.fullmatch(r"\W*[^\W\d_]+\W*", answer.low):
        return Reading(None, "foreign", f"{quote(answer.written)} is not an option")
    return answer.unread()


def _as_labels(letters: Sequence[Mention], order: tuple[int, ...]) -> list[Mention]:
    return [letter._replace(label=order[letter.label]) for letter in letters if letter.label < len(order)]


def _with_number(one: Judged, low: str) -> Judged:
    """A label said with a number up to a half is not the label chosen; with 0 it is denied."""
    if one.state != "said":
        return one
    before = _PERCENT_BEFORE.search(low[max(one.mention.start - 25, 0) : one.mention.start])
    after = _NUMBER_AFTER.match(low, one.mention.end)
    number = next(find_numbers(low, after.end(), after.end() + _REACH), None) if after else None
    if number is not None and after is not None and number.start == after.end():
        value = 0.5 if number.share is None else number.share  # a range or a bound chooses nothing
    elif before is not None:
        value = float(before[1].replace(",", ".")) / 100
    else:
        return one
    if value > 0.5:
        return one
    return one._replace(state="unclear" if value else "denied")


def one_hot(n: int, n_labels: int) -> Array:
    """Shape ``(n_labels,)``: 1 at place n, 0 elsewhere."""
    return np.asarray(np.eye(n_labels)[n])
