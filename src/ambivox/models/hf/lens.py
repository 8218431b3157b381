"""What every decoder layer would say: its states read by the final norm and the output layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ambivox.errors import UsageError
from ambivox.models.protocol import FloatArray

TOLERANCE = 1e-3
"""In probability: how far the reading of the last layer may be from the model's own answer."""


class Lens:
    """Reads the layers of a text decoder ("logit lens": nostalgebraist, 2020).

    Args:
        model: a loaded model.
        name: the model's, for errors.

    Raises:
        UsageError: the family keeps its decoder layers, final norm or output layer where they are not found.
    """

    def __init__(self, model: Any, name: str) -> None:
        decoder = model.get_decoder()
        self.layers: Any = getattr(decoder, "layers", None)
        self.norm: Any = getattr(decoder, "norm", None)
        self.head: Any = model.get_output_embeddings()
        self.name = name
        if not (self.layers and self.norm and self.head):
            raise self._unreadable("its decoder layers, final norm or output layer are not found")

    @contextmanager
    def recording(self) -> Iterator[list[Tensor]]:
        """The states after each layer, added by a forward pass inside: shape ``(1, positions, width)``."""
        states: list[Tensor] = []

        def keep(_module: Any, _inputs: Any, output: Any) -> None:
            states.append(output[0] if isinstance(output, tuple) else output)

        with ExitStack() as stack:
            for layer in self.layers:
                stack.callback(layer.register_forward_hook(keep).remove)
            yield states

    def read(
        self,
        states: Sequence[Tensor],
        token_ids: Sequence[int],
        token_logits: FloatArray,
        logsumexp: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Label-token logits and log-sum-exp of every layer.

        Args:
            states: per layer, shape ``(1, positions, width)``; the last T positions are read.
            token_ids: shape ``(K,)``, the label tokens.
            token_logits: shape ``(T, K)``, what the model answered with.
            logsumexp: shape ``(T,)``, beside it.

        Returns:
            Shapes ``(L, T, K)`` and ``(L, T)``; the last layer's are `token_logits` and `logsumexp`.

        Raises:
            UsageError: the last layer read in this way is not what the model answered.
        """
        if any(state.dim() != 3 for state in states):
            raise self._unreadable("its layers hold several streams")
        ids = list(token_ids)
        read = [self._logits(state[0, -len(token_logits) :]) for state in states]
        logits = np.stack([each[:, ids].cpu().numpy() for each in read])
        heaps = np.stack([each.logsumexp(1).cpu().numpy() for each in read])
        p, q = np.exp(logits[-1] - heaps[-1][:, None]), np.exp(token_logits - logsumexp[:, None])
        if not np.abs(p - q).max() <= TOLERANCE:
            raise self._unreadable("the last one read in this way is not what it answers")
        logits[-1], heaps[-1] = token_logits, logsumexp
        return logits, heaps

    def _logits(self, states: Tensor) -> Tensor:
        with torch.inference_mode():
            logits: Tensor = self.head(self.norm(states)).float()
        return logits

    def _unreadable(self, why: str) -> UsageError:
        return UsageError(f"{self.name}: the layers of this family cannot be read: {why}; ask without lens")
