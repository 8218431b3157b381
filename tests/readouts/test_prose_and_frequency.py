"""Emotion words counted in prose, and sampled answers counted."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.prompts import AnswerFormat
from ambivox.readouts import load_readout
from ambivox.readouts.answers.languages import lexicon
from ambivox.readouts.answers.prose import with_lexicon
from ambivox.readouts.frequency import frequency
from ambivox.readouts.reading import Reading
from ambivox.readouts.text import dictionary, label, prose
from tests.readouts.made_up_records import record

# neutral, happy, angry, sad


def read(text: str, **fields: object) -> Reading:
    return prose(record(text, format="free", **fields))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The speaker sounds furious.", [0, 0, 1, 0]),
        ("She is annoyed and a little tearful, even heartbroken.", [0, 0, 1 / 3, 2 / 3]),
        ("Not angry at all; rather cheerful.", [0, 1, 0, 0]),
        ("The tone is flat and unemotional.", [1, 0, 0, 0]),
        ("sad", [0, 0, 0, 1]),
    ],
)
def test_emotion_words_are_counted_by_label(text: str, expected: list[float]) -> None:
    reading = read(text)
    assert reading.status == "ok"
    assert reading.distribution == pytest.approx(expected)


def test_emotions_outside_the_set_are_left_out_and_named() -> None:
    reading = read("He sounds terrified, and angry.")
    assert (reading.status, reading.note) == ("foreign", "left out fear")
    assert reading.distribution == pytest.approx([0, 0, 1, 0])


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", "unparsed"),
        ("A voice says something about dogs.", "unparsed"),
        ("He is terrified.", "foreign"),
        ("I'm sorry, but I cannot listen to audio.", "refused"),
        ("They are not happy.", "unparsed"),
    ],
)
def test_prose_without_an_emotion_of_the_set_has_a_reason(text: str, status: str) -> None:
    reading = read(text)
    assert (reading.distribution, reading.status) == (None, status)


@pytest.mark.parametrize("name", [*emotion_sets(), "iemocap4+other"])
def test_the_lexicon_takes_no_form_from_a_label(name: str) -> None:
    emotions = load_emotions(name)
    known = with_lexicon(emotions)
    assert known.labels[: len(emotions)] == emotions.labels
    assert all(known.owner[form] == n for form, n in emotions.owner.items())


def test_a_form_that_a_set_gives_to_another_label_stays_there() -> None:
    emotions = EmotionSet("own", ("tense", "happy"), (("tense", "angry", "nervous"), ("happy",)))
    known = with_lexicon(emotions)
    assert known.labels[known.index("nervous") or 0] == "tense"
    assert known.labels[known.index("furious") or 0] == "tense"


def test_no_word_of_the_lexicon_stands_twice() -> None:
    words = [word for emotion, own in lexicon().items() for word in (emotion, *own)]
    assert len(set(words)) == len(words)


@given(text=st.text(max_size=60))
def test_any_prose_gives_a_distribution_or_a_reason(text: str) -> None:
    reading = read(text)
    assert (reading.distribution is None) == (
        reading.status in ("refused", "unparsed") or "only" in reading.note
    )
    if reading.distribution is not None:
        assert reading.distribution.sum() == pytest.approx(1)


def test_words_are_counted_as_shares() -> None:
    reading = frequency(record(draws=("sad", "Sad.", "angry", "sad")))
    assert reading.status == "ok"
    assert reading.distribution == pytest.approx([0, 0, 0.25, 0.75])


def test_distributions_are_averaged() -> None:
    draws = (
        "{'neutral': 1, 'happy': 0, 'angry': 0, 'sad': 0}",
        "{'neutral': 0.5, 'happy': 0.5, 'angry': 0, 'sad': 0}",
    )
    assert frequency(record(format="dictionary", draws=draws)).distribution == pytest.approx(
        [0.75, 0.25, 0, 0]
    )


def test_answers_that_cannot_be_read_are_counted_in_the_note() -> None:
    reading = frequency(record(draws=("sad", "well", "I cannot hear it", "angry")))
    assert (reading.status, reading.note) == ("partial", "2 of 4 sampled answers cannot be read")
    assert reading.distribution == pytest.approx([0, 0, 0.5, 0.5])


def test_if_none_can_be_read_the_most_frequent_reason_stands() -> None:
    reading = frequency(record(draws=("bored", "tired", "I cannot hear it")))
    assert (reading.distribution, reading.status) == (None, "foreign")


def test_without_draws_it_is_undefined() -> None:
    for draws in ((), None):
        assert frequency(record(draws=draws)).status == "undefined"


def test_every_answer_format_has_one_text_readout() -> None:
    read = [
        f for name in ("label", "dictionary", "ranked", "prose") for f in load_readout(name).formats or ()
    ]
    assert sorted(read) == sorted(get_args(AnswerFormat))


@given(
    draws=st.lists(st.sampled_from(["sad", "angry", "?", ""]) | st.text(max_size=9), min_size=1, max_size=6)
)
def test_the_frequency_is_the_mean_of_the_single_readings(draws: list[str]) -> None:
    for kind, read_one in (("word", label), ("dictionary", dictionary)):
        readings = [read_one(record(draw, format=kind, finish="length")) for draw in draws]
        kept = [r.distribution for r in readings if r.distribution is not None]
        reading = frequency(record(format=kind, draws=tuple(draws)))
        if kept:
            assert reading.distribution == pytest.approx(np.mean(kept, axis=0))
            assert reading.status == ("ok" if len(kept) == len(draws) else "partial")
        else:
            assert reading.status in {r.status for r in readings}
