"""The reference path: transformers' own `generate`, batch by batch. The reference, and the fallback."""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from ambivox.models.hf.chat_input import Inputs, batch_key, collate, with_answer
from ambivox.models.hf.checkpoint import quiet
from ambivox.models.hf.choose import choose
from ambivox.models.hf.job import Answer, Job, Outcome, score_sequences, used_tokens
from ambivox.models.hf.lens import Lens
from ambivox.models.hf.memory import Budget
from ambivox.models.protocol import FloatArray
from ambivox.models.sampling import Sampler


@dataclass(frozen=True)
class _Row:
    """One answer to generate: the prompt's tensors, the label tokens, and how the next token is chosen."""

    inputs: Inputs
    token_ids: tuple[int, ...]
    max_new_tokens: int
    sampler: Sampler | None = None
    """None takes the most probable token."""


class ReferencePath:
    """Answers rows by ``model.generate``, which pays for the whole prompt of every row.

    Args:
        model: a loaded model.
        decoding: greedy generation settings with the model's special tokens.
        name: the model's, for errors.
        budget: how many rows per call.
    """

    def __init__(self, model: Any, decoding: Any, name: str, budget: Budget) -> None:
        self.model = model
        self.decoding = decoding
        self.name = name
        self.budget = budget
        # VibeVoice adds noise to what it heard unless told not to; answers must not change from run to run
        takes = inspect.signature(model.forward).parameters
        self.fixed: dict[str, Any] = {"sample": False} if "sample" in takes else {}

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome per job, in their order."""
        begun = time.perf_counter()
        rows: list[_Row] = []
        for job in jobs:
            rows += [_Row(job.inputs, job.token_ids, job.max_new_tokens, each) for each in job.samplers]
            used = used_tokens(job.sequences)
            rows += [_Row(with_answer(job.inputs, prefix), used, 1) for prefix in job.prefixes]
        answers = iter(self._answer(rows))
        outcomes = [self._outcome(job, answers) for job in jobs]
        time_s = (time.perf_counter() - begun) / max(len(jobs), 1)
        return [replace(outcome, time_s=time_s) for outcome in outcomes]

    def _outcome(self, job: Job, answers: Iterator[Answer]) -> Outcome:
        said = tuple(itertools.islice(answers, len(job.samplers)))
        logp = {
            prefix: answer.token_logits[0].astype(np.float64) - answer.logsumexp[0]
            for prefix, answer in zip(job.prefixes, answers, strict=False)
        }
        return Outcome(
            said,
            score_sequences(job.sequences, logp) if job.sequences else None,
            self._read_layers(job, said[0]) if job.lens else None,
        )

    def _read_layers(self, job: Job, answer: Answer) -> tuple[FloatArray, FloatArray]:
        lens = Lens(self.model, self.name)
        answered = with_answer(job.inputs, answer.token_ids[:-1])
        with quiet(), torch.inference_mode(), lens.recording() as states:
            self.model(**{k: self.place(v) for k, v in answered.items()}, **self.fixed)
        return lens.read(states, job.token_ids, answer.token_logits, answer.logsumexp)

    def _answer(self, rows: Sequence[_Row]) -> list[Answer]:
        groups: dict[object, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(batch_key(row.inputs), []).append(i)
        # rows of like length together, the longest first: little padding, and the peak of memory early
        for members in groups.values():
            members.sort(key=lambda i: -rows[i].inputs["input_ids"].shape[1])
        answers: dict[int, Answer] = {}
        for members in groups.values():
            while left := [i for i in members if i not in answers]:
                batch = left[: self.budget.rows]
                with self.budget.halved_on_overflow():
                    answers.update(zip(batch, self._answer_batch([rows[i] for i in batch]), strict=True))
        return [answers[i] for i in range(len(rows))]

    def _answer_batch(self, rows: Sequence[_Row]) -> list[Answer]:
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
        token_logits, logsumexp = tap.read()
        answers = []
        for b, row in enumerate(rows):
            tokens = generated[b][: row.max_new_tokens]
            ends = [t for t, token in enumerate(tokens) if token in self.decoding.eos_token_id]
            steps = ends[0] + 1 if ends else len(tokens)
            answers.append(
                Answer(
                    token_ids=tuple(tokens[:steps]),
                    token_logits=token_logits[:steps, b, : len(row.token_ids)],
                    logsumexp=logsumexp[:steps, b],
                    ended=bool(ends),
                )
            )
        return answers

    def place(self, value: Tensor) -> Tensor:
        """A tensor on the model's device, in its precision."""
        return value.to(self.model.device, self.model.dtype if value.is_floating_point() else None)


class _Tap(transformers.LogitsProcessor):  # type: ignore[misc]
    """Keeps label-token logits and log-sum-exp of each row at every step; draws for rows that sample."""

    def __init__(self, rows: Sequence[_Row], device: torch.device) -> None:
        width = max(len(row.token_ids) for row in rows)
        padded = [[*row.token_ids, *[0] * (width - len(row.token_ids))] for row in rows]
        self.token_ids = torch.tensor(padded, dtype=torch.long, device=device)
        self.samplers = [(b, row.sampler) for b, row in enumerate(rows) if row.sampler]
        self.token_logits: list[Tensor] = []
        self.logsumexp: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = scores.float()
        ids = self.token_ids.to(logits.device)
        self.token_logits.append(logits.gather(1, ids))
        self.logsumexp.append(logits.logsumexp(dim=1))
        step = len(self.token_logits) - 1
        if self.samplers:
            scores = scores.clone()
            for b, sampler in self.samplers:
                if step >= len(sampler.uniforms):
                    continue  # the row is over, others of its batch are not
                # decoding is greedy: of a sampled row it is shown the drawn token alone
                chosen = choose(sampler, logits[b], step)
                scores[b] = -torch.inf
                scores[b, chosen] = 0
        return scores

    def read(self) -> tuple[FloatArray, FloatArray]:
        """Label-token logits ``(steps, B, K)`` and log-sum-exp ``(steps, B)``."""
        token_logits: FloatArray = torch.stack(self.token_logits).cpu().numpy()
        logsumexp: FloatArray = np.asarray(torch.stack(self.logsumexp).cpu().numpy())
        return token_logits, logsumexp
