"""Token sequences with common beginnings, each token of a common beginning once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class TokenTree:
    """A trie in the order of growth: every node comes after its parent.

    A model that sees the nodes in one row, each attending to its ancestors alone and standing at its depth,
    computes for all sequences what separate passes would.

    >>> tree = TokenTree()
    >>> tree.add([5, 6, 7]), tree.add([5, 6, 8, 9])
    ([0, 1, 2], [0, 1, 3, 4])
    >>> tree.tokens, tree.depths()
    ([5, 6, 7, 8, 9], [0, 1, 2, 2, 3])
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self._children: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, sequence: Sequence[int], under: int = -1) -> list[int]:
        """Put a sequence below a node (-1: at the root); gives the node of each of its tokens."""
        path = []
        for token in sequence:
            node = self._children.get((under, token))
            if node is None:
                node = self._children[under, token] = len(self.tokens)
                self.tokens.append(token)
                self.parents.append(under)
            path.append(node)
            under = node
        return path

    def depths(self) -> list[int]:
        """Shape ``(n,)``: how many ancestors each node has."""
        return self.count([True] * len(self))

    def count(self, marked: Sequence[bool]) -> list[int]:
        """Shape ``(n,)``: how many marked ancestors each node has."""
        counts: list[int] = []
        for parent in self.parents:
            counts.append(0 if parent < 0 else counts[parent] + marked[parent])
        return counts

    def lineage(self) -> NDArray[np.bool_]:
        """Shape ``(n, n)``: ``[i, j]`` says whether j is i or an ancestor of i."""
        lineage = np.eye(len(self), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                lineage[node] |= lineage[parent]
        return lineage


def common_length(sequences: Sequence[Sequence[int]]) -> int:
    """How many tokens all sequences begin with.

    >>> common_length([(1, 2, 3), (1, 2, 4), (1, 2)])
    2
    """
    ordered = sorted(map(tuple, sequences))
    first, last = ordered[0], ordered[-1]
    differing = (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return next(differing, min(len(first), len(last)))
