"""The truth of utterances from their raters: plain or smoothed shares, or models of how raters err.

Dawid-Skene and MACE are crowd-kit's; they need to know who gave which vote, and assume that there is one true
label which raters miss. Where the disagreement itself is the truth, shares are what to score against.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.choices import Outside, TruthMethod
from ambivox.emotions import OTHER, EmotionSet
from ambivox.errors import UsageError, unknown_name
from ambivox.raters.distribution import Array, count_votes, normalise, truth, truth_of_shares
from ambivox.raters.ratings import HasVotes, LabelChoice, labels_of

TRUTH_METHODS: dict[TruthMethod, str] = {
    "shares": "shares of the votes",
    "dirichlet": "shares after adding a pseudo-count to every label",
    "dawid-skene": "probabilities of one true label, each rater with a confusion matrix",
    "mace": "probabilities of one true label, each rater knowing it or guessing in their own way",
}
assert set(TRUTH_METHODS) == set(get_args(TruthMethod))

PSEUDO_COUNT = 0.5
"""Jeffreys' prior of a multinomial."""


@dataclass(frozen=True)
class RaterTruth:
    """What raters together say of utterances.

    Args:
        p: shape ``(U, N)``, a distribution per utterance; ``nan`` rows where no vote counts, or where the
            method counts votes and only shares of them are known.
        reliability: rater -> how often they are right, in [0, 1]: for Dawid-Skene the probability of naming
            the true label, for MACE of knowing it, for shares the mean share of the other raters who agree.
            Empty where it is not known who voted.
    """

    p: Array
    reliability: Mapping[str, float]


@dataclass(frozen=True)
class _Cast:
    """Votes one by one, shape ``(V,)`` each: of which utterance, by whom, for which label."""

    utterances: NDArray[np.intp]
    raters: NDArray[np.intp]
    labels: NDArray[np.intp]
    names: tuple[str, ...]


def truth_from_raters(
    utterances: Iterable[HasVotes],
    emotions: EmotionSet,
    method: TruthMethod = "shares",
    *,
    choice: LabelChoice = "primary",
    outside: Outside = "drop",
    pseudo_count: float = PSEUDO_COUNT,
    n_restarts: int = 4,
    seed: int = 0,
) -> RaterTruth:
    """The truth of each utterance under a named method.

    Args:
        utterances: U of them.
        emotions: the set, N labels.
        method: a name of `TRUTH_METHODS`.
        choice: which labels of the raters are their votes, for the methods that ask who voted; the votes of
            the utterances were counted when the corpus was loaded.
        outside: how votes outside the set enter, see `truth`.
        pseudo_count: added to every label by ``dirichlet``.
        n_restarts: how often MACE starts again, to keep the likeliest end; each takes as long again.
        seed: of MACE's starts.

    Raises:
        UsageError: an unknown method, raters unknown where they are needed, or the extra ``raters`` missing.

    Source: Dawid and Skene (1979), doi:10.2307/2346806; Hovy et al. (2013), MACE, N13-1132.

    >>> from pathlib import Path
    >>> from ambivox.corpora import Utterance
    >>> from ambivox.emotions import load_emotions
    >>> said = [Utterance("u", Path("a.wav"), votes={"angry": 3, "sad": 1})]
    >>> truth_from_raters(said, load_emotions("iemocap4"), "dirichlet", pseudo_count=1).p.tolist()
    [[0.125, 0.125, 0.5, 0.25]]
    """
    if method not in TRUTH_METHODS:
        raise unknown_name("method of truth", method, TRUTH_METHODS)
    every = list(utterances)
    cast = _votes_cast(every, emotions, choice, outside)
    if method in ("dawid-skene", "mace"):
        return _by_model(method, cast, (len(every), len(emotions)), n_restarts, seed)
    counts = vote_counts(every, emotions, outside)
    rated = counts.any(axis=1)
    p = np.full(counts.shape, np.nan)
    p[rated] = (
        smoothed_shares(counts[rated], pseudo_count) if method == "dirichlet" else normalise(counts[rated])
    )
    for u, utterance in enumerate(every) if method == "shares" else ():
        if utterance.shares:
            known = truth_of_shares(utterance.shares, emotions, outside)
            p[u] = np.nan if known is None else known
    return RaterTruth(p, _agreement_with_others(cast, len(every), len(emotions)))


def vote_counts(utterances: Iterable[HasVotes], emotions: EmotionSet, outside: Outside = "drop") -> Array:
    """Votes over an emotion set, shape ``(U, N)``; zeros where no vote counts (see `truth` for `outside`)."""
    truth(count_votes({}, emotions), emotions, outside)  # refuses a choice that the set does not allow
    beyond = len(emotions)
    columns: dict[str, int] = {}
    cast: list[tuple[int, int, int]] = []
    n_utterances = 0
    for u, utterance in enumerate(utterances):
        n_utterances += 1
        for label, count in utterance.votes.items():
            if label not in columns:
                n = emotions.index(label)
                columns[label] = beyond if n is None else n
            cast.append((u, columns[label], count))
    rows, labels, n_votes = np.array(cast, dtype=np.intp).reshape(-1, 3).T
    counts = np.zeros((n_utterances, len(emotions) + 1))
    np.add.at(counts, (rows, labels), n_votes)
    if outside == "other":
        counts[:, emotions.labels.index(OTHER)] += counts[:, beyond]
    elif outside == "exclude-utterance":
        counts[counts[:, beyond] > 0] = 0
    return counts[:, :beyond]


