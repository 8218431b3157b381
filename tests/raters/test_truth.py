from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import dirichlet

from ambivox.choices import Outside
from ambivox.corpora import Rating, Utterance, votes_of
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.raters.distribution import count_votes, truth
from ambivox.raters.truth import smoothed_shares, standard_error, truth_from_raters, vote_counts

EMOTIONS = load_emotions("iemocap4")
LABELS = EMOTIONS.labels


def rated(name: str, *ratings: tuple[str, str]) -> Utterance:
    given_by = tuple(Rating(rater, (label,)) for rater, label in ratings)
    return Utterance(name, Path("a.wav"), votes=votes_of(given_by, "primary"), ratings=given_by)


def made_up(
    n_utterances: int = 150, seed: int = 0
) -> tuple[list[Utterance], NDArray[np.intp], dict[str, float]]:
    """Six raters of known accuracy, the last of whom always says the same; the rest err evenly."""
    rng = np.random.default_rng(seed)
    accuracy = {"a": 0.95, "b": 0.9, "c": 0.8, "d": 0.7, "e": 0.5, "lazy": 0.25}
    true = rng.integers(4, size=n_utterances)
    utterances = []
    for u, label in enumerate(true):
        said = []
        for rater, p in accuracy.items():
            wrong = rng.choice([n for n in range(4) if n != label])
            n = 0 if rater == "lazy" else label if rng.random() < p else wrong
            said.append((rater, LABELS[n]))
        utterances.append(rated(f"u{u}", *said))
    return utterances, true, accuracy


def dawid_skene(labels: NDArray[np.intp], n_labels: int) -> NDArray[np.float64]:
    """EM as in the paper; labels: shape ``(U, R)``."""
    votes = np.eye(n_labels)[labels]
    p = votes.mean(axis=1)
    for _ in range(200):
        priors = p.mean(axis=0)
        errors = np.einsum("uk,url->rkl", p, votes)
        errors /= np.maximum(errors.sum(axis=2, keepdims=True), 1e-300)
        with np.errstate(divide="ignore"):
            logs = np.log(priors) + np.einsum("url,rkl->uk", votes, np.maximum(np.log(errors), -1e3))
        p = np.exp(logs - logs.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
    return p


def test_shares_are_the_default() -> None:
    utterances = [rated("u", ("a", "angry"), ("b", "angry"), ("c", "sad")), rated("v")]
    found = truth_from_raters(utterances, EMOTIONS)
    np.testing.assert_allclose(found.p[0], [0, 0, 2 / 3, 1 / 3])
    assert np.isnan(found.p[1]).all()
    assert found.reliability == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_dawid_skene_is_that_of_the_paper() -> None:
    utterances, _, _ = made_up(200)
    labels = np.array([[LABELS.index(r.labels[0]) for r in u.ratings] for u in utterances])
    found = truth_from_raters(utterances, EMOTIONS, "dawid-skene")
    np.testing.assert_allclose(found.p, dawid_skene(labels, 4), atol=0.02)


@pytest.mark.parametrize("method", ["dawid-skene", "mace"])
def test_models_of_raters_find_who_can_be_trusted(method: str) -> None:
    utterances, true, accuracy = made_up()
    found = truth_from_raters(utterances, EMOTIONS, method, n_restarts=1)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.p.sum(axis=1), 1)
    right = (found.p.argmax(axis=1) == true).mean()
    shares = truth_from_raters(utterances, EMOTIONS).p
    assert right >= (shares.argmax(axis=1) == true).mean()
    assert right > 0.95
    order = sorted(accuracy, key=lambda r: -found.reliability[r])
    assert order[:3] == ["a", "b", "c"]
    assert order[-1] == "lazy"
    if method == "dawid-skene":
        assert all(abs(found.reliability[r] - p) < 0.1 for r, p in accuracy.items())


@pytest.mark.parametrize("method", ["dawid-skene", "mace"])
def test_models_of_raters_need_to_know_who_voted(method: str) -> None:
    said = [Utterance("u", Path("a.wav"), votes={"sad": 3}, ratings=(Rating(None, ("sad",)),))]
    with pytest.raises(UsageError, match="not known who gave which vote"):
        truth_from_raters(said, EMOTIONS, method)  # type: ignore[arg-type]


