"""The plain path: transformers' own `generate`, batch by batch. The reference, and the fallback."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from ambivox.models.chat_input import Inputs, batch_key, collate
from ambivox.models.checkpoint import quiet
from ambivox.models.protocol import FloatArray
from ambivox.models.sampling import Sampler


@dataclass(frozen=True)
class Row:
    """One answer to generate: the prompt's tensors, the tokens to watch, and how the next token is chosen."""

    inputs: Inputs
    token_ids: tuple[int, ...]
    max_new_tokens: int
    sampler: Sampler | None = None
    """None takes the most probable token."""


@dataclass(frozen=True)
class Answer:
    """What one row gave: T tokens, watched logits ``(T, K)``, log-sum-exp ``(T,)``."""

    token_ids: tuple[int, ...]
    watched: FloatArray
    logsumexp: FloatArray
    ended: bool
    time_s: float


class PlainPath:
    """Answers rows by ``model.generate``, which pays for the whole prompt of every row.

    Args:
        model: a loaded model.
        decoding: greedy generation settings with the model's special tokens.
        batch_size: rows per call.
    """

    def __init__(self, model: Any, decoding: Any, batch_size: int) -> None:
        self.model = model
        self.decoding = decoding
        self.batch_size = batch_size
        # VibeVoice adds noise to what it heard unless told not to; answers must not change from run to run
        takes = inspect.signature(model.forward).parameters
        self.fixed: dict[str, Any] = {"sample": False} if "sample" in takes else {}

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row, in their order."""
        groups: dict[object, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(batch_key(row.inputs), []).append(i)
        answers: dict[int, Answer] = {}
        for members in groups.values():
            # rows of like length together, the longest first: little padding, and the peak of memory early
            members.sort(key=lambda i: -rows[i].inputs["input_ids"].shape[1])
            for start in range(0, len(members), self.batch_size):
                batch = members[start : start + self.batch_size]
                answers.update(zip(batch, self._answer_batch([rows[i] for i in batch]), strict=True))
        return [answers[i] for i in range(len(rows))]

    def _answer_batch(self, rows: Sequence[Row]) -> list[Answer]:
        begun = time.perf_counter()
        inputs = collate([row.inputs for row in rows], self.decoding.pad_token_id)
        prompt_length = inputs["input_ids"].shape[1]
        tap = _Tap(rows, self.model.device)
        with quiet(), torch.inference_mode():
            sequences = self.model.generate(
                **{key: self.place(value) for key, value in inputs.items()},
                **self.fixed,
                generation_config=self.decoding,
                max_new_tokens=max(row.max_new_tokens for row in rows),
                logits_processor=transformers.LogitsProcessorList([tap]),
            )
        generated = sequences[:, prompt_length:].tolist()
        watched, logsumexp = tap.read()
        time_s = (time.perf_counter() - begun) / len(rows)
        answers = []
        for b, row in enumerate(rows):
            tokens = generated[b][: row.max_new_tokens]
            ends = [t for t, token in enumerate(tokens) if token in self.decoding.eos_token_id]
            steps = ends[0] + 1 if ends else len(tokens)
            answers.append(
                Answer(
                    token_ids=tuple(tokens[:steps]),
                    watched=watched[:steps, b, : len(row.token_ids)],
                    logsumexp=logsumexp[:steps, b],
                    ended=bool(ends),
                    time_s=time_s,
                )
            )
        return answers

    def place(self, value: Tensor) -> Tensor:
        """A tensor on the model's device, in its precision."""
        return value.to(self.model.device, self.model.dtype if value.is_floating_point() else None)


class _Tap(transformers.LogitsProcessor):  # type: ignore[misc]
    """Keeps each row's watched raw logits and log-sum-exp at every step; draws for rows that sample."""

    def __init__(self, rows: Sequence[Row], device: torch.device) -> None:
        width = max(len(row.token_ids) for row in rows)
        padded = [[*row.token_ids, *[0] * (width - len(row.token_ids))] for row in rows]
        self.token_ids = torch.tensor(padded, dtype=torch.long, device=device)
        self.samplers = [(b, row.sampler) for b, row in enumerate(rows) if row.sampler]
        self.watched: list[Tensor] = []
        self.logsumexp: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = scores.float()
        ids = self.token_ids.to(logits.device)
        self.watched.append(logits.gather(1, ids))
        self.logsumexp.append(logits.logsumexp(dim=1))
        if self.samplers:
            scores = scores.clone()
            for b, sampler in self.samplers:
                # decoding is greedy: of a sampled row it is shown the drawn token alone
                chosen = sampler.choose(logits[b])
                scores[b] = -torch.inf
                scores[b, chosen] = 0
        return scores

    def read(self) -> tuple[FloatArray, FloatArray]:
        """Watched logits ``(steps, B, K)`` and log-sum-exp ``(steps, B)``."""
        watched: FloatArray = torch.stack(self.watched).cpu().numpy()
        logsumexp: FloatArray = np.asarray(torch.stack(self.logsumexp).cpu().numpy())
        return watched, logsumexp
