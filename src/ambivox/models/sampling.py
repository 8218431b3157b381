"""Sampled answers that depend on the request alone, whatever shares its batch."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from ambivox.errors import UsageError
from ambivox.models.protocol import Request


class Sampler:
    """Draws the tokens of one sampled answer, one uniform number per step.

    Args:
        temperature: the logits are divided by it, above 0.
        key: what the draws depend on.
    """

    def __init__(self, temperature: float, key: bytes) -> None:
        self.temperature = temperature
        self._rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()))

    def choose(self, logits: Tensor) -> int:
        """The next token, from raw logits of shape ``(V,)``: where the uniform number falls in their CDF."""
        p = torch.softmax(logits.double() / self.temperature, dim=0)
        heap = p.cumsum(0)
        place = torch.tensor(self._rng.random(), dtype=heap.dtype, device=heap.device) * heap[-1]
        # rounding may put the number at the very end; a token of probability 0 is never drawn
        return min(int(torch.searchsorted(heap, place, right=True)), int(p.nonzero()[-1]))


def samplers(request: Request) -> list[Sampler]:
    """One sampler per answer to draw; their keys hold the clip, the prompt, the seed and the draw's number.

    Raises:
        UsageError: a negative number of draws, or a temperature that is not above 0.
    """
    if request.n_draws < 0:
        raise UsageError(f"n_draws {request.n_draws}: at least 0 is needed")
    if request.n_draws and not 0 < request.temperature < float("inf"):
        raise UsageError(f"temperature {request.temperature}: a number above 0 is needed")
    audio = b"" if request.samples is None else request.samples.tobytes()
    asked = hashlib.sha256(audio + request.prompt.text.encode()).hexdigest()
    return [
        Sampler(request.temperature, f"{asked}/{request.seed}/{draw}".encode())
        for draw in range(request.n_draws)
    ]
