"""Whisper's decoder over encoded clips: the most probable transcript, and the probability of given ones.

Shapes: B clips, P encoder positions, d width, V vocabulary, S token sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ambivox.models.hf.prefix_sharing.tree import TokenTree
from ambivox.models.label_tokens import Tokens
from ambivox.models.protocol import FloatArray


@dataclass(frozen=True)
class Transcript:
    """What the decoder wrote: T tokens, the end token included if it came, with logits of K watched tokens.

    Args:
        token_logits: shape ``(T, K)``, raw.
        logsumexp: shape ``(T,)``, over the whole vocabulary.
        ended: whether the end token came.
    """

    token_ids: Tokens
    token_logits: FloatArray
    logsumexp: FloatArray
    ended: bool


def transcribe(
    model: Any, encoded: Tensor, start: Tokens, end: int, watched: Sequence[Tokens], max_new_tokens: int
) -> list[Transcript]:
    """The most probable next token, again and again, until the end token or the limit.

    Tokens that the checkpoint's own settings suppress (brackets, music, an end before any word) are never
    chosen; logits are kept as they were before.

    Args:
        model: a ``WhisperForConditionalGeneration``.
        encoded: shape ``(B, P, d)``.
        start: the tokens before the first word.
        end: the token that ends a transcript.
        watched: shape ``(B,)``, for each clip the tokens whose logits are kept.
    """
    device = encoded.device
    never, not_first = (
        _penalty(getattr(model.generation_config, name, None), model.config.vocab_size, device)
        for name in ("suppress_tokens", "begin_suppress_tokens")
    )
    tokens = torch.tensor([start] * len(encoded), device=device)
    ids = [torch.tensor(own, dtype=torch.long, device=device) for own in watched]
    kept: list[list[tuple[int, FloatArray, float]]] = [[] for _ in watched]
    cache, open_rows = None, set(range(len(encoded)))
    for step in range(max_new_tokens):
        out = model.model.decoder(
            input_ids=tokens, encoder_hidden_states=encoded, past_key_values=cache, use_cache=True
        )
        cache = out.past_key_values
        logits = model.proj_out(out.last_hidden_state[:, -1]).float()
        normaliser = logits.logsumexp(dim=1).tolist()
        tokens = (logits + never + (not_first if step == 0 else 0)).argmax(dim=1, keepdim=True)
        for row in sorted(open_rows):
            chosen = int(tokens[row])
            kept[row].append((chosen, logits[row, ids[row]].cpu().numpy(), normaliser[row]))
            if chosen == end:
                open_rows.remove(row)
        if not open_rows:
            break
    return [_transcript(steps, len(own), end) for steps, own in zip(kept, watched, strict=True)]


def _transcript(steps: Sequence[tuple[int, FloatArray, float]], n_watched: int, end: int) -> Transcript:
    token_ids = tuple(token for token, _, _ in steps)
    logits = np.array([own for _, own, _ in steps], dtype=np.float32).reshape(len(steps), n_watched)
    normaliser = np.array([normaliser for _, _, normaliser in steps], dtype=np.float32)
    return Transcript(token_ids, logits, normaliser, token_ids[-1:] == (end,))


def _penalty(suppressed: Sequence[int] | None, size: int, device: torch.device) -> Tensor:
    penalty = torch.zeros(size, device=device)
    penalty[list(suppressed or ())] = -torch.inf
    return penalty


def score_sequences(
    model: Any, encoded: Tensor, start: Tokens, sequences: Sequence[Tokens]
) -> NDArray[np.float64]:
    """Log-probability of token sequences after the start, in one pass: each token of a common beginning once.

    The sequences stand in one row as a tree, each token at its depth and seeing its ancestors alone, which is
    what separate passes compute.

    Args:
        model, start: as in `transcribe`.
        encoded: shape ``(P, d)``, one clip.
        sequences: shape ``(S,)``.

    Returns:
        Shape ``(S,)``, nats.
    """
    tree = TokenTree()
    paths = [tree.add((*start, *sequence)) for sequence in sequences]
    device = encoded.device
    lineage = torch.from_numpy(tree.lineage()).to(device)
    mask = torch.zeros(lineage.shape, dtype=encoded.dtype, device=device)
    mask.masked_fill_(~lineage, torch.finfo(encoded.dtype).min)
    hidden = model.model.decoder(
        input_ids=torch.tensor([tree.tokens], device=device),
        attention_mask=mask[None, None],
        position_ids=torch.tensor([tree.depths()], device=device),
        encoder_hidden_states=encoded[None],
        use_cache=False,
    ).last_hidden_state[0]
    parents = [parent for parent in tree.parents if parent >= 0]
    inner = sorted(set(parents))
    logp = model.proj_out(hidden[inner]).float().log_softmax(dim=1)
    row = {node: place for place, node in enumerate(inner)}
    of_node = np.zeros(len(tree))
    rows, tokens = [row[parent] for parent in parents], tree.tokens[1:]  # the root is the first start token
    of_node[1:] = logp[rows, tokens].double().cpu().numpy()
    return np.array([of_node[path[len(start) :]].sum() for path in paths], dtype=np.float64)
