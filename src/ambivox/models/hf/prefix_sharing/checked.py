"""The shared path where it gives what the reference path gives, the reference path elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ambivox.models.hf.job import Answer, Job, Outcome
from ambivox.models.hf.memory import Budget, is_overflow
from ambivox.models.hf.prefix_sharing.shared import SharedPath
from ambivox.models.hf.prefix_sharing.text_model import NotSharableError
from ambivox.models.hf.reference import ReferencePath

TOLERANCE = 1e-4
"""In probability: how far the paths may be apart."""

ROUNDING = 0.05
"""The same below float32, where both are rounded; a broken mask or position is off by more."""

PROBE_TOKENS = 4

FAILURES = (NotSharableError, RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What a family raises that cannot take what the shared path gives it."""

ROOM_BYTES = 256 * 2**20
"""For encoded clips that may be asked about again: 15 hours of them for a model of width 512 in float32."""


class PrefixSharing:
    """Chooses the path by trying both on the first job that comes, with and without audio each.

    Which families let prompts share keys and values is nowhere written down, and a new version may change
    it: so it is tried with real weights, on a real clip, and a family that fails goes the reference path.

    Args:
        reference: the model on the reference path.
        audio_token: the model's placeholder for audio.
        budget: of the shared path.
        share: False never leaves the reference path.
    """

    def __init__(self, reference: ReferencePath, audio_token: int, budget: Budget, share: bool) -> None:
        self.reference = reference
        self.shared: SharedPath | None = None
        self._audio_token = audio_token
        self._agreed: set[bool] = set()
        if share:
            try:
                self.shared = SharedPath(reference, audio_token, budget, ROOM_BYTES)
            except NotSharableError as error:
                self._fall_back(str(error))

    @property
    def audio_tower(self) -> Any:
        """The audio encoder where it is of Whisper's kind, else None."""
        return self.shared.encode.tower if self.shared else None

    def forget(self) -> None:
        """Drop the clips that were encoded and kept."""
        if self.shared:
            self.shared.encode.kept.clear()

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome per job, in their order."""
        for heard in {bool(job.clip) for job in jobs} - self._agreed:
            if self.shared:
                self._check(next(job for job in jobs if bool(job.clip) == heard))
                self._agreed.add(heard)
        return (self.shared or self.reference).run(jobs)

    def _check(self, job: Job) -> None:
        assert self.shared is not None
        probes = probe(job, self._audio_token)
        expected = self.reference.run(probes)
        objection = self._objection(probes, expected)
        if objection:
            self._fall_back(objection)

    def _objection(self, probes: Sequence[Job], expected: Sequence[Outcome]) -> str | None:
        """Why the work may not be shared in this way; None if it may."""
        assert self.shared is not None
        try:
            got = self.shared.run(probes)
        except FAILURES as error:
            if is_overflow(error):
                raise
            return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}"
        apart = max(distance(a, b) for a, b in zip(expected, got, strict=True))
        tolerance = TOLERANCE if self.reference.model.dtype == torch.float32 else ROUNDING
        return None if apart <= tolerance else f"shared work moves its answers by {apart:.1g} in probability"

    def _fall_back(self, why: str) -> None:
        self.shared = None
        warnings.warn(
            f"{self.reference.name}: every prompt pays for its whole clip, "
            f"since nothing can be shared: {why}",
            RuntimeWarning,
            stacklevel=2,
        )


def probe(job: Job, audio_token: int) -> list[Job]:
    """Short jobs that use all that sharing does: prompts that part after the audio, labels, decoding.

    The second is the first with two tokens exchanged, and no jumble: where a model has no idea, it may
    answer to rounding alone, which would be taken for a difference between the paths.
    """
    ids = job.inputs["input_ids"]
    heard = (ids[0] == audio_token).nonzero()
    start = int(heard[-1]) + 1 if len(heard) else 0
    exchanged = ids.clone()
    exchanged[:, start : start + 2] = ids[:, start : start + 2].flip(1)
    parted = job.inputs | {"input_ids": exchanged}
    a, b = job.token_ids[0], job.token_ids[-1]
    short = replace(
        job,
        max_new_tokens=min(job.max_new_tokens, PROBE_TOKENS),
        samplers=(None,),
        sequences=((a, b), (b, a, b)),
        lens=False,
    )
    return [short, replace(short, inputs=parted, sequences=())]


def distance(a: Outcome, b: Outcome) -> float:
    """Largest difference in probability between two outcomes of one job."""
    apart = [_apart(x, y) for x, y in zip(a.answers, b.answers, strict=True)]
    if a.sequence_logp is not None and b.sequence_logp is not None:
        apart.append(float(np.abs(np.exp(a.sequence_logp) - np.exp(b.sequence_logp)).max()))
    return max(apart)


def _apart(a: Answer, b: Answer) -> float:
    """Up to the step where the answers part: from there on they are answers to different prompts."""
    steps = min(len(a.token_ids), len(b.token_ids))
    parted = next((t for t in range(steps) if a.token_ids[t] != b.token_ids[t]), steps - 1)
    p, q = (np.exp(x.token_logits[: parted + 1] - x.logsumexp[: parted + 1, None]) for x in (a, b))
    return float(np.abs(p - q).max())
