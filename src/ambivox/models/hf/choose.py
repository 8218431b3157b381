"""The token that a sampler draws, chosen where the logits are: vocabularies are large."""

from __future__ import annotations

import torch
from torch import Tensor

from ambivox.models.sampling import Sampler


def choose(sampler: Sampler, logits: Tensor, step: int) -> int:
    """As ``sampler.choose``, from logits on any device."""
    p = torch.softmax(logits.double() / sampler.temperature, dim=0)
    heap = p.cumsum(0)
    place = torch.tensor(sampler.uniforms[step], dtype=heap.dtype, device=heap.device) * heap[-1]
    # rounding may put the number at the very end; a token of probability 0 is never drawn
    return min(int(torch.searchsorted(heap, place, right=True)), int(p.nonzero()[-1]))
