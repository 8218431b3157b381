"""A language model that is nothing but a table of whole answers with their probabilities."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ambivox.raters.distribution import Array

Tokens = tuple[int, ...]

END = 0
"""The token that ends an answer."""
NEVER_NATS = -40.0
"""The log-probability of a token that no answer goes on with."""

_PIECES = re.compile(r" ?[^\W\d_]+|.", re.DOTALL)
_WRITTEN: dict[int, str] = {END: ""}


@lru_cache(maxsize=4096)
def tokenise(text: str) -> Tokens:
    """Words (with the space before them) and single characters as token ids.

    >>> [piece(token) for token in tokenise("I am sad: 0.5")]
    ['I', ' am', ' sad', ':', ' ', '0', '.', '5']
    """
    tokens = []
    for written in _PIECES.findall(text):
        # The id of a piece is its checksum, so that it is the same in every process.
        token = zlib.crc32(written.encode()) + 1
        _WRITTEN[token] = written
        tokens.append(token)
    return tuple(tokens)


def piece(token: int) -> str:
    """The text of a token."""
    return _WRITTEN[token]


@dataclass(frozen=True)
class Answers:
    """Whole answers and their probabilities: generation, sampling and scoring all follow from them.

    Args:
        probability: by text; non-negative, sum 1.

    >>> answers = Answers({"sad": 0.6, "sad, or not": 0.1, "happy": 0.3})
    >>> "".join(map(piece, answers.greedy(8))), round(float(np.exp(answers.logp(tokenise("sad")))), 3)
    ('sad', 0.7)
    """

    probability: Mapping[str, float]

    @cached_property
    def _rows(self) -> list[tuple[Tokens, float]]:
        return [((*tokenise(text), END), p) for text, p in self.probability.items() if p > 0]

    def next_logp(self, prefix: Tokens) -> dict[int, float]:
        """Log-probabilities in nats of the tokens that may follow; every other token is impossible."""
        weights: dict[int, float] = {}
        for tokens, p in self._rows:
            if len(tokens) > len(prefix) and tokens[: len(prefix)] == prefix:
                weights[tokens[len(prefix)]] = weights.get(tokens[len(prefix)], 0.0) + p
        total = sum(weights.values())
        return {token: float(np.log(p / total)) for token, p in weights.items()}

    def logp(self, sequence: Tokens) -> float:
        """Log-probability in nats that an answer begins with a sequence."""
        begun = sum(p for tokens, p in self._rows if tokens[: len(sequence)] == sequence)
        return float(np.log(begun)) if begun > 0 else NEVER_NATS * len(sequence)

    def greedy(self, max_new_tokens: int) -> Tokens:
        """The most probable token at every step, with `END` if it came to that."""
        prefix: Tokens = ()
        while len(prefix) < max_new_tokens and END not in prefix:
            following = self.next_logp(prefix)
            prefix = (*prefix, max(following, key=lambda token: following[token]))
        return prefix

    def draw(self, rng: np.random.Generator, temperature: float, max_new_tokens: int) -> Tokens:
        """A sampled answer; temperature acts on every token, as in a real model."""
        prefix: Tokens = ()
        while len(prefix) < max_new_tokens and END not in prefix:
            following = self.next_logp(prefix)
            logits = np.array(list(following.values())) / temperature
            weights = np.exp(logits - logits.max())
            prefix = (*prefix, int(rng.choice(list(following), p=weights / weights.sum())))
        return prefix

    def token_logits(self, steps: Tokens, token_ids: Sequence[int]) -> Array:
        """Log-probabilities in nats of some tokens before each step of an answer, shape ``(T, K)``."""
        rows = []
        for t in range(len(steps)):
            following = self.next_logp(steps[:t])
            rows.append([following.get(token, NEVER_NATS) for token in token_ids])
        return np.array(rows, dtype=np.float64).reshape(len(steps), len(token_ids))
