"""Predictions that need no model: what a score has to beat before it says anything about hearing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.metrics.check import plurality
from ambivox.raters.distribution import Array, as_distributions

HeldOut = Literal["group", "utterance", "none"]
"""What was left out of the prior of an utterance; ``none`` where there was nothing to average."""


@dataclass(frozen=True)
class VotePrior:
    """A vote prior for every utterance, and how it was obtained.

    Args:
        p: shape ``(U, N)``; ``nan`` rows where `held_out` is ``none``.
        held_out: ``group`` as asked for; ``utterance`` where all belong to one group.
        reason: why it is not ``group``, in words; empty if it is.
    """

    p: Array
    held_out: HeldOut
    reason: str = ""


def uniform(n_utterances: int, n_labels: int) -> Array:
    """The same probability for every label, shape ``(n_utterances, n_labels)``.

    >>> uniform(1, 4).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    if n_utterances < 0 or n_labels < 1:
        raise ValueError(
            f"uniform: {n_utterances} utterances over {n_labels} labels, at least 0 and 1 are needed"
        )
    return np.full((n_utterances, n_labels), 1 / n_labels)


def constant_prior(q: ArrayLike) -> Array:
    """The mean truth of the whole corpus as the prediction for every utterance.

    It has seen the utterance it predicts; `vote_prior` has not. In a corpus of some size they score alike.

    Args:
        q: truths, shape ``(U, N)``, U at least 1.

    Returns:
        Shape ``(U, N)``, all rows alike.

    Raises:
        ValueError: no utterance, or a row is not a distribution (the row is named).

    >>> constant_prior([[1, 0], [.5, .5]]).tolist()
    [[0.75, 0.25], [0.75, 0.25]]
    """
    votes = _truths(q)
    if not len(votes):
        raise ValueError("q: no utterance, a prior needs at least one")
    return np.tile(votes.mean(axis=0), (len(votes), 1))


def vote_prior(q: ArrayLike, groups: Sequence[Hashable]) -> VotePrior:
    """For every utterance the mean truth of all utterances of other groups (speakers).

    The prediction of somebody who knows how raters vote in this corpus and has heard nothing of this speaker.
    With a single group the mean is over all other utterances instead, and `VotePrior.reason` says so.

    Args:
        q: truths, shape ``(U, N)``.
        groups: the group of each utterance, U of them, usually the speaker.

    Returns:
        The prior with `VotePrior.p` of shape ``(U, N)``; ``nan`` where there is only one utterance.

    Raises:
        ValueError: another number of groups, or a row is not a distribution (the row is named).

    >>> vote_prior([[1, 0], [1, 0], [0, 1], [.5, .5]], ["ann", "ann", "bob", "bob"]).p.tolist()
    [[0.25, 0.75], [0.25, 0.75], [1.0, 0.0], [1.0, 0.0]]
    >>> vote_prior([[1, 0], [.5, .5]], ["ann", "ann"]).held_out
    'utterance'
    """
    votes = _truths(q)
    n_utterances = len(votes)
    if len(groups) != n_utterances:
        raise ValueError(f"groups: {len(groups)} for {n_utterances} utterances, one each is needed")
    if n_utterances < 2:
        reason = f"{n_utterances} utterance(s): there is no other to average"
        return VotePrior(np.full(votes.shape, np.nan), "none", reason)
    codes = group_codes(groups)
    if codes.max() > 0:
        return VotePrior(_mean_of_others(votes, codes), "group")
    reason = f"all utterances are of one group ({groups[0]}): left out one utterance at a time instead"
    return VotePrior(_mean_of_others(votes, np.arange(n_utterances)), "utterance", reason)


def one_hot_plurality(q: ArrayLike) -> Array:
    """All probability on the most voted label: the most that a perfect classifier of one label can say.

    A tie goes to its first label, because such a classifier must name one. No metric within an utterance
    depends on which (the tied labels have equal votes); UAR and F1 over a corpus may, a little.

    Args:
        q: truths, shape ``(..., N)``.

    Returns:
        Shape ``(..., N)``, one-hot.

    Raises:
        ValueError: a row is not a distribution (the row is named).

    >>> one_hot_plurality([[.2, .8], [.5, .5]]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return plurality(as_distributions(q, "q"), "first")


def group_codes(groups: Sequence[Hashable]) -> NDArray[np.intp]:
    """Number the groups from 0 in the order of their first utterance, shape ``(U,)``.

    >>> group_codes(["bob", "ann", "bob"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.intp)


def _truths(q: ArrayLike) -> Array:
    votes = as_distributions(q, "q")
    if votes.ndim != 2:
        raise ValueError(f"q has shape {votes.shape}, expected (U, N)")
    return votes


def _mean_of_others(votes: Array, codes: NDArray[np.intp]) -> Array:
    """Mean row of all other groups, shape ``(U, N)``, by taking each group's sum from the total."""
    shape = (int(codes.max()) + 1, votes.shape[1])
    sums, sizes = np.zeros(shape), np.bincount(codes)
    np.add.at(sums, codes, votes)
    # Exactly 0 for a label that nobody else voted for (adding zeros does not round), and never negative.
    others: Array = (sums.sum(axis=0) - sums) / (sizes.sum() - sizes)[:, None]
    return others[codes]
