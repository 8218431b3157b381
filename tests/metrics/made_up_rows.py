"""Strategies for predictions and truths that hold what real ones hold: zeros, one-hots, ties, tiny values."""

import numpy as np
from hypothesis import strategies as st

from ambivox.raters.distribution import normalise

SIZES = st.integers(2, 8)


def counts(n_labels):
    """One row of votes: ties, zeros and one-hots are frequent."""
    return st.lists(st.integers(0, 5), min_size=n_labels, max_size=n_labels).filter(any)


def smooth(n_labels):
    """One row of a model: any positive numbers, from tiny to one."""
    return st.lists(st.floats(1e-12, 1), min_size=n_labels, max_size=n_labels)


def row(n_labels):
    return (counts(n_labels) | smooth(n_labels)).map(normalise)


@st.composite
def row_pairs(draw, n_labels=SIZES):
    n = draw(n_labels)
    return draw(row(n)), draw(row(n))


@st.composite
def corpora(draw, min_utterances=1, row=row):
    """Predictions and truths of shape ``(U, N)``."""
    n, u = draw(SIZES), draw(st.integers(min_utterances, 12))
    rows = st.lists(row(n), min_size=u, max_size=u).map(np.array)
    return draw(rows), draw(rows)


def first_of_the_largest(rows):
    """As ``argmax`` does, save that probabilities less than 1e-9 apart are equal but for rounding."""
    return (rows >= rows.max(axis=1, keepdims=True) - 1e-9).argmax(axis=1)


def untied(n_labels):
    """One row whose probabilities all differ clearly."""
    return st.permutations(range(1, n_labels + 1)).map(normalise)
