"""The shared path: what requests have in common is computed once, and checked against the reference path."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from ambivox.models.hf.checkpoint import quiet
from ambivox.models.hf.job import Answer, Job, Outcome
from ambivox.models.hf.lens import Lens
from ambivox.models.hf.memory import Budget
from ambivox.models.hf.prefix_sharing.decode import Decoder, Start
from ambivox.models.hf.prefix_sharing.encode import AudioEncoder
from ambivox.models.hf.prefix_sharing.key_values import TreeCache
from ambivox.models.hf.prefix_sharing.prefix_tree import Branch, grow
from ambivox.models.hf.prefix_sharing.text_model import TextModel
from ambivox.models.hf.reference import ReferencePath
from ambivox.models.protocol import FloatArray

TREE_TOKENS = 768
"""Beyond, the branches of a tree cost each other more attention than another forward pass costs."""


class SharedPath:
    """Answers jobs clip by clip: one encoding, one forward pass over all prompts and labels, one decoding.

    Args:
        reference: the same model on the reference path.
        audio_token: the model's placeholder for audio.
        budget: how much goes through the model at a time.
        room_bytes: for encoded clips that may be asked about again.

    Raises:
        NotSharableError: the family does not allow it.
    """

    def __init__(self, reference: ReferencePath, audio_token: int, budget: Budget, room_bytes: int) -> None:
        self.reference, self.budget = reference, budget
        self.text = TextModel(reference.model, audio_token, reference.fixed)
        self.encode = AudioEncoder(self.text, reference.place, room_bytes)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome per job, in their order."""
        begun = time.perf_counter()
        done: dict[int, Outcome] = {}
        while len(done) < len(jobs):
            left = {n: job for n, job in enumerate(jobs) if n not in done}
            with self.budget.halved_on_overflow(), quiet(), torch.inference_mode():
                done.update(self._run(left))
        time_s = (time.perf_counter() - begun) / max(len(jobs), 1)
        return [replace(done[n], time_s=time_s) for n in range(len(jobs))]

    def _run(self, jobs: dict[int, Job]) -> Iterator[tuple[int, Outcome]]:
        scores: dict[int, Any] = {}
        answers: dict[int, dict[int, Answer]] = {n: {} for n in jobs}
        layers: dict[int, tuple[FloatArray, FloatArray]] = {}

        def starts() -> Iterator[Start]:
            for n, branch in self._branches(jobs):
                scores[n] = branch.sequence_logp
                for place, sampler in enumerate(branch.job.samplers):
                    yield Start((n, place), branch, sampler)

        ends, budget = self.reference.decoding.eos_token_id, self.budget
        decoder = Decoder(self.text, ends, budget.rows, budget.tokens)
        for start, answer in decoder.run(starts()):
            n, place = start.name
            if jobs[n].lens and place == 0:
                layers[n] = self._read_layers(start.branch, answer)
            answers[n][place] = answer
            if len(answers[n]) == len(jobs[n].samplers):
                got = answers.pop(n)
                ordered = tuple(got[place] for place in range(len(got)))
                yield n, Outcome(ordered, scores.pop(n), layers.pop(n, None))
        for n in answers:  # of jobs that only score
            yield n, Outcome((), scores[n])

    def _branches(self, jobs: dict[int, Job]) -> Iterator[tuple[int, Branch]]:
        clips: dict[bytes, list[int]] = {}
        for n, job in jobs.items():
            clips.setdefault(job.clip, []).append(n)
        # the longest first: rows of like length together, and the peak of memory early
        for clip, members in sorted(clips.items(), key=lambda item: -max(_length(jobs[n]) for n in item[1])):
            members.sort(key=lambda n: -_length(jobs[n]))
            audio = self.encode(clip, jobs[members[0]].inputs) if clip else None
            tree_tokens = min(TREE_TOKENS, self.budget.tokens)
            for place, branch in grow(self.text, [jobs[n] for n in members], audio, tree_tokens):
                yield members[place], branch

    def _read_layers(self, branch: Branch, answer: Answer) -> tuple[FloatArray, FloatArray]:
        """Run the answer through the model once more, with every layer recorded."""
        lens = Lens(self.reference.model, self.reference.name)
        device = self.reference.model.device
        said = [branch.job.prompt[-1], *answer.token_ids[:-1]]
        before = branch.path[:-1]
        positions = torch.arange(len(before), len(before) + len(said), device=device)[None]
        keys = torch.arange(len(before) + len(said), device=device)[None]
        cache = TreeCache(branch.cache.at(before))
        with lens.recording() as states:
            self.text(
                torch.tensor([said], device=device),
                positions,
                keys[:, None] <= positions[:, :, None],
                cache,
                key_positions=keys,
            )
        return lens.read(states, branch.job.token_ids, answer.token_logits, answer.logsumexp)


def _length(job: Job) -> int:
    return int(job.inputs["input_ids"].shape[1]) + job.max_new_tokens
