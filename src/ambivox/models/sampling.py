"""Sampled answers that depend on the request alone, whatever shares its batch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import UsageError
from ambivox.models.protocol import FloatArray, Request


@dataclass(frozen=True)
class Sampler:
    """Draws the tokens of one sampled answer.

    Args:
        temperature: the logits are divided by it, above 0.
        uniforms: one number in [0, 1) per step.
    """

    temperature: float
    uniforms: NDArray[np.float64]

    def choose(self, logits: FloatArray, step: int) -> int:
        """The next token, from raw logits of shape ``(V,)``: where the step's number falls in their CDF."""
        scaled = logits.astype(np.float64) / self.temperature
        p = np.exp(scaled - scaled.max())
        heap = p.cumsum()
        # rounding may put the number at the very end; a token of probability 0 is never drawn
        return min(
            int(heap.searchsorted(self.uniforms[step] * heap[-1], side="right")), int(p.nonzero()[0][-1])
        )


def samplers(request: Request) -> list[Sampler]:
    """One sampler per answer to draw; their numbers follow from clip, prompt, seed and the draw's own number.

    Raises:
        UsageError: a negative number of draws, or a temperature that is not above 0.
    """
    if request.n_draws < 0:
        raise UsageError(f"n_draws {request.n_draws}: at least 0 is needed")
    if request.n_draws and not 0 < request.temperature < float("inf"):
        raise UsageError(f"temperature {request.temperature}: a number above 0 is needed")
    audio = b"" if request.samples is None else request.samples.tobytes()
    asked = hashlib.sha256(audio + request.prompt.text.encode()).hexdigest()
    keys = [f"{asked}/{request.seed}/{draw}".encode() for draw in range(request.n_draws)]
    rngs = [np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest())) for key in keys]
    return [Sampler(request.temperature, rng.random(request.prompt.max_new_tokens)) for rng in rngs]
