"""Token trees: what is shared, and who sees whom."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ambivox.models.hf.prefix_sharing.tree import TokenTree, common_length

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=6)


@given(SEQUENCES)
def test_every_sequence_reads_back_along_its_path(sequences: list[list[int]]) -> None:
    tree = TokenTree()
    paths = [tree.add(sequence) for sequence in sequences]
    depths, lineage = tree.depths(), tree.lineage()
    for sequence, path in zip(sequences, paths, strict=True):
        assert [tree.tokens[node] for node in path] == sequence
        assert [depths[node] for node in path] == list(range(len(path)))
        for n, node in enumerate(path):
            assert set(np.flatnonzero(lineage[node])) == set(path[: n + 1])


@given(SEQUENCES)
def test_a_tree_holds_each_distinct_beginning_once(sequences: list[list[int]]) -> None:
    tree = TokenTree()
    for sequence in sequences:
        tree.add(sequence)
    assert len(tree) == len({tuple(s[:n]) for s in sequences for n in range(1, len(s) + 1)})


@given(SEQUENCES)
def test_the_common_length_is_that_of_the_longest_beginning_of_all(sequences: list[list[int]]) -> None:
    n = common_length(sequences)
    assert len({tuple(s[:n]) for s in sequences}) == 1
    assert len({tuple(s[: n + 1]) for s in sequences}) > 1 or n == min(map(len, sequences))


def test_marked_ancestors_are_counted_along_the_path() -> None:
    tree = TokenTree()
    tree.add([9, 9, 1, 9])
    tree.add([1, 9, 9])
    assert tree.count([token == 9 for token in tree.tokens]) == [0, 1, 2, 2, 0, 0, 1]
