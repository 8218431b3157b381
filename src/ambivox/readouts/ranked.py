"""Rankings: an order of labels, and the distribution that stands for it."""

from __future__ import annotations

import itertools
import re
from typing import Literal

import numpy as np

from ambivox.emotions import EmotionSet, fold
from ambivox.raters.distribution import Array
from ambivox.readouts.reading import Reading
from ambivox.readouts.scan import find_labels, find_numbers, is_refusal
from ambivox.readouts.text import quote, unparsed
from ambivox.record import Record

Weights = Literal["centroid", "reciprocal", "linear"]

_BETWEEN = re.compile(r"[>→≻;\n,|]|(?<!\w)(?:then|followed by)(?!\w)|(?<!\w)\d+\s*[.):]\s")
_FOREIGN_WORDS = 2
"""An item of so many words that names no label is a label of another set; a longer one is a remark."""


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


def ranked(record: Record, *, weights: Weights = "centroid") -> Reading:
    """A ranked list of labels, the most probable first, as the weights of their ranks.

    ``partial``: labels that were not ranked share what is left, as over all their possible orders;
    ``foreign``: labels outside the set are passed over. ``unparsed``: a label at two places, two labels at
    one place, or numbers beside the labels that fall in another order.
    """
    text = record.replied.text
    emotions = record.asked.emotions
    order, foreign, fault = _read_items(text, record)
    fault = fault or _numbers_disagree(text, emotions)
    if not order or fault:
        if is_refusal(text):
            return Reading(None, "refused", quote(text))
        if foreign and not fault:
            return Reading(None, "foreign", f"only {', '.join(foreign)}")
        return Reading(None, "unparsed", fault) if fault else unparsed(text)
    if "<" in text:
        order.reverse()
    by_rank = rank_weights(len(emotions), weights)
    distribution = np.full(len(emotions), by_rank[len(order) :].mean() if len(order) < len(emotions) else 0.0)
    distribution[order] = by_rank[: len(order)]
    if foreign:
        return Reading(distribution, "foreign", f"left out {', '.join(foreign)}")
    if len(order) < len(emotions):
        missing = [label for n, label in enumerate(emotions.labels) if n not in order]
        return Reading(distribution, "partial", f"not ranked: {', '.join(missing)}")
    return Reading(distribution, "ok")


def _read_items(text: str, record: Record) -> tuple[list[int], list[str], str]:
    """Labels in their order, names of other sets, and why it is not a ranking (empty if it is)."""
    order: list[int] = []
    foreign: list[str] = []
    if "<" in text and ">" in text:
        return [], [], "both < and > stand between the labels"
    items = [fold(item) for item in _BETWEEN.split(text.replace("<", ">"))]
    if record.replied.finish == "length":
        items = [*items[:-1], *(item for item in items[-1:] if record.asked.emotions.index(item) is not None)]
    for item in items:
        named = find_labels(item, record.asked.emotions)
        if len(named) > 1:
            return [], [], f"{quote(item)} names {len(named)} labels"
        if named and named[0] in order:
            return [], [], f"{record.asked.emotions.labels[named[0]]} is ranked twice"
        words = re.findall(r"[^\W\d_]+", item)
        if named:
            order += named
        elif 0 < len(words) <= _FOREIGN_WORDS and not item.endswith(":"):
            foreign.append(item)
    return order, foreign if order or len(foreign) > 1 or len(items) == 1 else [], ""


def _numbers_disagree(text: str, emotions: EmotionSet) -> str:
    values = [n.value for n in find_numbers(text, emotions) if n.label is not None and n.value is not None]
    falling = all(a >= b for a, b in itertools.pairwise(values))
    counting = values == list(range(1, len(values) + 1))
    return "" if falling or counting else "the numbers beside the labels fall in another order"
