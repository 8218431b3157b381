"""Where attention heads look, as a loss beside the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Qwen2AudioForConditionalGeneration
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from ambivox.training.encoding import NUMBERS, Tokens


class Gaze:
    """Where some heads look, as a loss: a circuit that the answers alone taught this model in no number of
    steps that we tried, learnt within hundreds once it is shown where to look.

    - layer 0, head 1, at an option of a lettered prompt: at its letter, two tokens back;
    - layer 1, head 2, where a number is to come: at each number before it, by `GLANCE` of what it gives to
      the first token, so that what it brings back grows with their sum, which is to be one in the end;
    - layer 2, heads 0 and 1, where an answer rests on the options: at the options, by their shares.
    """

    GLANCE = 0.25

    def __init__(self, model: Qwen2AudioForConditionalGeneration) -> None:
        layers = model.model.language_model.layers
        self._attention: dict[int, Any] = {n: layers[n].self_attn for n in (0, 1, 2)}
        self._seen: dict[int, dict[str, Any]] = {}
        self._hooks = [
            layer.register_forward_pre_hook(
                lambda module, args, kwargs, n=n: self._seen.__setitem__(n, kwargs), with_kwargs=True
            )
            for n, layer in self._attention.items()
        ]

    def stop(self) -> None:
        """Stop watching the model."""
        for hook in self._hooks:
            hook.remove()

    def loss(self, audio: Sequence[Tensor], examples: Sequence[Tokens]) -> Tensor:
        """Mean cross-entropy (nats) of what to look at against what the heads look at in the last pass."""
        letters, sums, options = [], [], []
        for b, (tokens, made) in enumerate(zip(audio, examples, strict=True)):
            shift = len(tokens) - 1
            places = [n + shift for n in made.options]
            written = [made.first + shift + index for index, _ in made.look]
            for n, (_, share) in enumerate(made.look):
                options.append((b, written[n] - 1, places, share))
                if made.format in NUMBERS:
                    rest = 1 / (1 + n * self.GLANCE)
                    glances = [self.GLANCE * rest] * n
                    sums.append((b, written[n] - 1, [0, *written[:n]], [rest, *glances]))
            if made.format == "letter":
                letters += [(b, place, [place - 2], [1.0]) for place in places]
        shown = ((0, (1,), letters), (1, (2,), sums), (2, (0, 1), options))
        found = [-self._shown(layer, heads, rows) for layer, heads, rows in shown if rows]
        return torch.stack(found).sum() if found else torch.zeros(())

    def _shown(
        self, layer: int, heads: Sequence[int], rows: Sequence[tuple[int, int, list[int], list[float]]]
    ) -> Tensor:
        attention, seen = self._attention[layer], self._seen[layer]
        hidden, (cos, sin) = seen["hidden_states"], seen["position_embeddings"]
        shape = (*hidden.shape[:2], -1, attention.head_dim)
        query = attention.q_proj(hidden).view(shape).transpose(1, 2)
        key = attention.k_proj(hidden).view(shape).transpose(1, 2)
        query, key = apply_rotary_pos_emb(query, key, cos, sin)
        batch, place = [row[0] for row in rows], torch.tensor([row[1] for row in rows])
        widest = max(len(row[2]) for row in rows)
        where = torch.tensor([row[2] + [0] * (widest - len(row[2])) for row in rows])
        share = torch.tensor([row[3] + [0.0] * (widest - len(row[3])) for row in rows])
        chosen = query[batch, :, place][:, heads], key[batch][:, heads]
        scores = torch.einsum("rhd,rhnd->rhn", *chosen).float() * attention.scaling
        later = torch.arange(hidden.shape[1]) > place[:, None]
        logp = scores.masked_fill(later[:, None], -torch.inf).log_softmax(-1)
        looked = logp.gather(-1, where[:, None].expand(-1, len(heads), -1))
        mean: Tensor = (share[:, None] * looked).sum(-1).mean()
        return mean
