"""What the two ways of running a model are given, and what they give back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ambivox.models.hf.chat_input import Inputs
from ambivox.models.label_tokens import Tokens, score_by_trie
from ambivox.models.protocol import FloatArray
from ambivox.models.sampling import Sampler


@dataclass(frozen=True)
class Job:
    """One request in the terms of a model.

    Args:
        clip: what tells clips apart; jobs with the same one have the same audio, ``b""`` has none.
        inputs: the prompt's tensors, as its processor made them.
        token_ids: shape ``(K,)``, the label tokens.
        max_new_tokens: where answers are cut.
        samplers: one answer each; None takes the most probable token.
        sequences: shape ``(S,)``, the token sequences to score.
        lens: whether to read every layer under the first answer.
    """

    clip: bytes
    inputs: Inputs
    token_ids: Tokens
    max_new_tokens: int
    samplers: tuple[Sampler | None, ...] = (None,)
    sequences: tuple[Tokens, ...] = ()
    lens: bool = False

    @property
    def prompt(self) -> Tokens:
        """Shape ``(L,)``: the prompt's tokens."""
        return tuple(self.inputs["input_ids"][0].tolist())

    @property
    def prefixes(self) -> tuple[Tokens, ...]:
        """What the sequences begin with, each once: after these the model is asked for the next token."""
        return tuple(dict.fromkeys(s[:n] for s in self.sequences for n in range(len(s))))


@dataclass(frozen=True)
class Answer:
    """What one row gave: T tokens, label-token logits ``(T, K)``, log-sum-exp ``(T,)``."""

    token_ids: Tokens
    token_logits: FloatArray
    logsumexp: FloatArray
    ended: bool


@dataclass(frozen=True)
class Outcome:
    """What one job gave.

    Args:
        answers: one per sampler.
        sequence_logp: shape ``(S,)``, nats.
        layers: as `Lens.read` gives them.
        time_s: its share of the wall time.
    """

    answers: tuple[Answer, ...]
    sequence_logp: NDArray[np.float64] | None = None
    layers: tuple[FloatArray, FloatArray] | None = None
    time_s: float = 0.0


def used_tokens(sequences: Sequence[Tokens]) -> Tokens:
    """The distinct tokens of the sequences, in order: all that has to be kept of the vocabulary."""
    return tuple(sorted({token for sequence in sequences for token in sequence}))


def score_sequences(
    sequences: Sequence[Tokens], logp: Mapping[Tokens, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Shape ``(S,)``, nats, from the log-probabilities of `used_tokens` after every prefix."""
    place = {token: n for n, token in enumerate(used_tokens(sequences))}
    token = {n: token for token, n in place.items()}

    def next_logp(prefixes: Sequence[Tokens]) -> NDArray[np.float64]:
        return np.stack([logp[tuple(token[n] for n in prefix)] for prefix in prefixes])

    return score_by_trie([tuple(place[t] for t in s) for s in sequences], next_logp)
