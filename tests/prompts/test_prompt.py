"""Prompts as they are rendered, and what users get wrong in their own."""

import re
from itertools import permutations
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.errors import UsageError
from ambivox.prompts import PROMPTS, Prompt, load_prompt, option_order

SETS = [name + suffix for name in emotion_sets() for suffix in ("", "+other")]


def set_of(n_labels: int) -> EmotionSet:
    labels = tuple(f"e{n}" for n in range(n_labels))
    return EmotionSet("own", labels, tuple((label,) for label in labels))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("prompt", list(PROMPTS))
def test_every_built_in_offers_every_option_once_in_the_order_asked_for(prompt: str, name: str) -> None:
    emotions = load_emotions(name)
    for seed in (None, 1, 2):
        order = option_order(len(emotions), seed)
        text = PROMPTS[prompt].render(emotions, order=order).text
        assert "{" not in text
        if PROMPTS[prompt].format == "free":
            continue
        options = re.findall("|".join(emotions.labels), text)
        assert options == [emotions.labels[n] for n in order]


@pytest.mark.parametrize("prompt", list(PROMPTS))
def test_transcript_and_context_are_shown_only_when_given(prompt: str) -> None:
    emotions = load_emotions("iemocap4")
    bare = PROMPTS[prompt].render(emotions).text
    full = PROMPTS[prompt].render(emotions, transcript="{{ 1 + 1 }} dogs", context=["A: hello", "B: go"]).text
    before = 'Before this:\nA: hello\nB: go\nThe speaker says: "{{ 1 + 1 }} dogs"\n'
    assert full.replace(before, "") == bare
    assert full != bare


@pytest.mark.parametrize("n_labels", [2, 26])
def test_an_answer_has_room_for_every_option(n_labels: int) -> None:
    prompt = load_prompt("dictionary")
    expected = prompt.max_new_tokens + n_labels * prompt.max_new_tokens_per_option
    assert prompt.render(set_of(n_labels)).max_new_tokens == expected


def test_letters_answer_for_the_label_that_stands_beside_them() -> None:
    emotions = load_emotions("iemocap4")
    for order in permutations(range(4)):
        rendered = load_prompt("letter").render(emotions, order=order)
        shown = dict(re.findall(r"^([A-Z])\. (.+)$", rendered.text, re.MULTILINE))
        assert rendered.order == order
        assert [shown[answer] for (answer,) in rendered.answers] == list(emotions.labels)


@pytest.mark.parametrize(
    "prompt", [name for name in PROMPTS if PROMPTS[name].format not in ("letter", "sentence")]
)
def test_words_answer_for_their_labels_in_any_order(prompt: str) -> None:
    emotions = load_emotions("msp8")
    assert PROMPTS[prompt].render(emotions, order=option_order(8, 3)).answers == emotions.forms


def test_sentences_stand_in_the_order_of_the_options_and_answer_for_their_labels() -> None:
    emotions = load_emotions("iemocap4")
    rendered = load_prompt("sentence").render(
        emotions, order=(3, 2, 1, 0), wording=("neutral", "joyful", "angry", "sad")
    )
    written = [f"The speaker is feeling {word}." for word in ("sad", "angry", "joyful", "neutral")]
    assert re.findall(r"^The speaker.*$", rendered.text, re.MULTILINE) == written
    assert [forms[0] for forms in rendered.answers] == written[::-1]
    assert set(rendered.answers[1]) == {f"The speaker is feeling {form}." for form in emotions.forms[1]}


def test_the_word_that_is_offered_comes_first_among_the_forms_that_name_its_label() -> None:
    emotions = load_emotions("iemocap4")
    answers = load_prompt("word").render(emotions, wording=("neutral", "joy", "anger", "sad")).answers
    assert answers[1] == ("joy", "happy", "happiness", "joyful")
    assert [set(own) for own in answers] == [set(own) for own in emotions.forms]


def test_26_letters_are_offered_and_27_refused() -> None:
    assert "Z. e25\n" in load_prompt("letter").render(set_of(26)).text
    with pytest.raises(UsageError, match="27 options, letters go up to 26"):
        load_prompt("letter").render(set_of(27))


def test_a_word_prompt_with_letters_does_not_drop_the_27th_option() -> None:
    prompt = Prompt(name="x", version=1, format="word", text="{{ lettered }}")
    with pytest.raises(UsageError, match="27 options"):
        prompt.render(set_of(27))


def test_a_word_prompt_takes_more_than_26_options() -> None:
    assert load_prompt("word").render(set_of(40)).text.count("e") > 40


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4], [], [0, 1, 2, 3, 0]])
def test_an_order_that_is_not_a_permutation_is_refused(order: list[int]) -> None:
    with pytest.raises(UsageError, match="is not a permutation"):
        load_prompt("word").render(load_emotions("iemocap4"), order=order)


@given(
    label=st.text(st.characters(categories=["L", "P", "S"]), min_size=1).filter(
        lambda s: any(map(str.isalpha, s))
    )
)
def test_any_label_is_written_as_it_is(label: str) -> None:
    emotions = EmotionSet("own", (label, "zzzz"), ((label,), ("zzzz",)))
    for name in PROMPTS:
        rendered = PROMPTS[name].render(emotions)
        assert rendered.format == "free" or label in rendered.text


def test_labels_with_braces_are_not_run() -> None:
    emotions = EmotionSet("own", ("{{ 7*7 }}", '"x"'), (("{{ 7*7 }}",), ('"x"',)))
    text = load_prompt("word").render(emotions).text
    assert '{{ 7*7 }}, "x"' in text


