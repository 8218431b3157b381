"""Every reading of the token-level method of Halim et al. whose summary leaves its averaging open."""

from __future__ import annotations

from typing import get_args

from ambivox.readouts.tokens import Normalise, Over, Value

OVER: tuple[Over, ...] = ("label-tokens", "steps", "answer")


def grid() -> list[str]:
    """The readouts of the grid: value x what is averaged over x normalisation, one per cell and prompt.

    Source: Halim et al., arXiv 2505.18484, whose public summary is ``mean(value=logit, normalise=sum)`` over
    some tokens.

    >>> len(grid()), grid()[0]
    (18, 'mean(value=logit, over=label-tokens, normalise=sum)')
    """
    return [
        f"mean(value={value}, over={over}, normalise={normalise})"
        for value in get_args(Value)
        for over in OVER
        for normalise in get_args(Normalise)
    ]
