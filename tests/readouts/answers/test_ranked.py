"""Rankings: weights against the mean of all distributions of an order, and the many ways to write one."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import load_emotions
from ambivox.readouts.answers.ranked import rank_weights
from ambivox.readouts.text import ranked
from tests.readouts.made_up_records import record

LABELS = load_emotions("iemocap4").labels  # neutral, happy, angry, sad


def read(text: str, **fields: object):
    return ranked(record(text, format="ranked", **fields))


def of(*order: str) -> list[float]:
    weights = rank_weights(4)
    return [weights[order.index(label)] for label in LABELS]


@pytest.mark.parametrize("n", [2, 3, 6])
def test_the_centroid_is_the_mean_of_all_distributions_that_have_the_order(n: int) -> None:
    drawn = -np.sort(-np.random.default_rng(0).dirichlet(np.ones(n), size=40_000), axis=1)
    assert rank_weights(n) == pytest.approx(drawn.mean(axis=0), abs=5e-3)


def test_other_weights_are_as_they_are_named() -> None:
    assert rank_weights(3, "reciprocal") == pytest.approx(np.array([6, 3, 2]) / 11)
    assert rank_weights(3, "linear") == pytest.approx(np.array([3, 2, 1]) / 6)


@pytest.mark.parametrize(
    "text",
    [
        "sad > angry > neutral > happy",
        "Sadness > Anger > Neutral > Joy.",
        "sad, angry, neutral, happy",
        "1. sad\n2. angry\n3. neutral\n4. happy",
        "Here is my ranking of the emotions:\n1) Sad\n2) Angry\n3) Neutral\n4) Happy",
        "Ranking: sad > angry > neutral > happy",
        "sad → angry → neutral → happy",
        "sad, then angry, then neutral, then happy",
        "happy < neutral < angry < sad",
        "sad: 60%\nangry: 20%\nneutral: 15%\nhappy: 5%",
        "sad: 1\nangry: 2\nneutral: 3\nhappy: 4",
        "1. sad 2. angry 3. neutral 4. happy",
    ],
)
def test_a_ranking_is_read_however_it_is_written(text: str) -> None:
    reading = read(text)
    assert reading.status == "ok", reading.note
    assert reading.distribution == pytest.approx(of("sad", "angry", "neutral", "happy"))


def test_labels_that_were_not_ranked_share_the_rest_as_over_all_their_orders() -> None:
    reading = read("sad > angry")
    assert reading.status == "partial"
    assert reading.note == "not ranked: neutral, happy"
    every = [of("sad", "angry", *rest) for rest in permutations(["neutral", "happy"])]
    assert reading.distribution == pytest.approx(np.mean(every, axis=0))


def test_a_label_of_another_set_is_passed_over_and_named() -> None:
    reading = read("sad > bored > angry > neutral > happy")
    assert (reading.status, reading.note) == ("foreign", "left out bored")
    assert reading.distribution == pytest.approx(of("sad", "angry", "neutral", "happy"))


@pytest.mark.parametrize(
    ("text", "status", "note"),
    [
        ("", "unparsed", "empty answer"),
        ("I cannot hear the audio", "refused", "cannot"),
        ("sad > angry > sad > happy", "unparsed", "sad is ranked twice"),
        ("sad and angry > happy > neutral", "unparsed", "names 2 labels"),
        ("sad > angry < happy", "unparsed", "both < and >"),
        ("sad: 10%, angry: 60%, neutral: 30%", "unparsed", "another order"),
        ("bored > tired > curious", "foreign", "only bored"),
        ("It is a voice that could be many things to many people", "unparsed", "It is a voice"),
    ],
)
def test_what_is_no_ranking_has_a_reason(text: str, status: str, note: str) -> None:
    reading = read(text)
    assert (reading.distribution, reading.status) == (None, status)
    assert note in reading.note


def test_an_answer_cut_off_in_a_word_keeps_what_came_before() -> None:
    reading = read("sad > angry > neu", finish="length")
    assert (reading.status, reading.note) == ("partial", "not ranked: neutral, happy")


words = st.sampled_from([*LABELS, ">", "<", ",", "\n", "1.", "bored", "0.4", ":", "not", "and", "I", " "])


@given(text=st.one_of(st.text(max_size=40), st.lists(words, max_size=12).map(" ".join)))
def test_any_text_gives_a_distribution_or_a_reason(text: str) -> None:
    reading = read(text)
    if reading.distribution is None:
        assert reading.note
        assert reading.status not in ("ok", "partial")
    else:
        assert reading.distribution.min() >= 0
        assert reading.distribution.sum() == pytest.approx(1)
