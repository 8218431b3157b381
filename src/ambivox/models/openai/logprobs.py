"""What a server tells of each generated step, as arrays of label tokens: values, or upper bounds.

A server lists some tokens with their log-probabilities. A label token that is not listed has at most the
smallest probability that is, and at most what all listed ones leave; it never has 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import UnreachableError
from ambivox.models.protocol import FloatArray

NOT_TOLD = -9990.0
"""Servers write -9999 for minus infinity, or for "not among the tokens I know"."""

ROUNDING = 1e-6
"""The sum of the listed probabilities is known to this."""

# Null bytes and other control characters, and markers such as <|im_end|>, <eos>, </s>, [PAD].
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+|<\|[^|]*\|>|</?\w{1,12}>|\[[A-Z]{3,}\]")
_TOKEN_ID = re.compile(r"token_id:(\d{1,9})")


@dataclass(frozen=True)
class Step:
    """One generated step: the token that was written, and log-probabilities by token, in nats."""

    token: int
    text: str
    listed: Mapping[int, float]
    control: Mapping[str, float]
    """Tokens of control that were listed and not written, by text."""
    smallest: float
    """The smallest log-probability of the list, which no other token exceeds."""


@dataclass(frozen=True)
class Listed:
    """T steps, K label tokens; as the fields of `Reply`."""

    token_logits: FloatArray
    bounded: NDArray[np.bool_]
    unlisted_logp: FloatArray
    left_out: tuple[str, ...]


def read_steps(choice: Mapping[str, Any], id_of: Callable[[str], int]) -> list[Step]:
    """The steps of a choice; none where the server gives no log-probabilities.

    Args:
        choice: of a chat completion.
        id_of: text of a token -> its id, for servers that give no ids.

    Raises:
        UnreachableError: what it gives is not log-probabilities.
    """
    content = (choice.get("logprobs") or {}).get("content") or []
    if not isinstance(content, list):
        raise UnreachableError("log-probabilities that are not a list")
    return [_step(entry, id_of) for entry in content]


def _step(entry: Any, id_of: Callable[[str], int]) -> Step:
    token, text, own = _entry(entry, id_of)
    listed: dict[int, float] = {}
    control: dict[str, float] = {}
    smallest: float | None = None
    for other in entry.get("top_logprobs") or ():
        other_token, other_text, logp = _entry(other, id_of)
        if logp > NOT_TOLD:
            smallest = logp if smallest is None else min(smallest, logp)
        if other_token != token and _CONTROL.fullmatch(other_text):
            control[other_text] = float(np.logaddexp(control.get(other_text, -np.inf), logp))
        elif logp > NOT_TOLD or _TOKEN_ID.fullmatch(str(other.get("token"))):
            # Two tokens of one text are one token here.
            known = listed.get(other_token)
            listed[other_token] = logp if known is None else float(np.logaddexp(known, logp))
    if own > NOT_TOLD:
        listed.setdefault(token, own)
    return Step(token, text, listed, control, own if smallest is None else smallest)


def _entry(entry: Any, id_of: Callable[[str], int]) -> tuple[int, str, float]:
    """Id, text and log-probability of a listed token."""
    if not isinstance(entry, dict):
        raise UnreachableError("log-probabilities of an unknown form")
    logp, text = entry.get("logprob", -9999.0), str(entry.get("token", ""))
    if not isinstance(logp, int | float) or isinstance(logp, bool) or math.isnan(logp) or logp > 1e-3:
        raise UnreachableError(f"{logp!r:.20} in place of a log-probability")
    logp = max(min(float(logp), 0.0), -9999.0)
    if match := _TOKEN_ID.fullmatch(text):
        return int(match[1]), "", logp
    raw = entry.get("bytes")
    if isinstance(raw, list) and raw and all(isinstance(byte, int) and 0 <= byte < 256 for byte in raw):
        text = bytes(raw).decode("utf-8", "replace")
    given = entry.get("id")
    return (given if isinstance(given, int) and given >= 0 else id_of(text)), text, logp


def assert_same_text(steps: Sequence[Step], text: str) -> None:
    """The tokens write the text.

    Raises:
        UnreachableError: they do not, so they are of something else.
    """
    written = "".join(step.text for step in steps)
    bare = _CONTROL.sub("", written)
    # Half a character in a token cannot be compared; markers of the end are not part of the text.
    if "�" not in written and _squeezed(text) not in (_squeezed(written), _squeezed(bare)):
        raise UnreachableError(
            f"log-probabilities of {len(steps)} tokens that do not write the answer ({bare!r:.40})"
        )


def _squeezed(text: str) -> str:
    return "".join(text.split())


def listed_values(steps: Sequence[Step], token_ids: Sequence[int]) -> Listed:
    """Log-probabilities of label tokens, or their upper bounds where the server listed others.

    Tokens of control that no answer holds are left out of the vocabulary: the others are renormalised.

    >>> step = Step(7, "a", {7: np.log(0.6), 8: np.log(0.3)}, {}, np.log(0.3))
    >>> found = listed_values([step], [7, 9])
    >>> np.exp(found.token_logits.astype(float)).round(2).tolist(), found.bounded.tolist()
    ([[0.6, 0.1]], [[False, True]])
    """
    logits = np.zeros((len(steps), len(token_ids)), np.float32)
    bounded = np.ones(logits.shape, np.bool_)
    unlisted = np.zeros(len(steps), np.float32)
    left_out: dict[str, None] = {}
    for t, step in enumerate(steps):
        left_out |= dict.fromkeys(step.control)
        control = sum(map(math.exp, step.control.values()))
        kept = math.log(max(1.0 - control, ROUNDING))
        told = control + sum(map(math.exp, step.listed.values()))
        unlisted[t] = min(math.log(max(1.0 - told, ROUNDING)) - kept, 0.0)
        logits[t] = min(step.smallest - kept, float(unlisted[t]))
        for k, token in enumerate(token_ids):
            if token in step.listed:
                logits[t, k], bounded[t, k] = min(step.listed[token] - kept, 0.0), False
    return Listed(logits, bounded, unlisted, tuple(left_out))
