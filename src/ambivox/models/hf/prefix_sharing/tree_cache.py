"""Answers that grow on the trees of their prompts: what they have in common is looked at once for all."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ambivox.models.hf.prefix_sharing.key_values import KeyValue, TokenCache, TreeCache

ATTENTION = "sdpa"
"""The kind of attention that can be led to the trees."""

ANSWERS = 16
"""On one tree at most: each of them passes over the others' tokens for nothing."""


@dataclass
class _Plot:
    """A tree with room to grow: keys and values per layer, nodes in use, room for nodes, answers begun."""

    tree: TreeCache
    seen: dict[int, KeyValue]
    used: int
    room: int
    begun: int = 0

    def make_room(self) -> None:
        for layer, pair in self.seen.items():
            if pair[0].shape[2] < self.room:
                self.seen[layer] = tuple(_widened(states, self.room) for states in pair)  # type: ignore[assignment]


class GrowingTrees(TokenCache):
    """Rows that grow by one token per step as nodes of their trees; nothing is copied from row to row.

    A row of its own would read all keys of its prompt at every step, and memory is what a CPU waits for. Here
    the model runs on the rows as ever, and its attention is led to one tree after another.

    Args:
        rows: room for so many.
        tokens: of all trees together, their growth included; the first row is always let in.
    """

    def __init__(self, rows: int, tokens: int) -> None:
        super().__init__(rows, tokens)
        self.plots: list[_Plot] = []  # of each row
        self.at = torch.empty(
            rows, 0, dtype=torch.long
        )  # [row, node]: where in the row the node stands, or -1
        self._parts: list[tuple[_Plot, slice, slice]] = []
        self._order = self._back = torch.empty(0, dtype=torch.long)
        self._layers: dict[int, int] = {}
        self._given: list[Tensor] = []

    def has_room(self, row: int, tree: TreeCache, new_tokens: int, tokens: int) -> bool:
        """Whether one more row fits."""
        shared = bool(self.plots) and self._joins(self.plots[-1], tree)
        more = new_tokens + (0 if shared else tree.get_seq_length(next(iter(tree.seen))))
        taken = sum({id(plot): plot.room for plot in self.plots}.values())
        return row < self.rows and (row == 0 or taken + more <= self.tokens)

    def put(self, row: int, tree: TreeCache, path: Tensor, new_tokens: int) -> None:
        """Begin a row at the end of a path."""
        plot = next((p for p in reversed(self.plots) if self._joins(p, tree)), None)
        if plot is None:
            nodes = tree.get_seq_length(next(iter(tree.seen)))
            plot = _Plot(tree, dict(tree.seen), nodes, nodes)
        plot.begun += 1
        plot.room += new_tokens
        self.plots.append(plot)
        if plot.room > self.at.shape[1]:
            self.at = torch.nn.functional.pad(self.at, (0, plot.room - self.at.shape[1]), value=-1)
        self.at[row] = -1
        self.at[row, path] = torch.arange(len(path))

    def move(self, source: int, target: int, length: int) -> None:
        """Put one row, the last, in another's place; the other is over, or the same."""
        last = self.plots.pop()
        if source != target:
            self.plots[target] = last
            self.at[target] = self.at[source]

    def stand_at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Where the next token of each row goes; see `TokenCache`."""
        groups: dict[int, list[int]] = {}
        for row, plot in enumerate(self.plots):
            groups.setdefault(id(plot), []).append(row)
        order: list[int] = []
        nodes = [0] * len(self.plots)
        self._parts = []
        for members in groups.values():
            plot = self.plots[members[0]]
            plot.make_room()
            grown = range(plot.used, plot.used + len(members))
            for row, node in zip(members, grown, strict=True):
                nodes[row] = node
            mine = slice(len(order), len(order) + len(members))
            self._parts.append((plot, mine, slice(grown.start, grown.stop)))
            plot.used = grown.stop
            order += members
        self._order = torch.tensor(order)
        self._back = self._order.argsort()
        self.at[torch.arange(len(nodes)), torch.tensor(nodes)] = places
        at = self.at[: len(nodes), : max(plot.used for plot in self.plots)]
        return (at >= 0)[:, None], at

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> KeyValue:
        """Put a layer's new states on their trees; gives them back, to be known again by `attend`."""
        keys, values = (states[self._order, :, 0].transpose(0, 1) for states in (key_states, value_states))
        for plot, mine, nodes in self._parts:
            plot.seen[layer_idx][0][0, :, nodes] = keys[:, mine]
            plot.seen[layer_idx][1][0, :, nodes] = values[:, mine]
        self._given.append(key_states)  # kept, or its address might be given away
        self._layers[key_states.data_ptr()] = layer_idx
        return key_states, value_states

    def attend(
        self,
        attention: Any,
        module: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor,
        **options: Any,
    ) -> tuple[Tensor, None]:
        """What `attention` gives where each row sees the nodes of its tree."""
        layer = self._layers[key.data_ptr()]
        queries = query[self._order].transpose(0, 2)
        masks = attention_mask[self._order].transpose(0, 2)
        outputs = []
        for plot, mine, nodes in self._parts:
            keys, values = (states[:, :, : nodes.stop] for states in plot.seen[layer])
            mask = masks[:, :, mine, : nodes.stop]
            outputs.append(attention(module, queries[:, :, mine], keys, values, mask, **options)[0])
        return torch.cat(outputs, dim=1)[:, self._back].transpose(0, 1), None

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Lead the model's attention to the trees inside."""
        plain = ALL_ATTENTION_FUNCTIONS[ATTENTION]
        ALL_ATTENTION_FUNCTIONS[ATTENTION] = functools.partial(self.attend, plain)
        try:
            yield
        finally:
            ALL_ATTENTION_FUNCTIONS[ATTENTION] = plain
            self._layers.clear()
            self._given.clear()

    @staticmethod
    def _joins(plot: _Plot, tree: TreeCache) -> bool:
        return plot.tree is tree and plot.begun < ANSWERS


def _widened(states: Tensor, room: int) -> Tensor:
    # zeros: what is masked still gets the weight 0, and 0 times a stray infinity is not a number
    wide = states.new_zeros(*states.shape[:2], room, states.shape[3])
    wide[:, :, : states.shape[2]] = states
    return wide
