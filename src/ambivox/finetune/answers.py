"""The answer that votes imply for a prompt: what training teaches the model to write."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ambivox.distribution import Array
from ambivox.errors import UsageError
from ambivox.prompts import RenderedPrompt

LABEL_FORMATS = ("word", "letter")
"""Formats whose answers are one label: their first token carries a distribution over labels."""

WRITTEN_FORMATS = (*LABEL_FORMATS, "dictionary", "percentages", "ranked")
"""Formats that say exactly how an answer is written."""


def write_answer(prompt: RenderedPrompt, labels: Sequence[str], shares: Array, named: int) -> str:
    """Write the answer to a prompt in its format, the options in the order in which they were offered.

    Args:
        prompt: what is asked.
        labels: the emotion set's, N of them.
        shares: shape ``(N,)``, shares of votes; dictionaries and percentages write them in hundredths that
            sum to 1, rankings by their size (ties in the order offered).
        named: the label that a word or letter names.

    Raises:
        UsageError: a format without a fixed way to answer.

    >>> from ambivox.emotions import load_emotions
    >>> from ambivox.prompts import load_prompt
    >>> emotions = load_emotions("iemocap4")
    >>> prompt = load_prompt("percentages").render(emotions, order=[3, 2, 1, 0])
    >>> print(write_answer(prompt, emotions.labels, np.array([2 / 3, 0, 0, 1 / 3]), 0))
    sad: 33%
    angry: 0%
    happy: 0%
    neutral: 67%
    """
    offered = [labels[n] for n in prompt.order]
    hundredths = rounded(shares[list(prompt.order)], 100)
    if prompt.format == "word":
        return labels[named]
    if prompt.format == "letter":
        return prompt.answers[named][0]
    if prompt.format == "dictionary":
        pairs = zip(offered, hundredths, strict=True)
        return "{" + ", ".join(f"{json.dumps(o, ensure_ascii=False)}: {n / 100:.2f}" for o, n in pairs) + "}"
    if prompt.format == "percentages":
        return "\n".join(f"{option}: {n}%" for option, n in zip(offered, hundredths, strict=True))
    if prompt.format == "ranked":
        return " > ".join(labels[n] for n in sorted(prompt.order, key=lambda n: -shares[n]))
    raise UsageError(
        f"prompt {prompt.name!r}: an answer in format {prompt.format!r} cannot be written from votes"
    )


def rounded(shares: Array, total: int) -> list[int]:
    """Whole numbers in proportion to shares, summing to ``total`` (largest remainders, first of ties).

    >>> rounded(np.array([1 / 3, 1 / 3, 1 / 3]), 100)
    [34, 33, 33]
    """
    exact = shares * total
    numbers: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    for place in np.argsort(numbers - exact, kind="stable")[: total - int(numbers.sum())]:
        numbers[place] += 1
    return [int(n) for n in numbers]
