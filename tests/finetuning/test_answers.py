"""What is taught is read back by the readouts as the votes it was written from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import emotion_sets, load_emotions
from ambivox.errors import UsageError
from ambivox.finetuning.answers import drawn, write_answer
from ambivox.prompts import load_prompt
from ambivox.readouts import read_answer


def read_back(prompt, emotions, text):
    return read_answer(text, format=prompt.format, emotions=emotions, order=prompt.order)


@given(
    st.sampled_from(emotion_sets()),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["dictionary", "percentages"]),
    st.sampled_from([("tenths", 0.1), ("hundredths", 0.01)]),
)
def test_numbers_are_read_back_to_the_last_digit_written_and_sum_to_one(name, seed, asked, how):
    numbers, unit = how
    emotions, rng = load_emotions(name), np.random.default_rng(seed)
    votes = rng.multinomial(9, np.full(len(emotions), 1 / len(emotions))) / 9
    prompt = load_prompt(asked).render(emotions, order=rng.permutation(len(emotions)))
    answer = write_answer(prompt, emotions.labels, votes, 0, rng, numbers=numbers)
    reading = read_back(prompt, emotions, answer)
    assert reading.status == "ok"
    np.testing.assert_allclose(reading.distribution, votes, atol=1.01 * unit)


def test_numbers_have_the_digits_that_were_asked_for():
    emotions = load_emotions("iemocap4")
    shares, rng = np.array([0.5, 0.5, 0.0, 0.0]), np.random.default_rng(0)
    written = {
        numbers: [
            write_answer(load_prompt(p).render(emotions), emotions.labels, shares, 0, rng, numbers=numbers)
            for p in ("dictionary", "percentages")
        ]
        for numbers in ("tenths", "hundredths")
    }
    percentages = "neutral: 50%\nhappy: 50%\nangry: 0%\nsad: 0%"
    assert written["tenths"] == ['{"neutral": 0.5, "happy": 0.5, "angry": 0.0, "sad": 0.0}', percentages]
    assert written["hundredths"] == [
        '{"neutral": 0.50, "happy": 0.50, "angry": 0.00, "sad": 0.00}',
        percentages,
    ]


@given(st.sampled_from(emotion_sets()), st.integers(0, 2**32 - 1), st.sampled_from(["word", "letter"]))
def test_words_and_letters_are_read_back_as_the_label_named(name, seed, asked):
    emotions, rng = load_emotions(name), np.random.default_rng(seed)
    named = int(rng.integers(len(emotions)))
    prompt = load_prompt(asked).render(emotions, order=rng.permutation(len(emotions)))
    even = np.full(len(emotions), 1 / len(emotions))
    answer = write_answer(prompt, emotions.labels, even, named, rng)
    reading = read_back(prompt, emotions, answer)
    assert reading.status == "ok"
    assert reading.distribution[named] == 1


def test_a_ranking_goes_by_votes_and_ties_stay_in_the_order_offered():
    emotions = load_emotions("iemocap4")
    prompt = load_prompt("ranked").render(emotions, order=[3, 1, 2, 0])
    answer = write_answer(
        prompt, emotions.labels, np.array([0.5, 0.0, 0.5, 0.0]), 0, np.random.default_rng(0)
    )
    assert answer == "angry > neutral > sad > happy"


def test_a_prompt_without_a_fixed_answer_is_refused():
    emotions = load_emotions("iemocap4")
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"'free'.*cannot be written from votes"):
        write_answer(load_prompt("free").render(emotions), emotions.labels, np.full(4, 0.25), 0, rng)


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=9).filter(any),
    st.integers(1, 100),
    st.integers(0, 2**32 - 1),
)
def test_drawn_numbers_sum_to_the_total_and_are_off_by_less_than_one(votes, total, seed):
    shares = np.array(votes) / sum(votes)
    numbers = np.array(drawn(shares, total, np.random.default_rng(seed)))
    assert numbers.sum() == total
    assert (numbers >= 0).all()
    assert (abs(numbers - shares * total) < 1 + 1e-6).all()
    whole = np.array(votes) * total % sum(votes) == 0
    assert (numbers[whole] == np.round(shares * total)[whole]).all()


def test_drawn_numbers_come_to_their_shares_on_average():
    shares, rng = np.array([0.04, 0.33, 0.02, 0.61]), np.random.default_rng(0)
    mean = np.mean([drawn(shares, 10, rng) for _ in range(4000)], axis=0) / 10
    np.testing.assert_allclose(mean, shares, atol=0.004)  # standard errors are at most 0.0008