@given(st.integers(1, 30), st.none() | st.integers(0, 2**63))
def test_an_order_is_a_permutation_and_repeats_for_its_seed(n: int, seed: int | None) -> None:
    assert sorted(option_order(n, seed)) == list(range(n))
    assert option_order(n, seed) == option_order(n, seed)


def test_orders_differ_between_seeds() -> None:
    assert len({option_order(8, seed) for seed in range(20)}) > 15


GOOD = "version: 1\nformat: word\ntext: 'Say {{ options | join(\" or \") }}.'\n"


SENTENCE = "version: 1\nformat: sentence\nanswer: 'I am {{ label }}.'\ntext: '{{ sentences }}'\n"


def write(tmp_path: Path, text: str, name: str = "mine.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_prompt_of_ones_own_is_named_by_its_file(tmp_path: Path) -> None:
    prompt = load_prompt(write(tmp_path, GOOD))
    assert prompt.name == "mine"
    assert prompt.render(load_emotions("iemocap4")).text == "Say neutral or happy or angry or sad."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected lines of 'key: value' that describe a prompt"),
        ("- 1", "expected lines of 'key: value'"),
        (GOOD.replace("version: 1", "version: 0"), "version: Input should be greater than or equal to 1"),
        (GOOD.replace("version: 1", "version: new"), "version: "),
        (GOOD.replace("version: 1\n", ""), "version: Field required"),
        (GOOD.replace("word", "wrod"), "format: Input should be 'word', 'letter'"),
        (GOOD + "temperature: 1\n", "temperature: Extra inputs are not permitted"),
        (GOOD + "1: 2\n", "1: Keys should be strings"),
        (GOOD + "version: 2\n", "line 4: not YAML: the key 'version' is given twice"),
        (GOOD + "max_new_tokens: 0\n", "max_new_tokens: "),
        (GOOD + "name: 'two words'\n", "name: String should match"),
        (GOOD + "text: [", "not YAML"),
        ("version: 1\nformat: word\ntext: ''", "text: "),
        ("version: 1\nformat: word\ntext: 5", "text: "),
        (
            "version: 1\nformat: word\ntext: '{{ optoins }}'",
            "uses optoins, known are context, lettered, options",
        ),
        (SENTENCE.replace("{{ sentences }}", "Which?"), "must write 'sentences', the sentences to choose"),
        (SENTENCE.replace("answer:", "description:"), "needs an answer that writes 'label'"),
        (SENTENCE.replace("{{ label }}", "me"), "needs an answer that writes 'label'"),
        (
            SENTENCE.replace("{{ label }}", "{{ options }}"),
            "the template of the answer uses options, known are",
        ),
        (SENTENCE.replace("{{ label }}", "{{ label * 9 }}"), "the template of the answer uses Mul"),
        (SENTENCE.replace("format: sentence", "format: word"), "belong to prompts of the format 'sentence'"),
        (GOOD + "answer: I am {{ label }}.\n", "belong to prompts of the format 'sentence'"),
        ("version: 1\nformat: word\ntext: '{{ options '", "the template fails: unexpected end of template"),
        ("version: 1\nformat: word\ntext: '{% for x in options %}'", "the template fails"),
        (
            "version: 1\nformat: word\ntext: '{{ options | jion }}'",
            "the template uses the filter 'jion', known here are join",
        ),
        ("version: 1\nformat: letter\ntext: '{{ options }}'", "must write 'lettered'"),
        (
            "version: 1\nformat: word\ntext: !!python/name:os.system x",
            "not YAML: could not determine a constructor",
        ),
    ],
)
def test_a_mistake_in_a_prompt_is_said_in_one_line_when_it_is_loaded(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(UsageError) as error:
        load_prompt(write(tmp_path, text))
    assert said in str(error.value)
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ options.__class__ }}",
        "{{ options.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ options | attr('__class__') }}",
        "{{ ''.format.__globals__ }}",
        "{{ '{0.__class__}'.format(options) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ options.append('x') }}",
        "{{ options[9] }}",
        "{{ options.labels }}",
        "{{ 1 / 0 }}",
        "{{ options + 1 }}",
        "{{ range(10 ** 9) }}",
        "{% include 'word.yaml' %}",
        "{{ transcript(1) }}",
    ],
)
def test_a_template_that_reaches_out_or_fails_is_said_in_one_line(tmp_path: Path, template: str) -> None:
    text = yaml.safe_dump({"version": 1, "format": "word", "text": template})
    with pytest.raises(UsageError, match=r"the template (fails: |uses )") as error:
        load_prompt(write(tmp_path, text)).render(load_emotions("iemocap4"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for a in options %}" * 3 + "x" + "{% endfor %}" * 3, "loops inside of loops inside of loops"),
        ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "uses Call"),
        ("{{ 'x' * 1000000000 }}", "uses Mul"),
        ("{{ '%1000000000d' % 1 }}", "uses Mod"),
        ("{{ 'x' | center(1000000000) }}", "the filter 'center'"),
        ("{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}", "uses Assign"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "uses Macro"),
        ("x" * 20_001, "at most 20000 characters"),
    ],
)
def test_a_template_that_could_run_on_or_fill_the_memory_is_refused_when_it_is_loaded(
    tmp_path: Path, template: str, said: str
) -> None:
    text = yaml.safe_dump({"version": 1, "format": "word", "text": template})
    with pytest.raises(UsageError, match=said):
        load_prompt(write(tmp_path, text))


def test_an_unknown_prompt_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'dictionary'"):
        load_prompt("dictionnary")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file; give a prompt by name"):
        load_prompt(tmp_path / "none.yaml")
