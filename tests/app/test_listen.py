"""Questions about a clip: what is shown is what `ambivox.read` gives, and what goes wrong is one line."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import ambivox
from ambivox.app.limits import Limits
from ambivox.app.listen import Answered, Asked, Question, listen
from ambivox.errors import AudioError, UsageError
from ambivox.models import SpeechModel
from ambivox.present.html.tokens import said_tokens
from ambivox.prompts import option_order
from tests.app.conftest import CLIP, CLIPS, OTHER, Behind, Dying, WithoutLayers


def answers(asked: Asked) -> tuple[Answered, ...]:
    return listen(asked).answers


def test_shares_and_statuses_are_those_of_read(mini: SpeechModel) -> None:
    [answer] = answers(Asked(CLIP, (Question(mini),)))
    read = ambivox.read(CLIP, mini).readings
    assert {one.level for one in answer.shown} == {"text", "token"}
    for one in answer.shown:
        reading = read[f"{one.prompt}/{one.readout}"]
        assert reading.distribution is not None
        assert one.shares == tuple(reading.distribution.tolist())
        assert (one.status, one.note, one.mass) == (reading.status, reading.note, reading.mass)


def test_one_prompt_is_read_at_both_levels(mini: SpeechModel) -> None:
    [answer] = answers(Asked(CLIP, (Question(mini, "letter"),)))
    assert [(one.prompt, one.level) for one in answer.shown] == [("letter", "text"), ("letter", "token")]
    assert [one.prompt for one in answer.said] == ["letter"]


def test_two_questions_are_each_answered_as_alone(mini: SpeechModel) -> None:
    first, second = Question(mini, "word"), Question(mini, "percentages")
    both = answers(Asked(CLIP, (first, second)))
    assert both == (*answers(Asked(CLIP, (first,))), *answers(Asked(CLIP, (second,))))
    assert both[0] != both[1]


def test_the_options_are_offered_in_the_order_of_the_seed(mini: SpeechModel) -> None:
    asked = Asked(CLIP, (Question(mini, "letter"),), "iemocap4", order_seed=2)
    [said] = answers(asked)[0].said
    labels = ambivox.load_emotions("iemocap4").labels
    offered = [line[3:] for line in said.asked.splitlines() if line[1:3] == ". "]
    assert offered == [labels[n] for n in option_order(4, 2)] != list(labels)


def test_the_pieces_of_an_answer_make_it_whole_and_hold_what_was_nearly_said(mini: SpeechModel) -> None:
    [said] = answers(Asked(CLIP, (Question(mini, "word"),)))[0].said
    record = ambivox.read(CLIP, mini, prompt="word").answers["word"].record
    tokens = said_tokens(record)
    assert tokens is not None
    labels = record.asked.emotions.labels
    assert said.text
    assert "".join(piece.text for piece in said.pieces) == said.text
    steps = [step for piece in said.pieces for step in piece.steps]
    assert [step.number for step in steps] == list(range(1, len(tokens["p"]) // len(labels) + 1))
    for step in steps:
        row = tokens["p"][(step.number - 1) * len(labels) :][: len(labels)]
        assert dict(step.labels) == {
            label: share / 1000 for label, share in zip(labels, row, strict=True) if share
        }
        assert list(step.labels) == sorted(step.labels, key=lambda pair: -pair[1])
    assert max(step.mass for step in steps) > 0.5


def test_the_last_layer_is_the_token_level(mini: SpeechModel) -> None:
    [answer] = answers(Asked(CLIP, (Question(mini, "word"),), layers=True))
    [token] = [one for one in answer.shown if one.level == "token" and one.readout == "first"]
    assert len(answer.layers) > 1
    assert answer.layers[-1].shares == pytest.approx(token.shares)
    assert answer.layers[0].shares != pytest.approx(token.shares)


def test_layers_tell_labels_apart_that_begin_with_the_same_token(mini: SpeechModel, tmp_path: Path) -> None:
    emotions = tmp_path / "own.yaml"
    emotions.write_text("angry at you: []\nangry at me: []\nsad: []\n", encoding="utf-8")
    [answer] = answers(Asked(CLIP, (Question(mini, "word"),), emotions=str(emotions), layers=True))
    [token] = [one for one in answer.shown if one.level == "token"]
    assert token.shares is not None
    assert min(token.shares) > 0.001
    assert answer.layers[-1].shares == pytest.approx(token.shares)


def test_layers_are_not_asked_for_unless_wanted(mini: SpeechModel) -> None:
    [answer] = answers(Asked(CLIP, (Question(mini, "word"),)))
    assert (answer.layers, answer.no_layers) == ((), "")


def test_numbers_for_all_labels_are_read_from_the_numbers_and_not_from_the_label_listed_first(
    mini: SpeechModel,
) -> None:
    [answer] = answers(Asked(CLIP, (Question(mini, "percentages"),), layers=True))
    assert [(one.level, one.readout) for one in answer.shown] == [
        ("text", "dictionary"),
        ("token", "expected"),
    ]
    assert answer.no_layers == "no answer begins with a label: choose the prompt 'word'"


def test_a_model_that_shows_no_layers_answers_all_the_same(mini: SpeechModel) -> None:
    asked = Asked(CLIP, (Question(WithoutLayers(mini, "closed"), "word"),), layers=True)
    [answer] = answers(asked)
    assert answer.no_layers == "its layers cannot be read"
    assert answer.shown == answers(replace(asked, layers=False))[0].shown != ()


def test_a_model_that_dies_is_one_line_and_the_other_answers(mini: SpeechModel) -> None:
    dead, alive = answers(Asked(CLIP, (Question(Dying(mini, "dying")), Question(mini))))
    assert dead == Answered("dying", error="dying failed: TypeError: 'NoneType' object is not")
    assert (alive,) == answers(Asked(CLIP, (Question(mini),)))


def test_a_prompt_that_a_model_does_not_take_is_said(mini: SpeechModel) -> None:
    picky = Behind(mini, "picky")
    picky.formats = ("sentence",)
    [answer] = answers(Asked(CLIP, (Question(picky, "word"),)))
    assert "picky does not take answers in the format 'word'" in answer.error


def test_two_threads_are_answered_as_one_after_the_other(mini: SpeechModel) -> None:
    wanted = [Asked(clip, (Question(mini, "word"),)) for clip in (CLIP, OTHER) * 2]
    alone = [answers(asked) for asked in wanted]
    assert alone[0] != alone[1]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(answers, wanted)) == alone


def test_a_text_file_named_wav_is_refused_by_its_name_alone(mini: SpeechModel, tmp_path: Path) -> None:
    fake = tmp_path / "notes.wav"
    fake.write_text("dear diary, today I was very happy")
    with pytest.raises(AudioError) as error:
        listen(Asked(fake, (Question(mini),)))
    assert str(error.value).startswith("notes.wav: ")
    assert str(tmp_path) not in str(error.value)


def test_half_a_file_is_refused(mini: SpeechModel, tmp_path: Path) -> None:
    half = tmp_path / "half.wav"
    half.write_bytes(CLIP.read_bytes()[: CLIP.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"^half\.wav: truncated"):
        listen(Asked(half, (Question(mini),)))


def test_a_file_that_is_gone_is_said(mini: SpeechModel, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"^gone\.wav: is no longer here: upload or record it again$"):
        listen(Asked(tmp_path / "gone.wav", (Question(mini),)))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(max_bytes=10_000), r"bytes, at most 10,000 are taken"),
        (Limits(max_clip_s=1.0), r"2\.\d s, at most 1 s are taken here"),
    ],
)
def test_what_is_too_large_or_too_long_is_refused(mini: SpeechModel, limits: Limits, said: str) -> None:
    with pytest.raises(AudioError, match=said):
        listen(Asked(CLIP, (Question(mini),)), limits)


def test_an_unknown_emotion_set_is_refused(mini: SpeechModel) -> None:
    with pytest.raises(UsageError, match="unknown emotion set"):
        listen(Asked(CLIP, (Question(mini),), "all of them"))


def test_silence_has_a_status_and_no_shares(mini: SpeechModel, tmp_path: Path) -> None:
    import numpy as np
    import soundfile as sf

    sf.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    [answer] = answers(Asked(tmp_path / "silence.wav", (Question(mini),)))
    assert {(one.status, one.shares) for one in answer.shown} == {("silent", None)}
    assert [said.text for said in answer.said] == [None] * len(answer.said)


def test_the_same_clip_under_another_name_is_answered_alike(mini: SpeechModel, tmp_path: Path) -> None:
    copy = Path(shutil.copy(CLIPS / "1001_DFA_SAD_XX.wav", tmp_path / "voice message.wav"))
    listened = listen(Asked(copy, (Question(mini),)))
    assert listened.clip == "voice message.wav"
    assert listened.answers == answers(Asked(CLIPS / "1001_DFA_SAD_XX.wav", (Question(mini),)))
