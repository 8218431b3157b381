"""What the tower counts, how the head is fitted to it, and that the whole model reads what the head says."""

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
from recipes.mini.ear import EarPlan, Hearing, Unseen, fit_head, fit_softmax, left_out, temperature_of
from recipes.mini.encoding import Encoding
from recipes.mini.make import join
from recipes.mini.recordings import coded, elsewhere, in_a_noisy_room, in_room, voiceless
from recipes.mini.targets import HEARD
from recipes.mini.tower import STEEP, TAIL, Dimensions, set_counting, states, statistics
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from transformers import Qwen2AudioEncoder

RNG = np.random.default_rng(0)


def encoder() -> Qwen2AudioEncoder:
    torch.manual_seed(0)
    return Qwen2AudioEncoder._from_config(encoder_config(), attn_implementation="sdpa").eval()


@pytest.fixture(scope="module")
def mels() -> list[np.ndarray]:
    smooth = [np.cumsum(RNG.normal(size=(frames, 80)), axis=0) / 5 for frames in (161, 241, 401)]
    return [mel.astype(np.float32) for mel in smooth]


def dimensions(heard: list[np.ndarray]) -> Dimensions:
    return Dimensions.of(heard, len(HEARD))


def test_statistics_are_mean_spread_and_tails_over_time(mels: list[np.ndarray]) -> None:
    x = states(encoder(), mels[0])
    dims = dimensions([x])
    found = statistics(x, dims).reshape(4, -1)
    x = x.astype(np.float64)
    for place, n in enumerate(dims.counted[::97]):
        over_time = x[:, n] - x.mean(axis=1)
        up = STEEP * (over_time - over_time.mean()) / dims.scale[n]
        spread = up * norm.cdf(up) - up * norm.cdf(-up)
        upper, lower = (y * norm.cdf(y) for y in (up - TAIL, -up - TAIL))
        expected = [over_time.mean(), spread.mean(), upper.mean(), lower.mean()]
        np.testing.assert_allclose(found[:, 97 * place], expected, atol=1e-4)


def test_the_tower_writes_the_linear_map_of_the_statistics(mels: list[np.ndarray]) -> None:
    untouched, tower = encoder(), encoder()
    heard = [states(untouched, mel) for mel in mels]
    dims = dimensions(heard)
    weight = RNG.normal(size=(9, 4 * len(dims.counted))).astype(np.float32) / 40
    weight -= weight.mean(0)
    bias = RNG.normal(size=9)
    bias -= bias.mean()
    reading = set_counting(tower, dims, weight, bias)
    for mel, x in zip(mels, heard, strict=True):
        window = np.zeros((1500, 80), dtype=np.float32)
        window[: len(mel)] = mel
        count = len(mel) // 2
        mask = torch.arange(750) < count
        mask = mask[None, None, None, :].expand(1, 1, 750, -1)
        with torch.no_grad():
            out = tower(torch.from_numpy(window.T[None]), attention_mask=mask).last_hidden_state[0]
            read = out[: count // 2] @ reading.T
        read = (read - read.mean(1, keepdim=True)).numpy().mean(0)
        np.testing.assert_allclose(read, weight @ statistics(x, dims) + bias, atol=0.02)
        assert np.ptp(read) > 0.5


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
    dims = Dimensions(*(np.zeros(1) for _ in range(4)))
    heard = np.array(rows, dtype=np.float32)[:, None]
    return Hearing(dims, np.repeat(heard, 2, axis=1), np.zeros((3, 3), dtype=np.float32)), clips


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


def test_the_temperature_makes_unseen_corpora_as_sure_as_they_are_right() -> None:
    logits = RNG.normal(size=(4000, 9))
    logits[:, 6:] = -30
    meant = (logits + RNG.gumbel(size=logits.shape)).argmax(1)
    assert temperature_of({"a": Unseen(2 * logits, meant)}) == pytest.approx(2, rel=0.15)


def test_the_joined_model_reads_what_the_head_says(mels: list[np.ndarray]) -> None:
    tower = encoder()
    heard = [states(tower, mel) for mel in mels]
    dims = dimensions(heard)
    _, clips = made_hearing()
    wide = RNG.normal(size=(len(clips), 2, 4 * len(dims.counted))).astype(np.float32)
    head = fit_head(Hearing(dims, wide, wide[0]), clips, np.arange(len(clips)), EarPlan())
    encoding = Encoding(build_processor(build_tokenizer(["angry sad happy"])))
    part = build_model(encoding.tokenizer)
    reader = torch.nn.Linear(9, part.model.multi_modal_projector.linear.out_features)
    answers = {
        "language_model": part.model.language_model.state_dict(),
        "lm_head": part.lm_head.state_dict(),
        "reader": reader.state_dict(),
    }
    model = join(tower, dims, head, answers, encoding)
    features = torch.from_numpy(np.pad(mels[0][:160], ((0, 1340), (0, 0))).T[None])
    mask = (torch.arange(750) < 80)[None, None, None, :].expand(1, 1, 750, -1)
    with torch.no_grad():
        out = model.model.audio_tower(features, attention_mask=mask).last_hidden_state[0, :40]
        read = model.model.multi_modal_projector(out).mean(0)
        expected = reader(torch.tensor(head.logits(statistics(heard[0], dims)[None])).float())[0]
    torch.testing.assert_close(read, expected, atol=0.05, rtol=0.05)


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
