"""Numbers per label as the public code of AER-LLM (Hong et al. 2024, arXiv 2409.18339) reads them."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from ambivox.readouts.answers.answer import Answer
from ambivox.readouts.answers.shares import SUM_TOLERANCE
from ambivox.readouts.reading import Reading

_LONGEST = 10_000
"""Signs of an answer; longer ones are not handed to Python's parser."""


def read_like_aer_llm(answer: Answer) -> Reading:
    """What stands between the first and the last brace of a line, as a Python dictionary of every label.

    A label that is missing or written in another case, a number that is text and a dictionary over several
    lines are failures (``unparsed``); other keys are passed over. Its numbers are scored there as they are;
    a distribution sums to 1, so here they are divided by their sum: ``renormalised`` where that was not 1.

    >>> from ambivox.emotions import load_emotions
    >>> said = "Here: {'neutral': 0.5, 'happy': 0.5, 'angry': 0, 'sad': 0}"
    >>> read_like_aer_llm(Answer(said, "dictionary", load_emotions("iemocap4"), (0, 1, 2, 3))).distribution
    array([0.5, 0.5, 0. , 0. ])
    """
    written = answer.written.strip()
    found = re.search(r"\{.*\}", written)
    given = _literal(found[0] if found else written)
    labels = answer.emotions.labels
    if not isinstance(given, dict):
        return Reading(None, "unparsed", "not a dictionary on one line")
    missing = [label for label in labels if label not in given]
    if missing:
        return Reading(None, "unparsed", f"no key {missing[0]!r}")
    numbers = [given[label] for label in labels]
    if not all(isinstance(n, int | float) and np.isfinite(n) and n >= 0 for n in numbers) or not sum(numbers):
        return Reading(None, "unparsed", "numbers that are not shares")
    p = np.array(numbers, dtype=np.float64)
    exact = abs(p.sum() - 1) <= SUM_TOLERANCE
    return Reading(p / p.sum(), "ok" if exact else "renormalised", "" if exact else f"summed to {p.sum():g}")


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text) if len(text) <= _LONGEST else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
