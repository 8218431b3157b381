"""Emotion sets by name and from files."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import EmotionSet, emotion_sets, fold, load_emotions
from ambivox.errors import UsageError

EVERY_NAME = [name + suffix for name in emotion_sets() for suffix in ("", "+other")]


def said_in_one_line(error: pytest.ExceptionInfo[UsageError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "n"),
    [("iemocap4", 4), ("cremad6", 6), ("msp8", 8), ("ekman6", 6), ("ravdess8", 8), ("iemocap4+other", 5)],
)
def test_a_set_has_as_many_labels_as_its_name_says(name: str, n: int) -> None:
    assert len(load_emotions(name)) == n


@pytest.mark.parametrize("name", EVERY_NAME)
def test_every_form_names_its_own_label(name: str) -> None:
    emotions = load_emotions(name)
    for n, forms in enumerate(emotions.forms):
        assert forms[0] == emotions.labels[n]
        assert {
            emotions.index(write(form)) for form in forms for write in (str, str.upper, "'{}'.".format)
        } == {n}


@pytest.mark.parametrize("name", emotion_sets())
def test_other_comes_last_and_changes_nothing_else(name: str) -> None:
    plain, pooled = load_emotions(name), load_emotions(f"{name}+other")
    assert pooled.labels == (*plain.labels, "other")
    assert pooled.forms[:-1] == plain.forms


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("iemocap", "'iemocap4'"),
        ("IEMOCAP4", "'iemocap4'"),
        ("cremad", "'cremad6'"),
        ("iemocap4+others", "'iemocap4+other'"),
        ("iemocap4+", "'iemocap4'"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UsageError, match="did you mean") as error:
        load_emotions(name)
    assert near in said_in_one_line(error).split("(known")[0]


@pytest.mark.parametrize(
    "text", ["angry ", "ANGRY", "«angry»", "“Angry.”", "ａｎｇｒｙ", "*angry*", "(angry)", "angry\n"]
)
def test_case_quotes_and_punctuation_around_a_word_do_not_count(text: str) -> None:
    assert fold(text) == "angry"


def test_accents_count_the_same_however_they_are_composed() -> None:
    composed = unicodedata.normalize("NFC", "fröhlich")
    emotions = EmotionSet("de", (composed, "traurig"), ((composed,), ("traurig",)))
    assert emotions.index(unicodedata.normalize("NFD", composed)) == 0


@given(st.text())
def test_folding_any_text_does_not_fail(text: str) -> None:
    assert fold(text).split(" ") == fold(text).split() or fold(text) == ""


def make(*forms: tuple[str, ...]) -> EmotionSet:
    return EmotionSet("own", tuple(own[0] for own in forms), forms)


@pytest.mark.parametrize(
    ("forms", "said"),
    [
        ([], "0 label(s), at least 2"),
        ([("sad",)], "1 label(s), at least 2"),
        ([("sad", "low"), ("calm", "Low")], "'low' belongs to both 'sad' and 'calm'"),
        ([("sad",), ("Sad",)], "'sad' belongs to both"),
        ([("sad", "calm"), ("calm",)], "'calm' belongs to both 'sad' and 'calm'"),
        ([("sad", ""), ("calm",)], "'sad' has an empty form"),
        ([("sad",), ("...",)], "'...' has an empty form"),
    ],
)
def test_a_set_that_cannot_tell_its_labels_apart_is_refused(forms: list[tuple[str, ...]], said: str) -> None:
    with pytest.raises(UsageError) as error:
        make(*forms)
    assert said in said_in_one_line(error)


def test_labels_without_forms_are_refused() -> None:
    with pytest.raises(UsageError, match="list of forms"):
        EmotionSet("own", ("sad", "calm"), (("sad",),))


def test_a_form_written_twice_for_its_own_label_is_fine() -> None:
    assert make(("sad", "Sad"), ("calm",)).index("SAD") == 0


def test_equal_sets_are_equal_and_hash_alike() -> None:
    one, other = load_emotions("msp8"), load_emotions("msp8")
    one.index("sad")
    assert one == other
    assert hash(one) == hash(other)


def from_yaml(tmp_path: Path, text: str) -> EmotionSet:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_emotions(path)


def test_a_file_gives_labels_and_forms_in_its_order(tmp_path: Path) -> None:
    emotions = from_yaml(tmp_path, "weary: [tired, 'worn out']\nkeen:\nsad: [sad, low]\n")
    assert emotions == EmotionSet(
        "mine", ("weary", "keen", "sad"), (("weary", "tired", "worn out"), ("keen",), ("sad", "low"))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected lines of 'key: value'"),
        ("[sad, calm]", "expected lines of 'key: value'"),
        ("sad", "expected lines of 'key: value'"),
        ("{}", "0 label(s)"),
        ("sad: [low]", "1 label(s)"),
        ("sad: low\ncalm:", "expected 'sad: [form, form, ...]', found 'low'"),
        ("sad: {low: 1}\ncalm:", "expected 'sad: [form, form, ...]'"),
        ("yes:\nno:", "True is not text to YAML: put it in quotes"),
        ("1:\n2:", "1 is not text"),
        ("sad: [no]\ncalm:", "False is not text"),
        ("sad: [1.5]\ncalm:", "1.5 is not text"),
        ("sad: [[low]]\ncalm:", "['low'] is not text"),
        ("~:\ncalm:", "None is not text"),
        ("2020-01-01:\ncalm:", "is not text"),
        ("sad: [low]\ncalm:\nsad: [blue]", "line 3: not YAML: the key 'sad' is given twice"),
        ("sad: [low\ncalm:", "line 2: not YAML"),
        ("\tsad: x", "not YAML"),
        ("sad: &a [*a]\ncalm:", "aliases (*name) are not read"),
        ("? [sad, calm]\n: x", "not YAML"),
        ("sad: !!python/object/apply:os.system ['true']\ncalm:", "could not determine a constructor"),
        ("2020-99-99:\ncalm:", "not YAML"),
        ("a: \x01", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("sad: [low]\ncalm: [LOW]", "belongs to both"),
    ],
)
def test_a_mistake_in_a_file_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        from_yaml(tmp_path, text)
    assert said in said_in_one_line(error)


def test_quoted_yes_and_no_are_labels(tmp_path: Path) -> None:
    assert from_yaml(tmp_path, "'yes': ['1']\n'no':\n").labels == ("yes", "no")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yml: no such file"):
        load_emotions(tmp_path / "none.yml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UsageError, match="is not a plain file"):
        load_emotions(str(tmp_path / "folder.yaml"))


def test_a_file_that_is_not_utf_8_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("fr\xf6hlich:\nsad:\n".encode("latin-1"))
    with pytest.raises(UsageError, match="not YAML"):
        load_emotions(path)
