"""Whole-label probabilities against enumerating every answer of a toy language model."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ambivox.models import find_label_tokens, score_by_trie
from ambivox.models.label_tokens import Tokens
from ambivox.readouts.label_logits import label_logp
from ambivox.readouts.reading import Reading
from ambivox.readouts.tokens import sequence
from tests.readouts.made_up_records import label_tokens_of, plain_set, record

V, DEPTH = 3, 4  # an answer is 4 of 3 tokens
seeds = st.integers(0, 2**32 - 1)


class ToyModel:
    """A language model over V tokens whose next-token probabilities depend on the whole prefix."""

    def __init__(self, seed: int, scale: float = 2.0) -> None:
        self.seed = seed
        self.scale = scale
        self.asked: list[Tokens] = []

    def __call__(self, prefixes: list[Tokens]) -> NDArray[np.float64]:
        self.asked += prefixes
        return np.array([self.next_logp(prefix) for prefix in prefixes])

    def next_logp(self, prefix: Tokens) -> NDArray[np.float64]:
        z = self.scale * np.random.default_rng([self.seed, *(t + 1 for t in prefix)]).standard_normal(V)
        return np.asarray(z - np.logaddexp.reduce(z))

    def mass_of_answers(self, owner_of: dict[Tokens, int], n_labels: int) -> NDArray[np.float64]:
        """Every answer of DEPTH tokens goes to the label of the longest sequence that it begins with."""
        mass = np.zeros(n_labels)
        for answer in product(range(V), repeat=DEPTH):
            p = np.exp(sum(self.next_logp(answer[:n])[answer[n]] for n in range(DEPTH)))
            begun = [answer[:n] for n in range(DEPTH, 0, -1) if answer[:n] in owner_of]
            if begun:
                mass[owner_of[begun[0]]] += p
        return mass


def read(sequences: list[Tokens], labels: list[int], logp: NDArray[np.float64], **options: bool) -> Reading:
    label_tokens = label_tokens_of(sequences, labels)
    return sequence(
        record(emotions=plain_set(max(labels) + 1), label_tokens=label_tokens, sequence_logp=logp), **options
    )


CASES = {
    "one token each": ([(0,), (1,)], [0, 1]),
    "several tokens": ([(0, 1), (1, 2, 0)], [0, 1]),
    "first token shared": ([(0, 1), (0, 2), (1,)], [0, 1, 2]),
    "several forms": ([(0,), (1, 1), (2, 0), (1, 2)], [0, 0, 1, 1]),
    "one label begins another": ([(0,), (0, 1), (2,)], [0, 1, 2]),
    "one label begins two others": ([(0,), (0, 1), (0, 2)], [0, 1, 2]),
    "three deep": ([(0,), (0, 1), (0, 1, 2)], [0, 1, 2]),
    "three deep, back to the first label": ([(0,), (0, 1), (0, 1, 2), (1,)], [0, 1, 0, 1]),
    "four deep": ([(0,), (0, 1), (0, 1, 2), (0, 1, 2, 2)], [0, 1, 2, 1]),
}


@pytest.mark.parametrize(("sequences", "labels"), CASES.values(), ids=CASES)
@settings(max_examples=15)
@given(seed=seeds)
def test_sequence_equals_enumerating_all_answers(
    sequences: list[Tokens], labels: list[int], seed: int
) -> None:
    model = ToyModel(seed)
    mass = model.mass_of_answers(dict(zip(sequences, labels, strict=True)), max(labels) + 1)
    reading = read(sequences, labels, score_by_trie(sequences, model))
    assert reading.status == "ok"
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, mass / mass.sum(), rtol=1e-7, atol=1e-9)
    assert reading.mass == pytest.approx(mass.sum(), rel=1e-7)


LETTERS = "abc"


@given(
    seed=seeds,
    drawn=st.lists(st.text(LETTERS, min_size=1, max_size=DEPTH), min_size=2, max_size=7, unique=True),
    cut=st.integers(1, 6),
)
def test_a_watch_of_any_words_loses_and_doubles_no_answer(seed: int, drawn: list[str], cut: int) -> None:
    answers = [drawn[: min(cut, len(drawn) - 1)], drawn[min(cut, len(drawn) - 1) :]]
    label_tokens = find_label_tokens(
        answers, lambda text: [LETTERS.index(c) for c in text.strip().lower()], str
    )
    model = ToyModel(seed)
    words = {tuple(LETTERS.index(c) for c in word): n for n, own in enumerate(answers) for word in own}
    logp = label_logp(label_tokens, score_by_trie(label_tokens.sequences, model), 2)
    np.testing.assert_allclose(np.exp(logp), model.mass_of_answers(words, 2), rtol=1e-6, atol=1e-9)


@given(seed=seeds)
def test_per_token_is_the_mean_log_probability_of_a_token(seed: int) -> None:
    sequences, labels = [(0, 1), (1, 2, 0), (2,)], [0, 1, 2]
    model = ToyModel(seed)
    logp = [sum(model.next_logp(s[:n])[s[n]] for n in range(len(s))) / len(s) for s in sequences]
    reading = read(sequences, labels, score_by_trie(sequences, model), per_token=True)
    np.testing.assert_allclose(reading.distribution, np.exp(logp) / np.exp(logp).sum(), rtol=1e-7)
    assert reading.mass is None


def test_every_prefix_is_asked_once() -> None:
    model = ToyModel(0)
    score_by_trie([(0, 1, 2), (0, 1, 1), (0,), (0, 1, 2)], model)
    assert sorted(model.asked) == [(), (0,), (0, 1)]


@given(seed=seeds)
def test_extreme_log_probabilities_stay_distributions(seed: int) -> None:
    model = ToyModel(seed, scale=1e4)
    sequences, labels = CASES["three deep, back to the first label"]
    reading = read(sequences, labels, score_by_trie(sequences, model))
    assert reading.distribution is not None
    assert np.isfinite(reading.distribution).all()
    assert reading.distribution.sum() == pytest.approx(1)
    assert reading.mass is not None
    assert 0 <= reading.mass <= 1


def test_rounding_that_makes_the_longer_form_more_probable_does_not_give_nan() -> None:
    reading = read([(0,), (0, 1)], [0, 1], np.array([-1.0, -1.0 + 1e-7]))
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, [0, 1], atol=1e-12)


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_log_probabilities_that_are_not_finite_are_undefined(bad: float) -> None:
    assert read([(0,), (1,)], [0, 1], np.array([-1.0, bad])).status == "undefined"


def test_a_run_without_scores_is_undefined_and_says_so() -> None:
    reading = sequence(record(emotions=plain_set(2), label_tokens=label_tokens_of([(0,), (1,)], [0, 1])))
    assert reading.status == "undefined"
    assert "were not scored" in reading.note
