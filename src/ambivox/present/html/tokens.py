"""What was said, token by token: the pieces of an answer, and what the labels held at each of its steps.

Records hold the ids of all generated tokens, but the text of label and number tokens only. So an answer
is cut where these stand in it, and what lies between is one piece of several tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ambivox.present.html.packed import thousandths
from ambivox.readouts import label_steps
from ambivox.record import Record

Piece = tuple[str, int]
"""A part of an answer and how many tokens wrote it."""


def said_tokens(record: Record) -> dict[str, Any] | None:
    """The answer of a record by `answer_pieces`, with the probability of each label at every step, flat.

    Pieces are without text where the answer cannot be cut in one way only. None where there is no step.
    """
    steps = label_steps(record)
    if steps is None:
        return None
    reply, asked = record.replied, record.asked.label_tokens
    ids = reply.token_ids[: len(steps)]
    known = dict(zip(asked.token_ids, asked.tokens, strict=True))
    pieces = answer_pieces(reply.text, [known.get(token) for token in ids])
    return {"pieces": pieces, "p": thousandths(steps)}


def answer_pieces(text: str, tokens: Sequence[str | None]) -> list[Piece] | None:
    """Cut an answer into the tokens whose text is known and what lies between them.

    Args:
        text: the answer, without space before or behind it.
        tokens: the text of each token; None where it is not known (it may then be empty).

    Returns:
        None where the tokens fit into the text in several ways, or not at all.

    >>> answer_pieces("I am sad.", [None, None, " sad", None, None])
    [('I am', 2), (' sad', 1), ('.', 2)]
    >>> answer_pieces("sad sad", [None, "sad", None]) is None
    True
    """
    shown = [token if token is None or n else token.lstrip() for n, token in enumerate(tokens)]
    runs = [list(group) for _, group in groupby(shown, lambda token: token is None)]
    blocks = ["".join(filter(None, run)) if run[0] is not None else None for run in runs]
    starts = _forced_starts(text, blocks)
    if starts is None:
        return None
    pieces: list[Piece] = []
    for run, start, end in zip(runs, starts, [*starts[1:], len(text)], strict=True):
        if run[0] is None:
            pieces.append((text[start:end], len(run)))
        else:
            pieces += [(token or "", 1) for token in run]
    return pieces


def _forced_starts(text: str, blocks: Sequence[str | None]) -> list[int] | None:
    """Where each block begins if the blocks, of which None is a gap of any length, fit in one way only.

    That is so where the leftmost and the rightmost way are the same.
    """
    left = _leftmost(text, blocks)
    mirrored = _leftmost(text[::-1], [block and block[::-1] for block in blocks[::-1]])
    if left is None or mirrored is None:
        return None
    right = [(len(text) - end, len(text) - start) for start, end in mirrored[::-1]]
    there = [n for n, block in enumerate(blocks) if block is not None]
    return [start for start, _ in left] if all(left[n] == right[n] for n in there) else None


def _leftmost(text: str, blocks: Sequence[str | None]) -> list[tuple[int, int]] | None:
    """Start and end of each block in the leftmost way in which they fit; None where they do not."""
    found: list[tuple[int, int]] = []
    at = 0
    for n, block in enumerate(blocks):
        if block is None:
            found.append((at, at))
            continue
        start = 0 if n == 0 else text.find(block, at)
        if n == len(blocks) - 1:  # nothing comes after it
            start = len(text) - len(block)
        if start < at or (n == 0 and start) or not text.startswith(block, start):
            return None
        at = start + len(block)
        found.append((start, at))
    return found
