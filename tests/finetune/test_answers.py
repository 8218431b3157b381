"""What is taught is read back by the readouts as the votes it was written from."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import emotion_sets, load_emotions
from ambivox.errors import UsageError
from ambivox.finetune.answers import rounded, write_answer
from ambivox.prompts import load_prompt
from ambivox.readouts.text import dictionary, label


def read_back(readout, prompt, emotions, text):
    record = SimpleNamespace(
        text=text,
        emotions=emotions,
        labels=emotions.labels,
        format=prompt.format,
        order=prompt.order,
        finish="stop",
    )
    return readout(record)


@given(
    st.sampled_from(emotion_sets()), st.integers(0, 2**32 - 1), st.sampled_from(["dictionary", "percentages"])
)
def test_numbers_are_read_back_to_a_hundredth(name, seed, asked):
    emotions, rng = load_emotions(name), np.random.default_rng(seed)
    votes = rng.multinomial(9, np.full(len(emotions), 1 / len(emotions))) / 9
    prompt = load_prompt(asked).render(emotions, order=rng.permutation(len(emotions)))
    reading = read_back(dictionary, prompt, emotions, write_answer(prompt, emotions.labels, votes, 0))
    assert reading.status == "ok"
    np.testing.assert_allclose(reading.distribution, votes, atol=0.0101)


@given(st.sampled_from(emotion_sets()), st.integers(0, 2**32 - 1), st.sampled_from(["word", "letter"]))
def test_words_and_letters_are_read_back_as_the_label_named(name, seed, asked):
    emotions, rng = load_emotions(name), np.random.default_rng(seed)
    named = int(rng.integers(len(emotions)))
    prompt = load_prompt(asked).render(emotions, order=rng.permutation(len(emotions)))
    answer = write_answer(prompt, emotions.labels, np.full(len(emotions), 1 / len(emotions)), named)
    reading = read_back(label, prompt, emotions, answer)
    assert reading.status == "ok"
    assert reading.distribution[named] == 1


def test_a_ranking_goes_by_votes_and_ties_stay_in_the_order_offered():
    emotions = load_emotions("iemocap4")
    prompt = load_prompt("ranked").render(emotions, order=[3, 1, 2, 0])
    answer = write_answer(prompt, emotions.labels, np.array([0.5, 0.0, 0.5, 0.0]), 0)
    assert answer == "angry > neutral > sad > happy"


def test_a_prompt_without_a_fixed_answer_is_refused():
    emotions = load_emotions("iemocap4")
    with pytest.raises(UsageError, match=r"'free'.*cannot be written from votes"):
        write_answer(load_prompt("free").render(emotions), emotions.labels, np.full(4, 0.25), 0)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=9).filter(any), st.integers(1, 1000))
def test_rounded_numbers_sum_to_the_total_and_are_off_by_less_than_one(votes, total):
    shares = np.array(votes) / sum(votes)
    numbers = np.array(rounded(shares, total))
    assert numbers.sum() == total
    assert (abs(numbers - shares * total) < 1).all()
