"""What the tower hears and writes, how the head is fitted, and that the model reads what the head says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from recipes.mini.checkpoint import build_model, build_processor, build_tokenizer, encoder_config
from recipes.mini.data import Clip
from recipes.mini.ear import (
    EarPlan,
    Hearing,
    Unseen,
    fit_head,
    fit_softmax,
    left_out,
    shares_of,
    temperature_of,
)
from recipes.mini.encoding import Encoding
from recipes.mini.make import join
from recipes.mini.recordings import coded, elsewhere, in_a_noisy_room, in_room, voiceless
from recipes.mini.targets import HEARD
from recipes.mini.tower import Room, listen, make_room, statistics, write
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from transformers import Qwen2AudioEncoder

RNG = np.random.default_rng(0)


def encoder() -> Qwen2AudioEncoder:
    """Random weights, of which every layer says something."""
    torch.manual_seed(0)
    made = Qwen2AudioEncoder._from_config(encoder_config(), attn_implementation="sdpa").eval()
    for part in made.layers.parameters():
        torch.nn.init.normal_(part, std=0.05)
    return made


@pytest.fixture(scope="module")
def mels() -> list[np.ndarray]:
    smooth = [np.cumsum(RNG.normal(size=(frames, 80)), axis=0) / 5 for frames in (161, 241, 401)]
    return [mel.astype(np.float32) for mel in smooth]


def with_room(mels: list[np.ndarray]) -> tuple[Qwen2AudioEncoder, Room]:
    tower = encoder()
    room = Room.of(torch.cat([listen(tower, mel).state for mel in mels]), len(HEARD))
    make_room(tower, room)
    return tower, room


def in_a_window(tower: Qwen2AudioEncoder, mel: np.ndarray) -> torch.Tensor:
    """The tower's answer to a clip with silence behind it, as the model is asked: ``(tokens, d)``."""
    count = len(mel) // 2
    window = np.zeros((1500, 80), dtype=np.float32)
    window[: len(mel)] = mel
    mask = (torch.arange(750) < count)[None, None, None, :].expand(1, 1, 750, -1)
    with torch.no_grad():
        out: torch.Tensor = tower(torch.from_numpy(window.T[None]), attention_mask=mask).last_hidden_state
    return out[0, : count // 2]


def test_listening_is_what_the_layers_say(mels: list[np.ndarray]) -> None:
    tower, said = encoder(), dict[str, torch.Tensor]()
    first, last = tower.layers
    first.register_forward_hook(lambda _, __, out: said.update(state=out))
    last.self_attn.register_forward_hook(lambda _, __, out: said.update(added=out[0]))
    last.fc2.register_forward_pre_hook(lambda _, given: said.update(neurons=given[0]))
    in_a_window(tower, mels[0])
    heard = listen(tower, mels[0])
    for name, whole in said.items():
        torch.testing.assert_close(getattr(heard, name), whole[0, : len(mels[0]) // 2], atol=1e-4, rtol=1e-4)


def test_room_is_where_states_are_nearest_to_zero() -> None:
    turn = np.linalg.qr(RNG.normal(size=(17, 17)))[0]
    x = RNG.normal(size=(500, 17)) * np.r_[np.full(3, 0.01), np.full(14, 2.0)] @ turn.T
    quiet = np.linalg.qr(np.c_[turn[:, :3], np.ones(17)])  # three directions, apart from what all share
    states = np.insert(x, [4, 11], x.mean(1, keepdims=True), axis=1) + 5
    room = Room.of(torch.from_numpy(states.astype(np.float32)), 2)
    assert room.heavy.sort().values.tolist() == [4, 12]
    assert room.kept.tolist() == [n for n in range(19) if n not in (4, 12)]
    assert not room.written[room.heavy].any()
    torch.testing.assert_close(room.written.T @ room.written, torch.eye(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(room.written.sum(0), torch.zeros(2), atol=1e-4, rtol=0)
    at = room.written[room.kept].double().numpy()
    assert np.linalg.norm(quiet.Q[:, :3].T @ at, axis=0).min() > 0.99


def test_attention_leaves_room_and_neurons_do_not_look(mels: list[np.ndarray]) -> None:
    tower, room = with_room(mels)
    heard = listen(tower, mels[0])
    torch.testing.assert_close(heard.added @ room.written, torch.zeros(80, 9), atol=1e-5, rtol=0)
    assert heard.added.abs().mean() > 0.01
    with torch.no_grad():
        tower.layers[1].self_attn.out_proj.bias += room.written @ torch.full((9,), 0.01)
    torch.testing.assert_close(listen(tower, mels[0]).neurons, heard.neurons, atol=1e-3, rtol=1e-3)


def test_the_tower_writes_the_linear_map_of_the_statistics(mels: list[np.ndarray]) -> None:
    tower, room = with_room(mels)
    heard = [statistics(listen(tower, mel), room) for mel in mels]
    k = len(room.kept)
    assert heard[0].shape == (2 * k + 1536,)
    weight = RNG.normal(size=(9, len(heard[0]))) / 4
    weight -= weight.mean(0)
    bias = RNG.normal(size=9)
    bias -= bias.mean()
    reading = write(tower, room, weight, bias)
    for mel, known in zip(mels, heard, strict=True):
        read = (in_a_window(tower, mel) @ reading.T).numpy()
        read = (read - read.mean(1, keepdims=True)).mean(0)
        np.testing.assert_allclose(read, weight @ known + bias, atol=0.02)
        for part in np.split(weight * known, [k, 2 * k], axis=1):
            assert np.ptp(part.sum(1)) > 0.3


def test_the_head_is_the_logistic_regression_of_scikit_learn() -> None:
    x, labels = RNG.normal(size=(300, 5)), RNG.integers(3, size=300)
    x[labels == 1] += 1
    weight, bias = fit_softmax(x, np.eye(3)[labels], np.full(300, 1 / 300), ridge=0.1)
    theirs = LogisticRegression(C=1 / (0.1 * 300), tol=1e-8, max_iter=1000).fit(x, labels)
    ours = log_softmax(x @ weight.T + bias, axis=1)
    np.testing.assert_allclose(ours, theirs.predict_log_proba(x), atol=2e-3)


def made_hearing() -> tuple[Hearing, list[Clip]]:
    """Two corpora in which two of three dimensions tell sad from angry."""
    clips, rows = [], []
    for corpus in ("ravdess", "emo-db"):
        for n in range(40):
            emotion = ("sad", "angry")[n % 2]
            clips.append(Clip(f"{corpus}/{n}", Path("x"), corpus, "1", True, emotion, "XX", None, "train"))
            signs = np.array([1.0, -1.0]) * (1 if emotion == "sad" else -1) + RNG.normal(size=2)
            rows.append(np.append(2 * signs, RNG.normal()))
    room = Room(*(torch.zeros(1) for _ in range(3)))
    heard = np.array(rows, dtype=np.float32)[:, None]
    return Hearing(room, np.repeat(heard, 2, axis=1), np.zeros((3, 3), dtype=np.float32)), clips


def test_a_corpus_is_left_out_of_what_it_is_heard_by() -> None:
    hearing, clips = made_hearing()
    spoilt = replace(hearing, clips=hearing.clips.copy())
    plan = EarPlan()
    before = left_out(hearing, clips, plan)
    spoilt.clips[:40] *= -1  # all of ravdess turned round
    after = left_out(spoilt, clips, plan)
    for found, right in ((before, 1.0), (after, 0.0)):
        p, meant = found["ravdess"].over_six()
        assert np.mean((p.argmax(1) == meant) == right) > 0.75
    head = fit_head(hearing, clips, np.arange(len(clips)), plan)
    np.testing.assert_allclose(head.weight.sum(0), 0, atol=1e-9)


def test_of_two_statistics_that_say_the_same_a_neuron_is_believed_less() -> None:
    hearing, clips = made_hearing()
    hearing.clips[..., 2] = hearing.clips[..., 0]  # the third is a neuron's
    head = fit_head(hearing, clips, np.arange(len(clips)), EarPlan(neurons=0.5))
    assert np.abs(head.weight[:, 0]).max() > 0.1
    np.testing.assert_allclose(head.weight[:, 2], 0.25 * head.weight[:, 0], atol=2e-3)


def test_the_temperature_makes_unseen_corpora_as_sure_as_they_are_right() -> None:
    logits = RNG.normal(size=(4000, 9))
    logits[:, 6:] = -30
    meant = (logits + RNG.gumbel(size=logits.shape)).argmax(1)
    assert temperature_of({"a": Unseen(2 * logits, meant)}) == pytest.approx(2, rel=0.15)


def test_the_joined_model_reads_what_the_head_says(mels: list[np.ndarray]) -> None:
    tower, room = with_room(mels)
    heard = statistics(listen(tower, mels[0]), room)
    _, clips = made_hearing()
    wide = heard + RNG.normal(size=(len(clips), 2, len(heard))).astype(np.float32)
    head = fit_head(Hearing(room, wide, wide[0]), clips, np.arange(len(clips)), EarPlan())
    encoding = Encoding(build_processor(build_tokenizer(["angry sad happy"])))
    part = build_model(encoding.tokenizer)
    reader = torch.nn.Linear(9, part.model.multi_modal_projector.linear.out_features)
    answers = {
        "language_model": part.model.language_model.state_dict(),
        "lm_head": part.lm_head.state_dict(),
        "reader": reader.state_dict(),
    }
    model = join(tower, room, head, answers, encoding)
    out = in_a_window(model.model.audio_tower, mels[0])
    with torch.no_grad():
        read = model.model.multi_modal_projector(out).mean(0)
        expected = reader(torch.tensor(head.logits(heard[None])).float())[0]
    torch.testing.assert_close(read, expected, atol=0.02, rtol=0.02)


def test_every_corpus_counts_the_same_and_every_emotion_in_it() -> None:
    kinds = [("ravdess", "sad")] * 6 + [("ravdess", "angry")] * 2 + [("mesd", "sad")] * 3
    clips = [
        Clip("x", Path("x"), corpus, "1", True, emotion, "XX", None, "train") for corpus, emotion in kinds
    ]
    np.testing.assert_allclose(shares_of(clips), [1 / 24] * 6 + [1 / 8] * 2 + [1 / 6] * 3)


def test_a_copy_from_elsewhere_is_another_recording_of_the_same_voice() -> None:
    voice = np.sin(np.arange(32_000) / 20).astype(np.float32) * np.hanning(32_000).astype(np.float32)
    for n in range(12):
        copy = elsewhere(voice, np.random.default_rng(n))
        assert copy.dtype == np.float32
        assert 4_000 < len(copy) < 64_000
        assert np.isfinite(copy).all()
        assert 0.05 < np.abs(copy).max() <= 1.01


def test_a_codec_keeps_the_voice() -> None:
    voice = np.sin(np.arange(16_000) / 20).astype(np.float32)
    for n in range(6):
        heard = coded(voice, np.random.default_rng(n))
        length = min(len(heard), len(voice))
        lags = [np.corrcoef(heard[k : length - 1200 + k], voice[: length - 1200])[0, 1] for k in range(1200)]
        assert max(lags) > 0.9


def test_a_room_lies_as_far_below_the_voice_as_it_was_asked_to() -> None:
    click = np.zeros(16_000, dtype=np.float32)
    click[100] = 1.0
    heard = in_room(click, tail_s=0.5, below_db=6.0, rng=np.random.default_rng(0))
    assert heard[100] == pytest.approx(1.0)
    assert 10 * np.log10(np.sum(heard[101:] ** 2)) == pytest.approx(-6, abs=0.5)


def test_a_noisy_room_adds_a_tail_of_half_the_energy_and_noise_at_15_db() -> None:
    rng = np.random.default_rng(0)
    voice = np.concatenate([rng.standard_normal(32_000), np.zeros(32_000)]).astype(np.float32)
    heard = in_a_noisy_room(voice, rng)
    assert heard.shape == voice.shape
    noise_rms = np.sqrt(np.mean(heard[-16_000:] ** 2))
    assert 20 * np.log10(noise_rms / np.sqrt(1.5 / 2)) == pytest.approx(-15, abs=1)


def test_recordings_without_a_voice_are_silence_noise_and_music() -> None:
    sounds = [voiceless(np.random.default_rng(n)) for n in range(30)]
    assert all(8_000 <= len(sound) <= 96_000 and np.isfinite(sound).all() for sound in sounds)
    assert 1 <= sum(not sound.any() for sound in sounds) <= 12
    loud = [np.sqrt(np.mean(sound**2)) for sound in sounds if sound.any()]
    assert 9e-4 < min(loud) < max(loud) < 0.4
