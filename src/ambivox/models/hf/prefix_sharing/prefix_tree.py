"""All prompts and labels on one clip in one forward pass, as branches of what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ambivox.models.hf.job import Job, score_sequences, used_tokens
from ambivox.models.hf.prefix_sharing.key_values import TreeCache
from ambivox.models.hf.prefix_sharing.text_model import TextModel
from ambivox.models.hf.prefix_sharing.tree import TokenTree, common_length
from ambivox.models.label_tokens import Tokens


@dataclass(frozen=True)
class Branch:
    """A prompt that has been read.

    Args:
        job: whose prompt it is.
        cache: the keys and values of its tree.
        path: shape ``(L,)``, the prompt's tokens in it.
        logits: shape ``(V,)``, of the answer's first token.
        sequence_logp: shape ``(S,)``, nats; None where no sequence was asked for.
    """

    job: Job
    cache: TreeCache
    path: Tensor
    logits: Tensor
    sequence_logp: NDArray[np.float64] | None


def grow(
    text: TextModel, jobs: Sequence[Job], audio: Tensor | None, tree_tokens: int
) -> Iterator[tuple[int, Branch]]:
    """Read the prompts of jobs on one clip.

    What all prompts begin with is read once. The rest goes in trees of about `tree_tokens` tokens, since the
    branches of a tree are compared with each other for nothing.

    Args:
        text: the model.
        jobs: on one clip.
        audio: the clip's embeddings, or None where the jobs have no audio.
        tree_tokens: how large a tree may become before the next is begun; a single job is never cut.

    Returns:
        The place of each job among `jobs`, and its branch.
    """
    prompts = [job.prompt for job in jobs]
    common = min(common_length(prompts), min(map(len, prompts)) - 1)
    trunk: TreeCache | None = None
    start = 0
    while start < len(jobs):
        tree = TokenTree()
        stem = tree.add(prompts[start][:common]) if trunk is None else []
        grown: list[_Grown] = []
        for n in range(start, len(jobs)):
            grown.append(_grow_one(tree, jobs[n], prompts[n][common:], stem[-1] if stem else -1))
            if len(tree) >= tree_tokens:
                break
        cache, branches = _read(text, tree, grown, jobs[start : start + len(grown)], audio, trunk, common)
        for n, branch in enumerate(branches):
            yield start + n, branch
        start += len(grown)
        if trunk is None and start < len(jobs):
            trunk = TreeCache(cache.at(torch.arange(common, device=text.model.device)))
            trunk.seen = trunk.trunk


@dataclass(frozen=True)
class _Grown:
    path: list[int]
    prefixes: dict[Tokens, int]


def _grow_one(tree: TokenTree, job: Job, rest: Tokens, stem: int) -> _Grown:
    path = tree.add(rest, stem)
    prefixes = {prefix: tree.add(prefix, path[-1])[-1] if prefix else path[-1] for prefix in job.prefixes}
    return _Grown(path, prefixes)


def _read(
    text: TextModel,
    tree: TokenTree,
    grown: Sequence[_Grown],
    jobs: Sequence[Job],
    audio: Tensor | None,
    trunk: TreeCache | None,
    common: int,
) -> tuple[TreeCache, list[Branch]]:
    device = text.model.device
    before = 0 if trunk is None else common
    tokens = torch.tensor([tree.tokens], device=device)
    depths = torch.tensor([tree.depths()], device=device) + before
    lineage = torch.from_numpy(tree.lineage())
    sees = torch.cat([torch.ones(len(tree), before, dtype=torch.bool), lineage], dim=1)
    key_positions = torch.cat([torch.arange(before, device=device)[None], depths], dim=1)
    wanted = sorted({node for g in grown for node in (g.path[-1], *g.prefixes.values())})
    row = {node: n for n, node in enumerate(wanted)}
    cache = TreeCache(None if trunk is None else trunk.seen)
    logits = text(
        tokens,
        depths,
        sees[None].to(device),
        cache,
        key_positions=key_positions,
        audio=_heard(text, tree, audio, trunk, prompt=jobs[0].prompt[:before]),
        keep=torch.tensor(wanted, device=device),
    )[0]
    logsumexp = logits.logsumexp(1)
    stem = list(range(common))
    branches = []
    for g, job in zip(grown, jobs, strict=True):
        path = torch.tensor(stem + [before + node for node in g.path], device=device)
        logp = _logp(job, {p: row[node] for p, node in g.prefixes.items()}, logits, logsumexp)
        branches.append(Branch(job, cache, path, logits[row[g.path[-1]]], logp))
    return cache, branches


def _heard(
    text: TextModel, tree: TokenTree, audio: Tensor | None, trunk: TreeCache | None, prompt: Tokens
) -> Tensor | None:
    """The embedding of every placeholder in the tree: the n-th of a path stands for the n-th of the clip."""
    if audio is None:
        return None
    placeholder = [token == text.audio_token for token in tree.tokens]
    ranks = tree.count(placeholder)
    before = 0 if trunk is None else prompt.count(text.audio_token)
    nth = [before + rank for rank, is_audio in zip(ranks, placeholder, strict=True) if is_audio]
    return audio[torch.tensor(nth, dtype=torch.long, device=audio.device)]


def _logp(job: Job, rows: dict[Tokens, int], logits: Tensor, logsumexp: Tensor) -> NDArray[np.float64] | None:
    if not job.sequences:
        return None
    used = torch.tensor(used_tokens(job.sequences), device=logits.device)
    at = torch.tensor(list(rows.values()), device=logits.device)
    kept = logits[at[:, None], used].double() - logsumexp[at, None].double()
    return score_sequences(job.sequences, dict(zip(rows, kept.cpu().numpy(), strict=True)))
