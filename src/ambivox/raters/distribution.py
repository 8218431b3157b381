"""Votes of raters and the distributions they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.choices import Outside
from ambivox.emotions import OTHER, EmotionSet
from ambivox.errors import UsageError

Array = NDArray[np.float64]

OUTSIDE_CHOICES: tuple[Outside, ...] = get_args(Outside)


@dataclass(frozen=True)
class Votes:
    """Counts per label of an emotion set, and the votes that fell outside it (kept, never lost).

    >>> from ambivox.emotions import load_emotions
    >>> votes = count_votes({"angry": 3, "sad": 1, "bored": 2}, load_emotions("iemocap4"))
    >>> votes.counts, dict(votes.outside)
    ((0, 0, 3, 1), {'bored': 2})
    >>> votes.total
    6
    """

    counts: tuple[int, ...]
    outside: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All votes, inside and outside the set."""
        return sum(self.counts) + sum(self.outside.values())


def count_votes(raw: Mapping[str, int], emotions: EmotionSet) -> Votes:
    """Sort the votes of a corpus (label as raters gave it -> count) into an emotion set.

    A raw label belongs to the emotion that has it among its forms; every other one is kept in `outside`.

    Raises:
        UsageError: a count that is not a whole number of at least 0.
    """
    counts = [0] * len(emotions)
    outside: dict[str, int] = {}
    for label, count in raw.items():
        if not float(count).is_integer() or count < 0:
            raise UsageError(f"votes for {label!r}: {count} is not a whole number of at least 0")
        n = emotions.index(label)
        if n is None:
            outside[label] = int(count)
        else:
            counts[n] += int(count)
    return Votes(tuple(counts), outside)


def truth(votes: Votes, emotions: EmotionSet, outside: Outside = "drop") -> Array | None:
    """The distribution of human votes: shares of the raters.

    Args:
        votes: counts over `emotions`.
        emotions: the set, N labels.
        outside: ``drop`` leaves votes outside the set out of numerator and denominator; ``other`` pools them
            into the label ``other``, which the set must have; ``exclude-utterance`` gives None for an
            utterance with any such vote.

    Returns:
        Shape ``(N,)``, non-negative, sum 1; None where the utterance has no vote that counts.

    Raises:
        UsageError: ``other`` with a set that has no such label, or an unknown choice.
        ValueError: votes counted over another number of labels.

    >>> from ambivox.emotions import load_emotions
    >>> emotions = load_emotions("iemocap4")
    >>> votes = count_votes({"angry": 3, "sad": 1, "bored": 4}, emotions)
    >>> truth(votes, emotions).tolist()
    [0.0, 0.0, 0.75, 0.25]
    >>> truth(votes, emotions, "exclude-utterance") is None
    True
    """
    if len(votes.counts) != len(emotions):
        raise ValueError(
            f"votes over {len(votes.counts)} labels, emotion set {emotions.name!r} has {len(emotions)}"
        )
    counts = np.array(votes.counts, dtype=np.float64)
    return _pooled(counts, sum(votes.outside.values()), emotions, outside)


def truth_of_shares(
    shares: Mapping[str, float], emotions: EmotionSet, outside: Outside = "drop"
) -> Array | None:
    """The distribution of human votes where only shares of them are known, not how many raters there were.

    Args:
        shares: label as the corpus gives it -> share, non-negative.
        emotions, outside: as in `truth`.

    Returns:
        Shape ``(N,)``, non-negative, sum 1; None where no share counts.

    Raises:
        UsageError: as `truth`.

    >>> from ambivox.emotions import load_emotions
    >>> truth_of_shares({"anger": 0.6, "sad": 0.2, "bored": 0.2}, load_emotions("iemocap4")).round(2).tolist()
    [0.0, 0.0, 0.75, 0.25]
    """
    inside, beyond = np.zeros(len(emotions)), 0.0
    for label, share in shares.items():
        n = emotions.index(label)
        if n is None:
            beyond += share
        else:
            inside[n] += share
    return _pooled(inside, beyond, emotions, outside)


def _pooled(inside: Array, beyond: float, emotions: EmotionSet, outside: Outside) -> Array | None:
    """Votes or shares inside and beyond a set as a distribution over it, under a choice of `outside`."""
    if outside not in OUTSIDE_CHOICES:
        raise UsageError(f"outside: {outside!r} is not one of {', '.join(OUTSIDE_CHOICES)}")
    if outside == "other":
        if OTHER not in emotions.labels:
            raise UsageError(
                f"emotion set {emotions.name!r} has no label {OTHER!r} to pool outside votes into: use "
                f"'{emotions.name}+{OTHER}' if the set is built in, else add the label to its file"
            )
        inside[emotions.labels.index(OTHER)] += beyond
    elif outside == "exclude-utterance" and beyond:
        return None
    total = inside.sum()
    return inside / total if total > 0 else None


def as_distributions(p: ArrayLike, name: str = "p", *, tolerance: float = 1e-6) -> Array:
    """Check that every row is a distribution and return it as float64.

    Args:
        p: shape ``(..., N)``.
        name: how the argument is called in an error.
        tolerance: how far a row may be from a sum of 1.

    Raises:
        ValueError: a value that is negative or not finite, or a row (named) that does not sum to 1.

    >>> as_distributions([[0.5, 0.5], [0.2, 0.2]])
    Traceback (most recent call last):
    ValueError: p row 1: sums to 0.4, a distribution sums to 1
    """
    array = np.asarray(p, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name}: shape {array.shape}, expected (..., N) with N >= 1")
    rows = array.reshape(-1, array.shape[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        sums = rows.sum(axis=-1)
    bad = ~np.isfinite(rows).all(axis=-1) | (rows < 0).any(axis=-1) | (np.abs(sums - 1) > tolerance)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        if not np.isfinite(rows[row]).all():
            fault = "holds a value that is not finite"
        elif (rows[row] < 0).any():
            fault = f"holds the negative value {rows[row].min():g}"
        else:
            fault = f"sums to {sums[row]:.6g}, a distribution sums to 1"
        raise ValueError(f"{name} row {row}: {fault}")
    return array


def normalise(a: ArrayLike) -> Array:
    """Divide non-negative numbers by their sum over the last axis.

    Args:
        a: shape ``(..., N)``.

    Raises:
        ValueError: a number that is negative or not finite, or a row whose sum is 0 or not finite.

    >>> normalise([1, 3]).tolist()
    [0.25, 0.75]
    """
    array = np.asarray(a, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum(axis=-1, keepdims=True)
    if (array < 0).any() or not (np.isfinite(total) & (total > 0)).all():
        raise ValueError("normalise: needs non-negative numbers with a positive, finite sum in every row")
    return np.asarray(array / total)
