"""Answers that name one label: words and letters, and the traps in both."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.readouts.reading import Reading
from ambivox.readouts.text import label
from tests.readouts.made_up_records import plain_set, record
from tests.records import change


def one_hot(reading: Reading) -> int | None:
    if reading.distribution is None:
        return None
    assert sorted(reading.distribution) == [0] * (len(reading.distribution) - 1) + [1]
    return int(reading.distribution.argmax())


@pytest.mark.parametrize("name", emotion_sets())
@pytest.mark.parametrize("write", [str, str.upper, str.title, " {}. ".format, "**{}**".format, '"{}"'.format])
def test_every_form_of_every_label_is_read(name: str, write) -> None:  # type: ignore[no-untyped-def]
    emotions = load_emotions(name)
    for n, forms in enumerate(emotions.forms):
        for form in forms:
            assert one_hot(label(record(write(form), emotions=emotions))) == n


WORDS = {
    "The speaker sounds angry.": 2,
    "Emotion: sad": 3,
    '{"emotion": "angry"}': 2,
    "sad, sad, sadness": 3,
    "No, angry": 2,
    "Not happy, I hear anger.": 2,
    "sad, not happy": 3,
    "It doesn't sound angry, but sad": 3,
    "angry rather than sad": 2,
    "I'm sorry, but the speaker sounds sad.": 3,
    "I cannot be sure, but I think angry": 2,
    "ａｎｇｒｙ": 2,
}


@pytest.mark.parametrize(("text", "n"), WORDS.items())
def test_a_label_named_in_prose_is_read(text: str, n: int) -> None:
    assert one_hot(label(record(text))) == n


@pytest.mark.parametrize(
    "text",
    [
        "not angry",
        "not sad or angry",
        "neither happy nor sad",
        "The speaker doesn't sound angry",
        "The speaker isn’t angry",
        "no trace of anger",
        "without sadness",
        "neutral, happy, angry, sad",
        "happy/sad",
        "not only angry but sad",
        "The emotion is boredom",
        "",
        "?",
        "12",
    ],
)
def test_negated_several_or_no_labels_are_unparsed(text: str) -> None:
    reading = label(record(text))
    assert (one_hot(reading), reading.status) == (None, "unparsed")


@pytest.mark.parametrize("text", ["bored", "Boredom.", "unhappy", "**frustrated**"])
def test_a_single_word_that_is_no_option_is_foreign(text: str) -> None:
    assert label(record(text)).status == "foreign"


@pytest.mark.parametrize("asked", ["word", "letter"])
@pytest.mark.parametrize(
    "text",
    [
        "I cannot determine the emotion.",
        "I'm sorry, I cannot tell whether the person is angry.",
        "I cannot tell whether it is happy, sad",
        "I'm unable to identify emotions such as happy, sad, angry",
        "I'm afraid I can't hear anything.",
        "As an AI language model I do not hear fear or anger",
        "Please provide the audio clip.",
    ],
)
@pytest.mark.parametrize("name", emotion_sets())
def test_a_refusal_names_no_label(name: str, text: str, asked: str) -> None:
    reading = label(record(text, format=asked, emotions=load_emotions(name)))
    assert (one_hot(reading), reading.status) == (None, "refused")


def test_the_pronoun_is_not_the_ninth_option() -> None:
    assert label(record("I cannot answer that", format="letter", emotions=plain_set(12))).status == "refused"
    assert label(record("I am not certain", format="letter", emotions=plain_set(12))).distribution is None
    assert one_hot(label(record("I", format="letter", emotions=plain_set(12)))) == 8


def test_a_form_with_a_negation_in_it_is_a_form() -> None:
    emotions = EmotionSet("own", ("flat", "sad"), (("flat", "no emotion"), ("sad",)))
    assert one_hot(label(record("I hear no emotion here", emotions=emotions))) == 0


def test_the_longer_of_two_labels_is_found() -> None:
    emotions = EmotionSet("own", ("sad", "very sad"), (("sad",), ("very sad",)))
    assert one_hot(label(record("It is a very  sad voice", emotions=emotions))) == 1


LETTERS = {
    "B": 1,
    "b": 1,
    "(b)": 1,
    "[B]": 1,
    "**B**": 1,
    "B. happy": 1,
    "b) happy": 1,
    "B: happiness": 1,
    "B\nhappy": 1,
    "Answer: B": 1,
    "answer: b": 1,
    "The answer is B.": 1,
    "The answer is b.": 1,
    "Option b": 1,
    "I think A": 0,
    "A": 0,
    "A.": 0,
    "A neutral": 0,
    "A is correct": 0,
    "The answer is A because the voice is flat": 0,
    "A happy voice": 1,
    "A sad tone of voice": 3,
    "A VERY SAD VOICE": 3,
    "The answer is a happy voice": 1,
    "It's B, not A": 1,
    "happy": 1,
    "I AM B": 1,
}


@pytest.mark.parametrize(("text", "n"), LETTERS.items())
def test_letters_are_read(text: str, n: int) -> None:
    assert one_hot(label(record(text, format="letter"))) == n


@pytest.mark.parametrize(
    "text",
    [
        "B. sad",
        "b) sad",
        "A happy",
        "B or C",
        "B. happy; C. angry",
        "A. neutral B. happy C. angry D. sad",
        "A, B: happy",
        "Not B",
        "It is not A.",
        "",
    ],
)
def test_contradicting_several_or_negated_letters_are_unparsed(text: str) -> None:
    reading = label(record(text, format="letter"))
    assert (one_hot(reading), reading.status) == (None, "unparsed")


@pytest.mark.parametrize("text", ["Z", "e", "E.", "(F)", "I"])
def test_a_letter_beyond_the_options_is_foreign(text: str) -> None:
    assert label(record(text, format="letter")).status == "foreign"


def test_letters_follow_the_order_of_the_options() -> None:
    emotions = load_emotions("iemocap4")
    for order in permutations(range(4)):
        for place, letter in enumerate("ABCD"):
            word = emotions.labels[order[place]]
            for text in (letter, f"{letter}. {word}"):
                assert (
                    one_hot(label(change(record(text, format="letter"), {"asked.prompt.order": order})))
                    == order[place]
                )


def test_letters_count_only_where_they_were_offered() -> None:
    assert label(record("B", format="word")).distribution is None


PIECES = [
    "A",
    "b",
    "I",
    " ",
    ". ",
    "(",
    ")",
    "angry",
    "Sad",
    "not ",
    "no ",
    "but ",
    "isn't ",
    "sorry",
    "I'm ",
    ",",
    "answer",
    ":",
    "afraid",
    "\n",
    "-",
    "’",
    "cannot tell",
    "option ",
    "Ⓑ",
    "\u0130",
]


@given(
    text=st.text(max_size=100) | st.lists(st.sampled_from(PIECES), max_size=15).map("".join),
    asked=st.sampled_from(["word", "letter"]),
    name=st.sampled_from(emotion_sets()),
)
def test_any_text_gives_one_label_or_a_reason(text: str, asked: str, name: str) -> None:
    reading = label(record(text, format=asked, emotions=load_emotions(name)))
    if one_hot(reading) is None:
        assert reading.status in ("refused", "foreign", "unparsed")
        assert reading.note
    else:
        assert reading.status == "ok"
