"""Where attention heads look, and what they bring back, as a loss beside the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from recipes.mini.encoding import NUMBERS, Tokens

Row: TypeAlias = tuple[int, int, list[int], list[float]]
"""Of which example, from which place, at which places to look, and with which shares."""


class Gaze:
    """Where some heads look, as a loss: a circuit that the answers alone taught this model in no number of
    steps that we tried, learnt within hundreds once it is shown where to look.

    - layer 0, head 1, at an option of a lettered prompt: at its letter, two tokens back;
    - layer 1, head 0, where a number is to come: at the option after the one written last, or at the starts
      of the turns where there is none, so that the last number is known as such;
    - layer 1, head 2, where a number is to come: at each digit written before it, by `GLANCE` of what it
      gives to the starts of the turns. Against those it brings back the sum of the numbers so far;
    - layer 2, heads 0 and 1, where a word or a letter is to come: at the options, by their shares;
    - layer 2, head 2, where a number is to come: at the options, and at those written so far, by their
      shares. Against the former the latter bring back what the numbers should come to by now.

    A head may look at the right places and bring back nothing of use. So linear probes, trained along and
    dropped with the object, have to read from the stream where a number is to come: before layer 2 the sum
    of the numbers so far and whether it is the last, before layer 3 what is still due.
    """

    GLANCE = 0.25

    def __init__(self, model: Qwen2AudioForConditionalGeneration) -> None:
        layers = model.model.language_model.layers
        self._attention: dict[int, Any] = {n: layers[n].self_attn for n in range(4)}
        self.probes = nn.ModuleList([nn.Linear(model.config.text_config.hidden_size, n) for n in (2, 1)])
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
        """Mean KL divergences (nats) of where the heads look in the last pass from where to look, and mean
        errors of the probes (tenths; Huber's), summed. That a number is the last counts as ten."""
        letters, nexts, sums, options, dues = [], [], [], [], []
        values: list[tuple[float, float, float]] = []
        for b, (tokens, made) in enumerate(zip(audio, examples, strict=True)):
            shift = len(tokens) - 1
            answer = made.first + shift
            places = [n + shift for n in made.options]
            starts = [n + shift if n > made.options[0] else n for n in made.starts] if places else []
            for (index, shares), so_far in zip(made.look, made.sums, strict=True):
                here = answer + index - 1
                if made.format not in NUMBERS:
                    options.append((b, here, places, shares))
                    continue
                digits = [answer + n for n in made.digits if n < index]
                named = [answer + n for n in made.named if n < index]
                following = places[len(named) : len(named) + 1] or starts
                nexts.append(_row(b, here, following, [1.0] * len(following)))
                evenly = [1 / len(starts)] * len(starts) + [self.GLANCE] * len(digits)
                sums.append(_row(b, here, starts + digits, evenly))
                dues.append(_row(b, here, places + named, [*shares, *shares[: len(named)]]))
                due = 10 * sum(shares[: len(named)]) / sum(shares) - so_far
                values.append((so_far, 10.0 * (following is starts), due))
            if made.format == "letter":
                letters += [(b, place, [place - 2], [1.0]) for place in places]
        shown = (
            (0, (1,), letters), (1, (0,), nexts), (1, (2,), sums), (2, (0, 1), options), (2, (2,), dues),
        )  # fmt: skip
        found = [self._shown(layer, heads, rows) for layer, heads, rows in shown if rows]
        if values:
            where = [row[0] for row in dues], [row[1] for row in dues]
            streams = [self._seen[layer]["hidden_states"][where] for layer in (2, 3)]
            read = torch.cat([probe(stream) for probe, stream in zip(self.probes, streams, strict=True)], 1)
            off = nn.functional.smooth_l1_loss(read.float(), torch.tensor(values), reduction="none")
            found.append(off.mean(0).sum())
        return torch.stack(found).sum() if found else torch.zeros(())

    def _shown(self, layer: int, heads: Sequence[int], rows: Sequence[Row]) -> Tensor:
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
        mean: Tensor = (torch.special.xlogy(share, share)[:, None] - share[:, None] * looked).sum(-1).mean()
        return mean


def _row(example: int, here: int, places: list[int], weights: Sequence[float]) -> Row:
    """Places by their weights, which need not sum to one."""
    return example, here, places, [weight / sum(weights) for weight in weights]