def test_utterances_without_votes_stay_without_truth() -> None:
    utterances = [*made_up(10)[0], rated("none"), rated("odd", ("a", "bored"))]
    for method in ("shares", "dirichlet", "dawid-skene", "mace"):
        p = truth_from_raters(utterances, EMOTIONS, method, n_restarts=1).p  # type: ignore[arg-type]
        assert np.isnan(p[-2:]).all()
        assert np.isfinite(p[:-2]).all()


def test_votes_outside_the_set_follow_the_choice() -> None:
    utterances = [rated("u", ("a", "angry"), ("b", "bored")), *made_up(10)[0]]
    pooled = load_emotions("iemocap4+other")
    assert truth_from_raters(utterances, EMOTIONS).p[0].tolist() == [0, 0, 1, 0]
    assert truth_from_raters(utterances, pooled, outside="other").p[0].tolist() == [0, 0, 0.5, 0, 0.5]
    assert np.isnan(truth_from_raters(utterances, EMOTIONS, outside="exclude-utterance").p[0]).all()
    p = truth_from_raters(utterances, EMOTIONS, "dawid-skene", outside="exclude-utterance").p
    assert np.isnan(p[0]).all()
    assert truth_from_raters(utterances, pooled, "dawid-skene", outside="other").p[0, 4] > 0
    np.testing.assert_array_equal(vote_counts(utterances[:1], pooled, "other"), [[0, 0, 1, 0, 1]])
    np.testing.assert_array_equal(vote_counts(utterances[:1], EMOTIONS, "exclude-utterance"), [[0, 0, 0, 0]])


@given(st.lists(st.integers(0, 20), min_size=2, max_size=6), st.floats(0.01, 10))
def test_smoothed_shares_are_the_mean_of_the_posterior(counts: list[int], pseudo_count: float) -> None:
    expected = dirichlet(np.array(counts) + pseudo_count).mean()
    np.testing.assert_allclose(smoothed_shares(counts, pseudo_count), expected)


def test_the_standard_error_is_that_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    p, n = np.array([0.6, 0.3, 0.1]), 9
    draws = rng.multinomial(n, p, size=200_000)
    squared = standard_error(draws) ** 2
    np.testing.assert_allclose(squared.mean(axis=0), p * (1 - p) / n, rtol=0.01)
    assert np.isnan(standard_error([1, 0, 0])).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="unknown method of truth 'dawid-skeen': did you mean 'dawid-skene'"):
        truth_from_raters([], EMOTIONS, "dawid-skeen")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="pseudo_count: 0"):
        smoothed_shares([1, 2], 0)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*LABELS, "Anger", "bored", "tired"]), st.integers(0, 5)), max_size=5
    ),
    st.sampled_from(["drop", "other", "exclude-utterance"]),
)
def test_counts_are_those_behind_the_shares_of_each_utterance(
    votes: list[dict[str, int]], outside: Outside
) -> None:
    emotions = load_emotions("iemocap4+other")
    counts = vote_counts(
        [Utterance(f"u{n}", Path("a"), votes=v) for n, v in enumerate(votes)], emotions, outside
    )
    assert counts.shape == (len(votes), 5)
    for given_votes, row in zip(votes, counts, strict=True):
        shares = truth(count_votes(given_votes, emotions), emotions, outside)
        if shares is None:
            assert not row.any()
        else:
            np.testing.assert_allclose(row / row.sum(), shares)


def test_a_choice_that_the_set_does_not_allow_is_refused() -> None:
    with pytest.raises(UsageError, match="has no label 'other'"):
        vote_counts([], EMOTIONS, "other")


def test_shares_are_the_truth_where_counts_are_not_known() -> None:
    emotions = load_emotions("iemocap4")
    soft = Utterance("u", Path("a.wav"), shares={"anger": 0.6, "sad": 0.2, "bored": 0.2})
    counted = Utterance("v", Path("a.wav"), votes={"sad": 3, "angry": 1})
    p = truth_from_raters([soft, counted], emotions, "shares").p
    np.testing.assert_allclose(p, [[0, 0, 0.75, 0.25], [0, 0, 0.25, 0.75]])
    assert np.isnan(truth_from_raters([soft], emotions, "shares", outside="exclude-utterance").p).all()


def test_pseudo_counts_need_counts() -> None:
    soft = Utterance("u", Path("a.wav"), shares={"sad": 1.0})
    assert np.isnan(truth_from_raters([soft], load_emotions("iemocap4"), "dirichlet").p).all()
