"""Text-level readouts: what the model said, parsed. Nothing is guessed: every oddity has a status."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ambivox.emotions import EmotionSet, fold
from ambivox.prompts.prompt import LETTERS
from ambivox.readouts.reading import Reading, Status
from ambivox.record import Record

SUM_TOLERANCE = 0.02
"""How far a sum may be from 1 (or from 100%) and still count as rounding: six labels at two decimals."""

_REFUSAL = re.compile(
    r"\b(i|we)\s*('m|’m| am| are)?\s*(sorry|unable|not able)\b"
    r"|\b(cannot|can't|can’t|could not|couldn't)\s+(\w+\s+){0,2}"
    r"(determine|identify|tell|hear|assist|help|answer)"
    r"|\bas an ai\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(not|no|never|neither|nor|without|isn't|isn’t|n't)\s+(\w+\s+)?$", re.IGNORECASE)

Pair = tuple[str, object]


def label(record: Record) -> Reading:
    """One label named in the answer (a word of the options, or its letter) as a one-hot distribution.

    ``foreign``: a single word or letter that is no option; ``unparsed``: none or several labels are named.

    >>> from ambivox.readouts.text import find_labels
    >>> from ambivox.emotions import load_emotions
    >>> find_labels("Not happy, I hear anger.", load_emotions("iemocap4"))
    [2]
    """
    text = record.text or ""
    emotions = record.emotions
    if not text.strip():
        return Reading(None, "unparsed", "empty answer")
    if record.format == "letter":
        letter = _letter_of(text)
        if letter is not None:
            return _read_letter(letter, text, record)
    named = find_labels(text, emotions)
    if len(named) == 1:
        return Reading(_one_hot(named[0], len(emotions)), "ok")
    if _REFUSAL.search(text):
        return Reading(None, "refused", _quote(text))
    if len(named) > 1:
        return Reading(None, "unparsed", f"names {', '.join(emotions.labels[n] for n in named)}")
    if re.fullmatch(r"[^\W\d_]+", fold(text)):
        return Reading(None, "foreign", f"{_quote(text)} is no option")
    return Reading(None, "unparsed", _quote(text))


def find_labels(text: str, emotions: EmotionSet) -> list[int]:
    """The labels that a text names as whole words, by any form, in order of appearance; not the negated."""
    exact = emotions.index(text)
    if exact is not None:
        return [exact]
    forms = sorted({fold(form) for forms in emotions.forms for form in forms}, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, forms)) + r")(?!\w)")
    folded = text.casefold()
    found = [
        emotions.index(match[0])
        for match in pattern.finditer(folded)
        if not _NEGATION.search(folded[: match.start()])
    ]
    return [n for n in dict.fromkeys(found) if n is not None]


def _letter_of(text: str) -> str | None:
    # A letter that stands alone, in capitals ("B", "(B)", "B. happy", "Answer: B"), or as the whole answer.
    whole = re.fullmatch(r"\W*([A-Za-z])\W*", text)
    alone = re.findall(r"(?<![\w'’])([A-Z])(?![\w'’])", text)
    letters = [whole[1].upper()] if whole else list(dict.fromkeys(alone))
    return letters[0] if len(letters) == 1 else None


def _read_letter(letter: str, text: str, record: Record) -> Reading:
    place = LETTERS.index(letter)
    if place >= len(record.order):
        return Reading(None, "foreign", f"{letter} is no option")
    n = record.order[place]
    named = find_labels(text, record.emotions)
    if named and named != [n]:
        others = ", ".join(record.labels[m] for m in named)
        return Reading(None, "unparsed", f"{letter} stands for {record.labels[n]}, but {others} is named")
    return Reading(_one_hot(n, len(record.labels)), "ok")


def dictionary(record: Record) -> Reading:
    """Numbers per label in the answer: JSON, a Python dict, percentages, or "label: number" lines.

    Numbers that sum to 1, or to 100 where percentages were asked for, are ``ok`` (within `SUM_TOLERANCE`);
    every other positive sum is ``renormalised``. Missing labels count as 0 (``partial``); labels outside the
    set are left out (``foreign``).
    """
    text = record.text or ""
    emotions = record.emotions
    pairs = list(_pairs(text))
    if not pairs:
        status: Status = "refused" if _REFUSAL.search(text) else "unparsed"
        return Reading(None, status, _quote(text) if text.strip() else "empty answer")
    values = np.full(len(emotions), np.nan)
    foreign: list[str] = []
    for key, raw in pairs:
        number = _number(raw)
        if number is None:
            return Reading(None, "unparsed", f"{key!r} has no usable number ({_quote(str(raw))})")
        n = emotions.index(key)
        if n is None:
            foreign.append(key)
        elif not math.isnan(values[n]):
            return Reading(None, "unparsed", f"{emotions.labels[n]} is given twice")
        else:
            values[n] = number
    return _from_values(values, foreign, emotions, whole=100.0 if record.format == "percentages" else 1.0)


def _from_values(values: Any, foreign: list[str], emotions: EmotionSet, whole: float) -> Reading:
    missing = [label for label, value in zip(emotions.labels, values, strict=True) if math.isnan(value)]
    values = np.nan_to_num(values)
    total = float(values.sum())
    if total <= 0:
        if foreign and len(missing) == len(values):
            return Reading(None, "foreign", f"only {', '.join(foreign)}")
        return Reading(None, "unparsed", "all numbers are 0")
    distribution = values / total
    if foreign:
        return Reading(distribution, "foreign", f"left out {', '.join(foreign)}")
    if missing:
        return Reading(distribution, "partial", f"missing {', '.join(missing)}")
    if abs(total / whole - 1) > SUM_TOLERANCE:
        return Reading(distribution, "renormalised", f"summed to {total:g}")
    return Reading(distribution, "ok")


_NUMBER = re.compile(r"[-+]?\s*(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][-+]?\d+)?")
_LINE = re.compile(
    r"[\"'“*_\s•\-]*([^\W\d_][\w /-]*?)[\"'”*_\s]*"  # the label, quoted or listed
    r"(?:[:=]|->|→|\s[-–]\s|\s\()\s*"
    rf"[\"'*_]*({_NUMBER.pattern}\s*%?)"
)


def _pairs(text: str) -> Iterator[Pair]:
    """Label and number pairs: of the first JSON or Python dictionary, else of "label: number" pieces."""
    for block in re.findall(r"\{[^{}]*\}", text, re.DOTALL):
        found = _parse_block(block)
        if found:
            yield from found
            return
    for piece in re.split(r"[\n,;{}|]+(?!\d)", text):
        match = _LINE.match(piece)
        if match:
            yield match[1], match[2]


def _parse_block(block: str) -> list[Pair]:
    try:
        return list(json.loads(block, object_pairs_hook=list))
    except ValueError:
        pass
    try:
        node = ast.parse(block.strip(), mode="eval").body
        if isinstance(node, ast.Dict):  # read key by key, since a dict would swallow a key given twice
            keys = [ast.literal_eval(key) for key in node.keys if key is not None]
            return list(zip(map(str, keys), map(ast.literal_eval, node.values), strict=True))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    return []


def _number(raw: object) -> float | None:
    """A finite number that is not negative, or None; "40%" and "0,4" are numbers."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        match = re.fullmatch(rf"\s*({_NUMBER.pattern})\s*%?\s*", raw)
        if not match:
            return None
        raw = float(match[1].replace(" ", "").replace(",", "."))
    if not isinstance(raw, int | float) or not math.isfinite(raw) or raw < 0:
        return None
    return float(raw)


def _one_hot(n: int, n_labels: int) -> Any:
    return np.eye(n_labels)[n]


def _quote(text: str, limit: int = 60) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= limit else flat[: limit - 1] + "…")
