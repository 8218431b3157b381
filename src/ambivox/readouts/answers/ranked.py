"""Rankings: an order of labels, and the distribution that stands for it."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ambivox.raters.distribution import Array
from ambivox.readouts.answers.answer import Answer, quote
from ambivox.readouts.answers.languages import fields, is_harmless, orders
from ambivox.readouts.answers.mentions import Mention
from ambivox.readouts.answers.numbers import Number, find_numbers
from ambivox.readouts.answers.plain import blank
from ambivox.readouts.answers.said import judge
from ambivox.readouts.reading import Reading

Weights = Literal["centroid", "reciprocal", "linear"]

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = re.compile(rf"\b(?:{'|'.join(_ORDINALS)})\b")
_SIGN = re.compile(r"[<>→]")
_BETWEEN = re.compile(
    r"[<>→;\n]|,(?!\d)|(?<!\d)、|(?<!\w)(?:then|followed by|dann|puis|luego|poi|depois|potem)(?!\w)"
    r"|(?<![\w.,])(?=\d{1,2} ?[.)] )"
)
_OBJECTS = re.compile(r"\}|\n")
_FOREIGN_WORDS = 2
"""An item of so many words that names no label is a label of another set; a longer one is a remark."""

_MOST, _LEAST = (
    rf"(?:the )?\b(?:{words})\b(?:[ -](?:likely|probable|strong|probability))?"
    for words in ("most|highest|strongest", "least|lowest|weakest")
)
_FALLING = re.compile(
    rf"(?:from )?{_MOST} (?:to|→|-) {_LEAST}\b|{_MOST} (?:comes )?first\b"
    rf"|\b(?:descending|decreasing|falling)\b|{orders()['falling']}"
)
_RISING = re.compile(
    rf"(?:from )?{_LEAST} (?:to|→|-) {_MOST}\b|{_LEAST} (?:comes )?first\b"
    rf"|\b(?:ascending|increasing|rising)\b|\b(?:starting|beginning) with the {_LEAST}|{orders()['rising']}"
)
_TURNED = re.compile(
    r"\b(?:least|lowest|weakest|revers\w*|inverse\w*|backwards?|bottom|last)\b|" + orders()["turned"]
)


def rank_weights(n_labels: int, weights: Weights = "centroid") -> Array:
    """Shape ``(N,)``: what a label at each rank gets, falling, sums to 1.

    ``centroid``: ``w_r = 1/N sum_{k=r}^N 1/k``, the mean of all distributions that have this order, each
    being as likely as any other (rank-order centroid: Barron and Barrett 1996, doi:10.1287/mnsc.42.11.1515);
    ``reciprocal``: in proportion to ``1/r``; ``linear``: to ``N + 1 - r``.

    >>> rank_weights(3).round(3).tolist()
    [0.611, 0.278, 0.111]
    """
    ranks = np.arange(1, n_labels + 1)
    if weights == "centroid":
        return np.asarray(np.cumsum(1 / ranks[::-1])[::-1] / n_labels)
    raw = 1 / ranks if weights == "reciprocal" else ranks[::-1].astype(float)
    return np.asarray(raw / raw.sum())


def read_ranking(answer: Answer, *, weights: Weights = "centroid") -> Reading:
    """A ranked list of labels, the most probable first, as the weights of their ranks.

    Written ranks go before the order of the lines, and a stated direction ("from least to most likely") turns
    it. ``partial``: labels that were not ranked share what is left, as over all their possible orders;
    ``foreign``: labels outside the set are passed over. ``unparsed``: a label at two places, two labels at
    one place, or numbers beside the labels that fall in another order.
    """
    emotions = answer.emotions
    order, foreign, fault = _order(answer)
    if not order or fault:
        if foreign and not fault:
            return Reading(None, "foreign", f"only {', '.join(foreign)}")
        return answer.unread(fault)
    by_rank = rank_weights(len(emotions), weights)
    distribution = np.full(len(emotions), by_rank[len(order) :].mean() if len(order) < len(emotions) else 0.0)
    distribution[order] = by_rank[: len(order)]
    if foreign:
        return Reading(distribution, "foreign", f"left out {', '.join(foreign)}")
    if len(order) < len(emotions):
        missing = [label for n, label in enumerate(emotions.labels) if n not in order]
        return Reading(distribution, "partial", f"not ranked: {', '.join(missing)}")
    return Reading(distribution, "ok")


class _Place(NamedTuple):
    """A label among the items of a ranking, and the numbers beside it.

    Args:
        before: a whole number before the label.
        named: a whole number that says that it is a rank ("1st", "rank 1").
        value: another number after the label.
    """

    label: int
    before: int | None
    named: int | None
    value: Number | None


def _order(answer: Answer) -> tuple[list[int], list[str], str]:
    """Labels in their order, names of other sets, and why it is not a ranking (empty if it is)."""
    low = blank(answer.low, _FALLING)
    rising = _RISING.search(low) is not None
    low = blank(low, _RISING)
    if "<" in low and ">" in low:
        return [], [], "both < and > stand between the labels"
    apart = _SIGN.sub("\n", low)  # what stands between two signs is a sentence of its own
    judged = {one.mention: one.state for one in judge(apart, answer.mentions)}
    start, end, fault = _chain(low, answer.mentions)
    if fault or _TURNED.search(low, start, end):
        return [], [], fault or "its direction is not clear"
    mentions = [mention for mention in answer.mentions if start <= mention.start < end]
    wrong = [answer.emotions.labels[m.label] for m in mentions if judged.get(m) != "said"]
    if wrong:
        return [], [], f"{', '.join(dict.fromkeys(wrong))}: named, but not for certain"
    low = _ORDINAL.sub(lambda match: str(_ORDINALS.index(match[0]) + 1).ljust(len(match[0])), low)
    places, foreign, fault = _places(low[:end], start, mentions, answer)
    if fault:
        return [], foreign, fault
    signed = _SIGN.search(low, start, end)
    joints = [(one, two) for one, two in itertools.pairwise(mentions) if one.label != two.label]
    if signed and not all(_SIGN.search(low, one.end, two.start) for one, two in joints):
        return [], [], "signs stand between some of the labels only"
    order, by_number, fault = _by_rank(places)
    if rising and (by_number or signed):
        return [], [], "its direction is said in two ways"
    if (rising or (signed and signed[0] == "<")) and not by_number:
        order.reverse()
    return order, foreign, fault


def _chain(low: str, mentions: Sequence[Mention]) -> tuple[int, int, str]:
    """Where the ranking is: the lines in which signs stand between labels, or the whole text."""
    joined = [
        (one, two)
        for one, two in itertools.pairwise(mentions)
        if two.start - one.end < 40 and _SIGN.search(low, one.end, two.start)
    ]
    if not joined:
        return 0, len(low), ""
    start, end = joined[0][0].start, joined[-1][1].end
    start = max(low.rfind("\n", 0, start), low.rfind(":", 0, start), low.rfind(". ", 0, start)) + 1
    line_end = low.find("\n", end)
    end = len(low) if line_end < 0 else line_end
    if any(mention.start >= end for mention in mentions):
        return start, end, "labels are named after the ranking"
    return start, end, ""


def _places(
    low: str, start: int, mentions: Sequence[Mention], answer: Answer
) -> tuple[list[_Place], list[str], str]:
    places: list[_Place] = []
    foreign: list[str] = []
    starts = [mention.start for mention in mentions]
    spans = list(_items(low, start))
    for k, (a, b) in enumerate(spans):
        own = mentions[bisect.bisect_left(starts, a) : bisect.bisect_left(starts, b)]
        item = low[a:b].strip(" .\"'()[]{}")
        if (
            answer.finish != "stop"
            and k == len(spans) - 1
            and (not own or own[0].end - own[0].start < len(item))
        ):
            continue
        if len({mention.label for mention in own}) > 1:
            return [], [], f"{quote(item)} names {len(own)} labels"
        if own:
            places.append(_place(low, a, b, own[0]))
        elif 0 < len(_words(item)) <= _FOREIGN_WORDS and not item.endswith(":") and not _is_heading(item):
            foreign.append(item)
    labels = [place.label for place in places]
    twice = next((n for n in labels if labels.count(n) > 1), None) if len(labels) > len(set(labels)) else None
    if twice is not None:
        return [], [], f"{answer.emotions.labels[twice]} is ranked twice"
    return places, foreign if places or len(foreign) > 1 or len(spans) == 1 else [], ""


def _items(low: str, start: int) -> Iterator[tuple[int, int]]:
    between = _BETWEEN
    if low.count("{", start) > 1:
        between = _OBJECTS
    elif low.count("|", start) > 1 and not _SIGN.search(low, start):
        between = re.compile(r"\n") if "\n" in low[start:].strip() else re.compile(r"\|")
    for match in between.finditer(low, start):
        yield start, match.start()
        start = match.end()
    yield start, len(low)


def _is_heading(item: str) -> bool:
    """Whether an item is the header of a table ("| Rank | Emotion |")."""
    return "|" in item and all(map(is_harmless, _words(item)))


def _words(item: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", item)


def _place(low: str, a: int, b: int, mention: Mention) -> _Place:
    before = list(find_numbers(low, a, mention.start))
    after = list(find_numbers(low, mention.end, b))
    says_place = any(fields().get(word) == "place" for word in _words(low[a:b]))
    whole = [n for n in before if n.value is not None and not n.percent and n.value == int(n.value)]
    ranks = [n for n in after if n.ordinal or says_place]
    values = [n for n in (*before, *after) if n not in whole and n not in ranks]
    return _Place(
        mention.label,
        int(whole[0].value or 0) if whole else None,
        int(ranks[0].value or 0) if ranks and ranks[0].value is not None else None,
        values[0] if values else None,
    )


def _by_rank(places: Sequence[_Place]) -> tuple[list[int], bool, str]:
    """The labels by their written ranks or else in their order, whether ranks are written, and a fault."""
    labels = [place.label for place in places]
    for ranks in ([place.before for place in places], [place.named for place in places]):
        if any(rank is not None for rank in ranks):
            order, by_number, fault = _sorted_by(labels, ranks)
            beside = {place.label: place.value.value for place in places if place.value is not None}
            written = [beside[label] for label in order if beside.get(label) is not None]
            return order, by_number, fault or _rises(written)
    values = [place.value.value for place in places if place.value is not None]
    if None in values:
        return [], False, "a number beside a label cannot be read"
    numbers = [value for value in values if value is not None]
    counts = sorted(numbers) == list(range(1, len(labels) + 1)) and len(numbers) == len(labels) > 1
    rises = _rises(numbers)
    if counts and not rises:
        return [], False, "its numbers may be ranks or scores"
    if counts:
        return _sorted_by(labels, [int(number) for number in numbers])
    return labels, False, rises


def _rises(numbers: Sequence[float | None]) -> str:
    """A fault where numbers beside ranked labels do not fall."""
    falling = all((a or 0.0) >= (b or 0.0) for a, b in itertools.pairwise(numbers))
    return "" if falling else "the numbers beside the labels fall in another order"


def _sorted_by(labels: Sequence[int], ranks: Sequence[int | None]) -> tuple[list[int], bool, str]:
    written = [rank for rank in ranks if rank is not None]
    if len(written) < len(labels) or len(set(written)) < len(written):
        return [], True, "a rank is missing or given twice"
    if max(written) - min(written) != len(written) - 1 or min(written) > 1:
        return [], True, "a rank is left out"
    return [label for _, label in sorted(zip(written, labels, strict=True))], True, ""
