"""Decoding row by row: each stops at its own end, and the next one takes its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from ambivox.models.hf.choose import choose
from ambivox.models.hf.job import Answer
from ambivox.models.hf.prefix_sharing.key_values import RowCache, TreeCache
from ambivox.models.hf.prefix_sharing.prefix_tree import Branch
from ambivox.models.hf.prefix_sharing.text_model import TextModel
from ambivox.models.protocol import FloatArray
from ambivox.models.sampling import Sampler


@dataclass(frozen=True)
class Start:
    """An answer about to be decoded: which it is, its prompt, and how its tokens are chosen."""

    name: tuple[int, int]
    branch: Branch
    sampler: Sampler | None

    @property
    def tokens(self) -> int:
        """How long prompt and answer may become."""
        return len(self.branch.path) + self.branch.job.max_new_tokens


@dataclass
class _Row:
    start: Start
    token_ids: list[int] = field(default_factory=list)
    token_logits: list[FloatArray] = field(default_factory=list)
    logsumexp: list[float] = field(default_factory=list)
    ended: bool = False

    @property
    def done(self) -> bool:
        return self.ended or len(self.token_ids) == self.start.branch.job.max_new_tokens

    @property
    def place(self) -> int:
        """Of the last token among those of the prompt and the answer."""
        return len(self.start.branch.path) + len(self.token_ids) - 1

    def without_tree(self) -> _Row:
        """The row once its keys and values were copied: only the lens looks at the tree again."""
        branch = self.start.branch
        if not branch.job.lens:
            branch = replace(branch, cache=TreeCache(), logits=branch.logits[:0])
        return replace(self, start=replace(self.start, branch=branch))

    def answer(self) -> Answer:
        token_logits = np.stack(self.token_logits)
        return Answer(tuple(self.token_ids), token_logits, np.array(self.logsumexp, np.float32), self.ended)


class Decoder:
    """Decodes any number of answers, as many at a time as fit.

    Args:
        text: the model.
        ends: the tokens that end an answer.
        rows: how many answers at a time, at most.
        tokens: how many tokens in all rows together, at most; one row is always let in.
    """

    def __init__(self, text: TextModel, ends: Sequence[int], rows: int, tokens: int) -> None:
        self.text, self.ends = text, frozenset(ends)
        self.max_rows, self.max_tokens = rows, tokens

    def run(self, starts: Iterator[Start]) -> Iterator[tuple[Start, Answer]]:
        """The answers as they are finished; `starts` is asked for the next when there is room for it."""
        rows: list[_Row] = []
        cache: RowCache | None = None
        waiting: _Row | None = None
        while True:
            while waiting or len(rows) < self.max_rows:
                if waiting is None:
                    start = next(starts, None)
                    if start is None:
                        break
                    waiting = _Row(start)
                    self._take([waiting], start.branch.logits[None])
                if waiting.done:
                    yield waiting.start, waiting.answer()
                    waiting = None
                    continue
                if cache is None or (not rows and waiting.start.tokens > cache.tokens):
                    cache = self._cache(waiting.start.tokens)
                if not cache.has_room(len(rows), waiting.start.tokens):
                    break
                cache.put(len(rows), waiting.start.branch.cache, waiting.start.branch.path)
                rows.append(waiting.without_tree())
                waiting = None
            if not rows:
                return
            assert cache is not None
            self._step(rows, cache)
            yield from self._remove_done(rows, cache)

    def _cache(self, longest: int) -> RowCache:
        return RowCache(max(1, min(self.max_rows, self.max_tokens // longest)), longest)

    def _step(self, rows: Sequence[_Row], cache: RowCache) -> None:
        device = self.text.model.device
        places = torch.tensor([row.place for row in rows], device=device)
        sees, key_positions = cache.stand_at(places)
        logits = self.text(
            torch.tensor([[row.token_ids[-1]] for row in rows], device=device),
            places[:, None],
            sees,
            cache,
            key_positions=key_positions,
        )[:, -1]
        self._take(rows, logits)

    def _take(self, rows: Sequence[_Row], logits: Tensor) -> None:
        """Choose the next token of each row, and keep what is asked for."""
        width = max(len(row.start.branch.job.token_ids) for row in rows)
        ids = [[*row.start.branch.job.token_ids, *[0] * width][:width] for row in rows]
        token_logits = logits.gather(1, torch.tensor(ids, device=logits.device)).cpu().numpy()
        logsumexp = logits.logsumexp(1).tolist()
        best = logits.argmax(1).tolist()
        for n, row in enumerate(rows):
            sampler = row.start.sampler
            token = best[n] if sampler is None else choose(sampler, logits[n], len(row.token_ids))
            row.token_logits.append(token_logits[n, : len(row.start.branch.job.token_ids)])
            row.logsumexp.append(logsumexp[n])
            row.token_ids.append(token)
            row.ended = token in self.ends

    def _remove_done(self, rows: list[_Row], cache: RowCache) -> Iterator[tuple[Start, Answer]]:
        """Take the finished rows out; the last ones move into their places."""
        for n in reversed(range(len(rows))):
            if rows[n].done:
                finished, last = rows[n], rows.pop()
                if n < len(rows):
                    rows[n] = last
                cache.move(len(rows), n, last.place)
                yield finished.start, finished.answer()