def smoothed_shares(counts: ArrayLike, pseudo_count: float = PSEUDO_COUNT) -> Array:
    """The mean of the Dirichlet posterior after a symmetric prior: ``(n_k + a) / (n + N a)``.

    Args:
        counts: votes, shape ``(..., N)``.
        pseudo_count: a, above 0.

    Returns:
        The same shape, distributions without zeros.

    Source: Gelman et al. (2013), Bayesian Data Analysis, section 3.4.

    >>> smoothed_shares([3, 1], 1).round(3).tolist()
    [0.667, 0.333]
    """
    if not pseudo_count > 0:
        raise UsageError(f"pseudo_count: {pseudo_count:g}, it must be above 0")
    votes = np.asarray(counts, dtype=np.float64) + pseudo_count
    return np.asarray(votes / votes.sum(axis=-1, keepdims=True))


def standard_error(counts: ArrayLike) -> Array:
    """Standard error of each label's share of the votes: ``sqrt(p (1 - p) / (n - 1))``.

    The square is unbiased for the variance that another draw of n raters would show.

    Args:
        counts: votes, shape ``(..., N)``.

    Returns:
        The same shape, range ``[0, 0.71]``; ``nan`` where there are fewer than two votes.

    Source: Cochran (1977), Sampling Techniques, section 3.2.

    >>> standard_error([8, 2]).round(3).tolist()
    [0.133, 0.133]
    """
    votes = np.asarray(counts, dtype=np.float64)
    total = votes.sum(axis=-1, keepdims=True)
    known = np.broadcast_to(total >= 2, votes.shape)
    shares = np.divide(votes, total, out=np.full(votes.shape, np.nan), where=known)
    return np.asarray(np.sqrt(shares * (1 - shares) / np.where(known, total - 1, 1)))


def _votes_cast(
    utterances: list[HasVotes], emotions: EmotionSet, choice: LabelChoice, outside: Outside
) -> _Cast:
    """Every vote by a known rater that counts under `outside`."""
    numbers: dict[str, int] = {}
    found: list[tuple[int, int, int]] = []
    pooled = emotions.labels.index(OTHER) if outside == "other" and OTHER in emotions.labels else None
    indices: dict[str, int | None] = {}
    for u, utterance in enumerate(utterances):
        votes = []
        for rating in utterance.ratings:
            for label in labels_of(rating, choice) if rating.rater is not None else ():
                if label not in indices:
                    n = emotions.index(label)
                    indices[label] = pooled if n is None else n
                votes.append((u, numbers.setdefault(str(rating.rater), len(numbers)), indices[label]))
        if outside != "exclude-utterance" or all(n is not None for _, _, n in votes):
            found += [(u, rater, n) for u, rater, n in votes if n is not None]
    columns = np.array(found, dtype=np.intp).reshape(-1, 3).T
    return _Cast(columns[0], columns[1], columns[2], tuple(numbers))


def _agreement_with_others(cast: _Cast, n_utterances: int, n_labels: int) -> dict[str, float]:
    counts = np.zeros((n_utterances, n_labels))
    np.add.at(counts, (cast.utterances, cast.labels), 1)
    others = counts.sum(axis=1)[cast.utterances] - 1
    agreed = counts[cast.utterances, cast.labels] - 1
    paired = others > 0
    n_votes = np.bincount(cast.raters[paired], minlength=len(cast.names))
    sums = np.bincount(
        cast.raters[paired], weights=agreed[paired] / others[paired], minlength=len(cast.names)
    )
    return {name: float(sums[r] / n_votes[r]) for r, name in enumerate(cast.names) if n_votes[r]}


def _by_model(
    method: Literal["dawid-skene", "mace"], cast: _Cast, shape: tuple[int, int], n_restarts: int, seed: int
) -> RaterTruth:
    if not len(cast.labels):
        raise UsageError(
            f"truth {method!r}: it is not known who gave which vote: use 'shares' or 'dirichlet', or load "
            "the corpus with its per-rater file"
        )
    try:
        import pandas as pd
        from crowdkit.aggregation import MACE, DawidSkene
    except ImportError:
        raise UsageError("this needs the extra 'raters': pip install 'ambivox[raters]'") from None
    data = pd.DataFrame({"task": cast.utterances, "worker": cast.raters, "label": cast.labels})
    # A generator, not a number: with a number all restarts would begin at the same place.
    starts: Any = np.random.default_rng(seed)
    mace = MACE(n_restarts=n_restarts, random_state=starts)
    model: Any = DawidSkene(n_iter=100) if method == "dawid-skene" else mace
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit calls pandas in ways that pandas 3 deprecates
        probabilities = model.fit_predict_proba(data)
    if method == "dawid-skene":
        correct = _named_true(model, len(cast.names))
    else:
        correct = dict(zip(pd.unique(data["worker"]), model.spamming_[:, 1], strict=True))
    p = np.full(shape, np.nan)
    rows = probabilities.index.to_numpy(dtype=np.intp)
    p[rows] = 0
    p[np.ix_(rows, probabilities.columns.to_numpy(dtype=np.intp))] = probabilities.to_numpy()
    return RaterTruth(p, {name: float(correct[r]) for r, name in enumerate(cast.names) if r in correct})


def _named_true(model: Any, n_raters: int) -> dict[int, float]:
    """Rater -> probability of naming the true label, over the labels as often as they are true."""
    errors, priors = model.errors_, model.priors_
    return {
        r: float(sum(priors[k] * errors.loc[r].loc[k, k] for k in priors.index if k in errors.loc[r].index))
        for r in range(n_raters)
        if r in errors.index.get_level_values(0)
    }
