"""The answer that votes imply for a prompt: what training teaches the model to write."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ambivox.errors import UsageError
from ambivox.finetuning.config import Numbers
from ambivox.prompts import RenderedPrompt
from ambivox.raters.distribution import Array

LABEL_FORMATS = ("word", "letter")
"""Formats whose answers are one label: their first token carries a distribution over labels."""

WRITTEN_FORMATS = (*LABEL_FORMATS, "dictionary", "percentages", "ranked")
"""Formats that say exactly how an answer is written."""


def write_answer(
    prompt: RenderedPrompt,
    labels: Sequence[str],
    shares: Array,
    named: int,
    rng: np.random.Generator,
    *,
    numbers: Numbers = "tenths",
) -> str:
    """Write the answer to a prompt in its format, the options in the order in which they were offered.

    Args:
        prompt: what is asked.
        labels: the emotion set's, N of them.
        shares: shape ``(N,)``, shares of votes; dictionaries and percentages write them as numbers that sum
            to 1, rankings by their size (ties in the order offered).
        named: the label that a word or letter names.
        rng: draws which numbers are rounded up.
        numbers: ``tenths`` (0.3, 30%) or ``hundredths`` (0.33, 33%).

    Raises:
        UsageError: a format without a fixed way to answer.

    >>> from ambivox.emotions import load_emotions
    >>> from ambivox.prompts import load_prompt
    >>> emotions = load_emotions("iemocap4")
    >>> prompt = load_prompt("percentages").render(emotions, order=[3, 2, 1, 0])
    >>> print(write_answer(prompt, emotions.labels, np.array([0.7, 0, 0, 0.3]), 0, np.random.default_rng(0)))
    sad: 30%
    angry: 0%
    happy: 0%
    neutral: 70%
    """
    offered = [labels[n] for n in prompt.order]
    if prompt.format == "word":
        return labels[named]
    if prompt.format == "letter":
        return prompt.answers[named][0]
    parts, decimals = (10, 1) if numbers == "tenths" else (100, 2)
    written = zip(offered, drawn(shares[list(prompt.order)], parts, rng), strict=True)
    if prompt.format == "dictionary":
        pairs = (f"{json.dumps(o, ensure_ascii=False)}: {n / parts:.{decimals}f}" for o, n in written)
        return "{" + ", ".join(pairs) + "}"
    if prompt.format == "percentages":
        return "\n".join(f"{option}: {n * 100 // parts}%" for option, n in written)
    if prompt.format == "ranked":
        return " > ".join(labels[n] for n in sorted(prompt.order, key=lambda n: -shares[n]))
    raise UsageError(
        f"prompt {prompt.name!r}: an answer in format {prompt.format!r} cannot be written from votes"
    )


def drawn(shares: Array, total: int, rng: np.random.Generator) -> list[int]:
    """Whole numbers that sum to ``total``, each a share rounded up or down so that its mean is the share.

    Rounding to the nearest would write every share below half a part as 0, always; so where each part is an
    evenly spaced point of a random start, a number is how many points fall on its share.

    Args:
        shares: shape ``(N,)``, sum 1.
        total: the parts, at least 1.

    Source: systematic sampling (Madow 1949, doi:10.1214/aoms/1177730032).

    >>> drawn(np.array([0.2, 0.8]), 10, np.random.default_rng(0))
    [2, 8]
    """
    # a sum off by an ulp must not move a number that needs no rounding
    ends = np.floor(np.round(total * np.cumsum(shares), 9) + rng.random())
    ends[-1] = total
    return [int(n) for n in np.diff(ends, prepend=0.0)]
