"""Skill against a control, and intervals that know that a speaker's utterances hang together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.distribution import Array
from ambivox.metrics.controls import group_codes


def skill(score: ArrayLike, control: ArrayLike, *, lower_is_better: bool) -> Array:
    """How much of the way from a control to perfection a score has gone.

    ``(control - score) / (control - perfect)``: with ``perfect = 0`` for lower-is-better metrics that is
    ``1 - score / control``, with ``perfect = 1`` for the others ``(score - control) / (1 - control)``.

    Args:
        score, control: the same metric for the model and for the control, shapes that broadcast.
        lower_is_better: as in `Metric.lower_is_better`.

    Returns:
        The broadcast shape, no unit, range ``[-inf, 1]``: 1 is perfect, 0 as good as the control, negative
        worse. ``nan`` where the control is perfect already or not finite.

    Source: Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2.

    >>> float(skill(.2, .4, lower_is_better=True)), float(skill(.75, .5, lower_is_better=False))
    (0.5, 0.5)
    """
    scores, controls = np.broadcast_arrays(np.asarray(score, np.float64), np.asarray(control, np.float64))
    room = controls - (0.0 if lower_is_better else 1.0)
    defined = np.isfinite(controls) & (room != 0)
    gained = np.subtract(controls, scores, out=np.full(scores.shape, np.nan), where=defined)
    share: Array = np.divide(gained, room, out=np.full(scores.shape, np.nan), where=defined)
    return share


def bootstrap_draws(groups: Sequence[Hashable], *, n_draws: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Draw corpora of as many groups as there are, with replacement, each group with all its utterances.

    Args:
        groups: the group of each utterance, usually the speaker.
        n_draws: how many corpora.
        seed: of the draws; the same seed gives the same corpora.

    Yields:
        The rows of one drawn corpus, to index predictions and truths with.

    Raises:
        ValueError: fewer than one draw.

    Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, section 3.8.

    >>> rows = next(bootstrap_draws(["ann", "ann", "bob", "bob"], n_draws=1, seed=1))
    >>> rows.tolist()
    [0, 1, 2, 3]
    """
    if n_draws < 1:
        raise ValueError(f"n_draws: {n_draws}, at least 1 is needed")
    codes = group_codes(groups)
    by_group = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    for _ in range(n_draws):
        drawn = rng.integers(len(sizes), size=len(sizes)) if len(sizes) else codes
        lengths = sizes[drawn]
        offsets = starts[drawn] - (np.cumsum(lengths) - lengths)
        yield by_group[np.repeat(offsets, lengths) + np.arange(lengths.sum())]


def bootstrap_interval(
    values: ArrayLike,
    groups: Sequence[Hashable],
    *,
    n_draws: int = 1000,
    seed: int,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval for the mean of per-utterance values, from a bootstrap clustered by group.

    Args:
        values: shape ``(U,)``, one per utterance.
        groups: the group of each utterance, U of them, usually the speaker.
        n_draws: how many corpora are drawn.
        seed: of the draws.
        level: the share of drawn means within the interval, between 0 and 1.

    Returns:
        Its low and high end; ``nan`` for both with fewer than two groups, or where a value is not finite.

    Raises:
        ValueError: another number of groups, or a level or number of draws out of range.

    Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, sections 3.8 and 5.3.

    >>> low, high = bootstrap_interval([.1, .2, .6, .7], ["ann", "ann", "bob", "bob"], seed=0)
    >>> round(low, 3), round(high, 3)
    (0.15, 0.65)
    """
    array: Array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(groups),):
        raise ValueError(
            f"values has shape {array.shape}, expected ({len(groups)},): one for each of the groups"
        )
    if not 0 < level < 1:
        raise ValueError(f"level: {level:g} is not between 0 and 1")
    draws = bootstrap_draws(groups, n_draws=n_draws, seed=seed)
    if len(set(groups)) < 2 or not np.isfinite(array).all():
        return float("nan"), float("nan")
    means = [array[rows].mean() for rows in draws]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
