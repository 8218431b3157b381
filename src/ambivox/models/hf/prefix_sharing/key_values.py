"""Keys and values of tokens that were seen: of a token tree, and of rows that grow."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor

KeyValue = tuple[Tensor, Tensor]
"""Of one layer, each of shape ``(rows, heads, tokens, width)``."""


class _Cache(transformers.Cache):  # type: ignore[misc]
    """What transformers asks of a cache, with every layer under its number (some families share layers)."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.seen: dict[int, KeyValue] = {}

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens a layer holds."""
        return 0 if layer_idx not in self.seen else int(self.seen[layer_idx][0].shape[2])


class TreeCache(_Cache):
    """Holds the tokens of one forward pass over a tree, after a trunk that all of them continue."""

    def __init__(self, trunk: dict[int, KeyValue] | None = None) -> None:
        super().__init__()
        self.trunk = trunk or {}

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> KeyValue:
        """Keep a layer's new states; gives them with the trunk's before them."""
        seen = (key_states, value_states)
        if layer_idx in self.trunk:
            seen = (
                torch.cat([self.trunk[layer_idx][0], key_states], dim=2),
                torch.cat([self.trunk[layer_idx][1], value_states], dim=2),
            )
        self.seen[layer_idx] = seen
        return seen

    def at(self, nodes: Tensor) -> dict[int, KeyValue]:
        """The keys and values of some nodes, in their order."""
        return {
            layer: (keys.index_select(2, nodes), values.index_select(2, nodes))
            for layer, (keys, values) in self.seen.items()
        }


class RowCache(_Cache):
    """Rows beside each other, each a copy of its path that grows in place.

    Args:
        rows: room for so many.
        tokens: room for so many in each row.
    """

    def __init__(self, rows: int, tokens: int) -> None:
        super().__init__()
        self.rows, self.tokens = rows, tokens
        self.places: Tensor = torch.empty(0, dtype=torch.long)
        self.top = 0

    def has_room(self, row: int, tokens: int) -> bool:
        """Whether a row with this number may grow to so many tokens."""
        return row < self.rows and tokens <= self.tokens

    def put(self, row: int, tree: TreeCache, path: Tensor) -> None:
        """Begin a row with the nodes of a path."""
        if not self.seen:
            for layer, pair in tree.seen.items():
                # zeros: what is masked still gets the weight 0, and 0 times a stray infinity is not a number
                keys, values = (s.new_zeros(self.rows, s.shape[1], self.tokens, s.shape[3]) for s in pair)
                self.seen[layer] = (keys, values)
        for layer, pair in tree.seen.items():
            for mine, theirs in zip(self.seen[layer], pair, strict=True):
                torch.index_select(theirs[0], 1, path, out=mine[row, :, : len(path)])

    def move(self, source: int, target: int, length: int) -> None:
        """Put one row in another's place."""
        for pair in self.seen.values() if source != target else ():
            for states in pair:
                states[target, :, :length] = states[source, :, :length]

    def stand_at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Say where in its row the next token of each row goes, shape ``(rows,)``.

        Returns:
            Which tokens of the cache each row sees, shape ``(rows, 1, m)``, and where in the row they stand,
            shape ``(rows, m)``.
        """
        self.places, self.top = places, int(places.max()) + 1
        slots = torch.arange(self.top, device=places.device)[None]
        return (slots <= places[:, None])[:, None], slots.expand(len(places), -1)

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> KeyValue:
        """Put a layer's new states in their places; gives all that is looked at."""
        keys, values = self.seen[layer_idx]
        n = len(self.places)
        rows = torch.arange(n, device=keys.device)
        keys[rows, :, self.places] = key_states[:, :, 0]
        values[rows, :, self.places] = value_states[:, :, 0]
        return keys[:n, :, : self.top], values[:n, :, : self.top]
