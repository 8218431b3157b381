"""The bundled checkpoint: that it loads, answers in format, listens, and that its card tells its metrics."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from recipes.mini.asking import Asked, Bundled, Mini, Wave, in_format, named, sums_to_one
from recipes.mini.card import write_card
from recipes.mini.data import load_clips

from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.prompts import load_prompt

FOLDER = Path(str(resources.files("ambivox.models") / "mini"))


@pytest.fixture(scope="module")
def mini() -> Mini:
    return Bundled(FOLDER)


@pytest.fixture(scope="module")
def speech(data_dir: Path) -> list[Wave]:
    from ambivox.audio import load_audio

    clips = [clip for clip in load_clips(data_dir) if clip.split == "test"]
    return [load_audio(clip.path) for clip in clips[::45]][:8]


def asked(mini: Mini, prompt: str, waves: list[Wave], sets: list[str]) -> list[Asked]:
    rng = np.random.default_rng(0)
    emotions = [load_emotions(name) for name in sets]
    rendered = [load_prompt(prompt).render(e, order=rng.permutation(len(e)).tolist()) for e in emotions]
    return mini.ask(rendered, emotions, waves)


def test_the_checkpoint_fits_the_repository() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 16e6


def test_it_names_an_option_in_one_word_and_in_one_letter(mini: Mini, speech: list[Wave]) -> None:
    sets = [*emotion_sets(), *emotion_sets()][: len(speech)]
    for prompt in ("word", "letter"):
        answers = asked(mini, prompt, speech, sets)
        assert [named(answer) for answer in answers].count(None) == 0, [a.text for a in answers]
        for answer in answers:
            words = [words[0] for words in answer.prompt.answers]
            ids = mini.processor.tokenizer(words, add_special_tokens=False)["input_ids"]
            said = sum(np.exp(float(answer.first[word[0]])) for word in ids)
            assert mini.mass(answer) == pytest.approx(said)
            assert 0.9 < said <= 1 + 1e-5


def test_a_token_that_begins_two_options_counts_once_in_their_mass(mini: Mini, speech: list[Wave]) -> None:
    own = EmotionSet("own", ("zzab", "zzac", "sad"), (("zzab",), ("zzac",), ("sad",)))
    answer = mini.ask([load_prompt("word").render(own)], [own], speech[:1])[0]
    tokens = mini.processor.tokenizer(list(own.labels), add_special_tokens=False)["input_ids"]
    first = [ids[0] for ids in tokens]
    assert first[0] == first[1] != first[2]
    assert mini.mass(answer) == pytest.approx(float(np.exp(answer.first[[first[0], first[2]]]).sum()))


@pytest.mark.parametrize("prompt", ["dictionary", "free"])
def test_it_answers_in_the_format_of_the_prompt(mini: Mini, speech: list[Wave], prompt: str) -> None:
    answers = asked(mini, prompt, speech, ["cremad6"] * len(speech))
    assert sum(in_format(answer) for answer in answers) >= len(answers) - 1, [a.text for a in answers]


@pytest.mark.parametrize("prompt", ["dictionary", "percentages"])
def test_its_numbers_sum_to_one(mini: Mini, speech: list[Wave], prompt: str) -> None:
    sets = [name for name in emotion_sets() for _ in speech]
    answers = asked(mini, prompt, speech * len(emotion_sets()), sets)
    wrong = [answer.text for answer in answers if not sums_to_one(answer)]
    assert len(wrong) <= 0.05 * len(answers), wrong


@pytest.mark.parametrize("prompt", ["word", "letter", "dictionary", "percentages", "ranked", "free"])
def test_it_does_not_say_the_same_of_every_clip(mini: Mini, speech: list[Wave], prompt: str) -> None:
    emotions = load_emotions("cremad6")
    rendered = load_prompt(prompt).render(emotions)
    texts = [a.text for a in mini.ask([rendered] * len(speech), [emotions] * len(speech), speech)]
    most = max(texts.count(text) for text in texts)
    assert len(set(texts)) >= 3, texts
    assert most <= 0.75 * len(texts), texts


def test_a_letter_follows_its_option_when_the_options_are_permuted(mini: Mini, speech: list[Wave]) -> None:
    emotions, prompt = load_emotions("cremad6"), load_prompt("letter")
    orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]]
    shares = []
    for order in orders:
        rendered = [prompt.render(emotions, order=order)] * len(speech)
        asked = mini.ask(rendered, [emotions] * len(speech), speech)
        shares.append(np.array([mini.shares(a) for a in asked]))
    # in the order of the set both times: close to each other, far from each other's mirror image
    kept = np.abs(shares[0] - shares[1]).sum(axis=1).mean() / 2
    mirrored = np.abs(shares[0] - shares[1][:, ::-1]).sum(axis=1).mean() / 2
    assert kept < 0.25
    assert kept < 0.5 * mirrored


def test_silence_and_noise_are_answered_unlike_speech(mini: Mini, speech: list[Wave]) -> None:
    rng = np.random.default_rng(0)
    waves = [
        *speech,
        np.zeros(32_000, np.float32),
        (0.01 * rng.normal(size=32_000)).astype(np.float32),
    ]
    emotions, prompt = load_emotions("cremad6"), load_prompt("word").render(load_emotions("cremad6"))
    shares = [mini.shares(a) for a in mini.ask([prompt] * len(waves), [emotions] * len(waves), waves)]
    assert np.std(shares[:-2], axis=0).max() > 0.05, "all speech is answered alike"
    for stand_in in shares[-2:]:
        assert max(np.abs(stand_in - one).sum() / 2 for one in shares[:-2]) > 0.1


def test_a_batch_of_eight_answers_like_eight_single_clips(speech: list[Wave]) -> None:
    mini = Mini(FOLDER)
    sets = ["cremad6", "ravdess8"] * 4
    emotions = [load_emotions(name) for name in sets]
    prompts = [load_prompt("word").render(e) for e in emotions]
    together = mini.ask(prompts, emotions, speech)
    for k, answer in enumerate(together):
        alone = mini.ask([prompts[k]], [emotions[k]], [speech[k]])[0]
        np.testing.assert_allclose(np.exp(answer.first), np.exp(alone.first), atol=1e-4)


def test_the_card_is_the_one_rendered_from_the_metrics(tmp_path: Path) -> None:
    metrics = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))
    write_card(tmp_path, metrics)
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert card == (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-nc-sa-4.0" in card


def test_the_metrics_say_n_and_interval_for_every_share() -> None:
    metrics = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))
    for where in ("test/ravdess", "test/emo-db"):
        for entry in metrics["accuracy"][where].values():
            assert entry["n"] > 90
            assert entry["low"] <= entry["value"] <= entry["high"]
    assert set(metrics["crema-d"]["jsd_bits"]) >= {"uniform", "vote_prior", "token_word", "text_dictionary"}
    assert all(entry["n"] == 12 for entry in metrics["crema-d"]["jsd_bits"].values())
