"""Answers as models write them, and what must and must not be read from them."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.readouts.text import dictionary
from tests.readouts.made_up_records import record

WHOLE = {
    "JSON": '{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.4}',
    "fenced": '```json\n{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.4}\n```',
    "Python dictionary": "{'neutral': 0.1, 'happy': 0.2, 'angry': 0.3, 'sad': 0.4}",
    "no quotes": "{neutral: .1, happy: .2, angry: .3, sad: .4}",
    "curly quotes": "{“neutral”: 0.1, “happy”: 0.2, “angry”: 0.3, “sad”: 0.4}",
    "comma too many": '{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.4,}',
    "comment inside": '{"neutral": 0.1,\n "happy": 0.2, // soft\n "angry": 0.3, "sad": 0.4}',
    "nested": '{"emotions": {"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.4}}',
    "objects": '[{"emotion": "neutral", "probability": 0.1}, {"emotion": "happy", "probability": 0.2},'
    ' {"emotion": "angry", "probability": 0.3}, {"emotion": "sad", "probability": 0.4}]',
    "YAML objects": "- emotion: neutral\n  score: .1\n- emotion: happy\n  score: .2\n"
    "- emotion: angry\n  score: .3\n- emotion: sad\n  score: .4",
    "percent strings": '{"neutral": "10%", "happy": "20 %", "angry": "30%", "sad": "40%"}',
    "exponents": '{"neutral": 1e-1, "happy": 2E-1, "angry": 3e-01, "sad": 0.4e0}',
    "decimal commas": "neutral: 0,1; happy: 0,2; angry: 0,3; sad: 0,4",
    "brackets": "Neutral (10%), Happy (20%), Angry (30%), Sad (40%)",
    "bullets": "- **Neutral**: 10%\n- **Happy**: 20%\n* Angry – 30%\n• Sad -> 40%",
    "numbered": "1. neutral: 0.1\n2. happy: 0.2\n3) angry: 0.3\n4) sad: 0.4",
    "table": "| Emotion | Share |\n|---|---|\n"
    "| neutral | 10% |\n| happy | 20% |\n| angry | 30% |\n| sad | 40% |",
    "one line": "neutral=0.1 happy=0.2 angry=0.3 sad=0.4",
    "forms": '{"Neutral": 0.1, "happiness": 0.2, "ANGER": 0.3, "sadness": 0.4}',
    "prose around": 'The voice is sad:\n{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.4}\n(slow)',
    "total": "neutral: 10%\nhappy: 20%\nangry: 30%\nsad: 40%\nTotal: 100%",
    "said twice alike": "neutral: .1, happy: .2, angry: .3, sad: .4\n\n- sad: .4, since it is slow",
    "reason": '{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.4, "reason": "slow: and low"}',
    "full width": "neutral：１０％，happy：２０％，angry：３０％，sad：４０％",
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_numbers_are_read_however_they_are_written(text: str) -> None:
    reading = dictionary(record(text, format="dictionary"))
    assert (reading.status, reading.note) == ("ok", "")
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, [0.1, 0.2, 0.3, 0.4], atol=1e-12)


UNREADABLE = {
    "negative": '{"neutral": -0.1, "happy": 0.2, "angry": 0.5, "sad": 0.4}',
    "NaN": '{"neutral": NaN, "happy": 0.3, "angry": 0.3, "sad": 0.4}',
    "Infinity": '{"neutral": Infinity, "happy": 0.3, "angry": 0.3, "sad": 0.4}',
    "1e400": '{"neutral": 1e400, "happy": 0.3, "angry": 0.3, "sad": 0.4}',
    "1e308": '{"neutral": 1e308, "happy": 1e308, "angry": 1e308, "sad": 1e308}',
    "null": '{"neutral": null, "happy": 0.3, "angry": 0.3, "sad": 0.4}',
    "true": '{"neutral": true, "happy": 0, "angry": 0, "sad": 0}',
    "word": '{"neutral": "low", "happy": 0.5, "angry": 0.5, "sad": 0}',
    "range": "neutral: 0.1-0.2, happy: 0.3, angry: 0.3, sad: 0.4",
    "three commas": "neutral: 1,2,3, happy: 0.5",
    "given twice": '{"neutral": 0.1, "neutral": 0.2, "happy": 0.7}',
    "two forms of a label": '{"happy": 0.2, "joy": 0.2, "sad": 0.6}',
    "two answers": '{"angry": 0.7, "sad": 0.3} or rather {"angry": 0.3, "sad": 0.7}',
    "zeros": '{"neutral": 0, "happy": 0, "angry": 0, "sad": 0}',
    "negated": "not angry: 0.3, sad: 0.7",
    "more than a label": "rather angry: 0.7, sad: 1.0",
    "percentages among shares": '{"angry": "60%", "sad": 40}',
    "mixed": "neutral: 0.25, happy: 25%, angry: 0.25, sad: 25%",
    "echo of the prompt": 'Options: neutral, happy, angry, sad. One line per option: "option: number%".',
    "empty": " \n",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_numbers_that_cannot_be_trusted_are_unparsed(text: str) -> None:
    reading = dictionary(record(text, format="dictionary"))
    assert (reading.distribution, reading.status) == (None, "unparsed")
    assert reading.note


@pytest.mark.parametrize(
    "cut",
    [
        '{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0.',
        '{"neutral": 0.1, "happy": 0.2, "angry": 0.3, "sad": 0',
        '{"neutral": 0.1, "happy": 0.2, "ang',
        '{"neutral": 0.1, "happy": 0.2, ',
        '{"neutral": 0.1',
    ],
)
def test_an_answer_cut_off_in_the_middle_is_unparsed(cut: str) -> None:
    reading = dictionary(record(cut, format="dictionary", finish="length"))
    assert (reading.distribution, reading.status) == (None, "unparsed")
    assert "cut off" in reading.note


def test_a_percentage_cut_off_in_the_middle_is_unparsed() -> None:
    text = "neutral: 10%\nhappy: 20%\nangry: 30%\nsad: 4"
    assert dictionary(record(text, format="percentages", finish="length")).status == "unparsed"


def test_an_answer_cut_off_after_its_last_number_is_read() -> None:
    text = WHOLE["JSON"] + "\n\nThe speaker is slow and"
    assert dictionary(record(text, format="dictionary", finish="length")).status == "ok"


def test_missing_labels_are_zero_and_said() -> None:
    reading = dictionary(record("Angry (40%), Sad (60%)", format="percentages"))
    assert reading.status == "partial"
    assert reading.note == "missing neutral, happy"
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, [0, 0, 0.4, 0.6])


def test_labels_outside_the_set_are_left_out_and_said() -> None:
    reading = dictionary(record('{"sad": 0.4, "happy": 0.1, "fear": 0.5}', format="dictionary"))
    assert (reading.status, reading.note) == ("foreign", "left out fear")
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, [0, 0.2, 0, 0.8])


@pytest.mark.parametrize(
    "text", ['{"fear": 1.0}', '{"fear": 1, "neutral": 0, "happy": 0, "angry": 0, "sad": 0}']
)
def test_only_labels_outside_the_set_give_no_distribution(text: str) -> None:
    reading = dictionary(record(text, format="dictionary"))
    assert (reading.distribution, reading.status) == (None, "foreign")


@pytest.mark.parametrize(
    ("asked", "text", "status"),
    [
        ("dictionary", "neutral: 25, happy: 25, angry: 25, sad: 25", "renormalised"),
        ("percentages", "neutral: 25, happy: 25, angry: 25, sad: 25", "ok"),
        ("percentages", "neutral: 25%, happy: 25%, angry: 25, sad: 25", "ok"),
        ("percentages", "neutral: .25, happy: .25, angry: .25, sad: .25", "renormalised"),
        ("dictionary", "neutral: 0.5, happy: 0.5, angry: 0.5, sad: 0.5", "renormalised"),
        ("dictionary", "neutral: 0.25, happy: 25%, angry: 0.25, sad: 25%", "unparsed"),
        ("dictionary", "neutral: 0.25, happy: 0.25, angry: 0.25, sad: 0.22", "renormalised"),
        ("dictionary", "neutral: 0.33, happy: 0.33, angry: 0.33, sad: 0", "ok"),
    ],
)
def test_the_sum_decides_between_ok_and_renormalised(asked: str, text: str, status: str) -> None:
    assert dictionary(record(text, format=asked)).status == status


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I cannot determine the emotion of a speaker.",
        "As an AI language model, I do not have access to audio.",
        "I can't hear the clip. Confidence: 0%",
        "Sorry, but I am not able to judge this.",
        "There is no audio.",
    ],
)
def test_a_refusal_is_told_from_an_unreadable_answer(text: str) -> None:
    assert dictionary(record(text, format="dictionary")).status == "refused"


def test_numbers_count_even_after_an_apology() -> None:
    text = f"I'm sorry, I cannot be certain, but: {WHOLE['JSON']}"
    assert dictionary(record(text, format="dictionary")).status == "ok"


@pytest.mark.parametrize(
    "label", ["it's fine", "a/b", "x (y)", 'so-called "joy"', "{odd}", "very sad", "R&B", "ß"]
)
def test_odd_labels_are_found_in_json(label: str) -> None:
    emotions = EmotionSet("odd", (label, "sad"), ((label,), ("sad",)))
    reading = dictionary(
        record(
            json.dumps({label: 0.25, "sad": 0.75}, ensure_ascii=False), format="dictionary", emotions=emotions
        )
    )
    assert reading.status == "ok"
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, [0.25, 0.75])


@given(
    name=st.sampled_from(emotion_sets()),
    weights=st.lists(st.integers(0, 1000), min_size=8, max_size=8).filter(lambda w: min(w[:4]) > 0),
    write=st.sampled_from([json.dumps, str, lambda d: "\n".join(f"{k}: {v}" for k, v in d.items())]),
)
def test_a_distribution_survives_being_written_and_read(name: str, weights: list[int], write) -> None:  # type: ignore[no-untyped-def]
    emotions = load_emotions(name)
    expected = np.array(weights[: len(emotions)]) / sum(weights[: len(emotions)])
    text = write(dict(zip(emotions.labels, expected.tolist(), strict=True)))
    reading = dictionary(record(text, format="dictionary", emotions=emotions))
    assert reading.status == "ok"
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, expected, atol=1e-12)


PIECES = [
    "angry",
    "Sad",
    "happiness",
    "fear",
    "not ",
    ": ",
    "0.3",
    "40%",
    "-",
    "{",
    "}",
    "[",
    "|",
    "\n",
    ",",
    '"',
    "'",
    "1e999",
    "NaN",
    "٣",
    "½",
    "percent",
    " (",
    ")",
    "\\",
    "sum",
    "emotion: ",
    "probability",
    "0.",
    "e5",
    "=>",
]


@given(
    text=st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    asked=st.sampled_from(["dictionary", "percentages"]),
    finish=st.sampled_from(["stop", "length"]),
)
@example(text='{"neutral": 5e-324}', asked="percentages", finish="stop")
@example(text='{"neutral": 5e-324, "happy": 5e-324, "angry": 0, "sad": 0}', asked="dictionary", finish="stop")
@example(text="\ud800 angry: 1", asked="dictionary", finish="stop")
def test_any_text_gives_a_distribution_or_a_reason(text: str, asked: str, finish: str) -> None:
    reading = dictionary(record(text, format=asked, finish=finish))
    assert reading.status in ("ok", "renormalised", "partial", "foreign", "refused", "unparsed")
    if reading.distribution is None:
        assert reading.status in ("foreign", "refused", "unparsed")
        assert reading.note
    else:
        assert (reading.distribution >= 0).all()
        assert reading.distribution.sum() == pytest.approx(1, abs=1e-9)
