"""Following a teacher: its states, their components, what lies beside what, and an encoder that learns it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from recipes.mini import teacher as teacher_module
from recipes.mini.data import load_clips
from recipes.mini.encoder import (
    HeadPlan,
    HeardHead,
    fit_softmax,
    hear,
    heard_logits,
    new_encoder,
    pooled,
)
from recipes.mini.features import empty_wave
from recipes.mini.follow import FollowPlan, part_of, principal, reduced, train_follower
from recipes.mini.material import Material
from recipes.mini.teacher import PER_TOKEN, Teacher
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from ambivox.audio import load_audio
from ambivox.errors import UsageError

needs_weights = pytest.mark.skipif(
    find_spec("resemblyzer") is None, reason="the teacher's weights: pip install --no-deps resemblyzer"
)


def test_a_missing_teacher_is_one_line_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install --no-deps resemblyzer"):
        Teacher()


@needs_weights
def test_the_teachers_layers_one_by_one_are_its_lstm() -> None:
    teacher = Teacher()
    mels = torch.rand(1, 50, teacher_module.BANDS)
    with torch.no_grad():
        whole, _ = teacher.lstm(mels)
        hidden = mels
        for layer in teacher.layers:
            hidden, _ = layer(hidden)
    torch.testing.assert_close(hidden, whole)


@needs_weights
def test_the_teacher_hears_one_state_per_audio_token() -> None:
    wave = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    assert Teacher()(wave).shape == ((16_000 // teacher_module.HOP + 1) // PER_TOKEN, 512)


@needs_weights
def test_the_teacher_tells_voices_apart(data_dir: Path) -> None:
    """What it was trained for: wrong features would lose it."""
    clips = [
        c for c in load_clips(data_dir) if c.corpus == "ravdess" and c.speaker in ("01", "02", "03", "04")
    ]
    teacher = Teacher()
    kept = clips[::6]
    voices = np.array([teacher(load_audio(c.path))[:, 256:].mean(0) for c in kept])
    voices = (voices - voices.mean(0)) / np.linalg.norm(voices - voices.mean(0), axis=1, keepdims=True)
    likeness = voices @ voices.T
    same = np.array([[a.speaker == b.speaker for b in kept] for a in kept])
    nearest = (likeness - 2 * np.eye(len(kept))).argmax(1)
    assert np.mean([kept[k].speaker == kept[n].speaker for k, n in enumerate(nearest)]) > 0.9
    assert likeness[same & ~np.eye(len(kept), dtype=bool)].mean() > likeness[~same].mean() + 0.3


def test_components_are_those_of_scikit_learn_with_their_scale_evened_half_way() -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=(400, 120)) @ rng.normal(size=(120, 120))
    mean, basis = principal(states)
    ours = (states - mean) @ basis
    theirs = PCA(n_components=ours.shape[1]).fit_transform(states)
    variance = theirs.var(axis=0)
    expected = np.abs(theirs) * variance**-0.25 / np.sqrt((variance**0.5).mean())
    np.testing.assert_allclose(np.abs(ours), expected, rtol=1e-6, atol=1e-8)


def test_each_layer_is_reduced_on_its_own_and_fitted_on_the_training_clips() -> None:
    rng = np.random.default_rng(0)
    told = [[rng.normal(size=(40, 512)).astype(np.float16) for _ in range(8)] for _ in range(5)]
    before = reduced(told, np.array([0, 1, 2, 3]))
    assert before[0][0].shape == (40, 192)
    upper = np.concatenate([told[k][s][:, 256:] for k in range(4) for s in (0, 2, 7)]).astype(np.float64)
    mean, basis = principal(upper)
    np.testing.assert_allclose(before[0][0][:, 96:], (told[0][0][:, 256:] - mean) @ basis, atol=0.02)
    told[4] = [states * 100 for states in told[4]]  # a development clip moves nothing
    after = reduced(told, np.array([0, 1, 2, 3]))
    np.testing.assert_array_equal(before[0][0], after[0][0])


def test_a_part_of_a_clip_keeps_features_beside_their_states() -> None:
    rng = np.random.default_rng(0)
    mel = np.repeat(np.arange(30), 4)[:, None].astype(np.float16) * np.ones((1, 80), np.float16)
    states = np.arange(29)[:, None].astype(np.float16)
    lengths = set()
    for _ in range(50):
        some, beside = part_of(mel, states, rng)
        np.testing.assert_array_equal(some[::4, 0], beside[:, 0])
        assert len(some) == 4 * len(beside)
        lengths.add(len(beside))
    assert max(lengths) == 29
    assert 9 <= min(lengths) < 20


def test_an_encoder_learns_to_follow() -> None:
    """Tones at a height of their own: states that name the height can be followed on clips not trained on."""
    rng = np.random.default_rng(0)
    mels, states = [], []
    for _ in range(28):
        heights = rng.integers(0, 3, size=12)
        mel = -1.0 + 0.1 * rng.normal(size=(48, 80))
        for token, height in enumerate(heights):
            mel[4 * token : 4 * token + 4, 25 * height : 25 * height + 25] += 1.0
        mels.append([mel.astype(np.float16)] * 9)
        states.append([(3 * np.eye(3)[heights] - 1).astype(np.float16)] * 9)
    material = SimpleNamespace(
        train=np.arange(24), development=np.arange(24, 28), bank=SimpleNamespace(mels=mels)
    )
    plan = FollowPlan(epochs=4, batch=4, learning_rate=3e-3, average=0.5)
    kept = train_follower(cast(Material, material), states, plan, seed=0)
    scores = kept["scores"]
    assert scores["explained"] > 0.7
    new_encoder(0.0).load_state_dict(kept["encoder"])


def test_what_is_empty_is_silence_or_noise_of_a_known_level() -> None:
    levels = [float(np.sqrt(np.mean(empty_wave(np.random.default_rng(n)) ** 2))) for n in range(60)]
    silent = [level for level in levels if level == 0]
    assert 8 <= len(silent) <= 30
    assert all(0.9e-3 < level < 0.35 for level in levels if level)


def test_the_head_is_the_logistic_regression_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    states, classes = rng.normal(size=(120, 5)), np.arange(120) % 4
    target = np.eye(4)[classes]
    weight, bias = fit_softmax(states, target, np.full(120, 1 / 120), ridge=0.05)
    theirs = LogisticRegression(C=1 / (0.05 * 120), tol=1e-10, max_iter=10_000).fit(states, classes)
    np.testing.assert_allclose(weight, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(bias - bias.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=1e-4)


def test_a_head_hears_what_was_meant_and_nothing_in_silence() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    hard = np.arange(36) % 3
    mels = []
    for k in range(36):
        mel = 0.1 * rng.normal(size=(60, 80)) - 1.0
        mel[:, 25 * hard[k] : 25 * hard[k] + 25] += 1.0
        mels.append([mel[::step].astype(np.float16) for step in (1, 2, 3)])
    material = SimpleNamespace(
        train=np.arange(30),
        hard=hard,
        bank=SimpleNamespace(mels=mels),
        empty=[np.full((50 + n, 80), -1.5, dtype=np.float16) for n in range(5)],
    )
    encoder = new_encoder(0.0)
    head = hear(encoder, cast(Material, material), HeadPlan())
    logits = heard_logits(encoder, head, cast(Material, material), np.arange(30, 36))
    assert logits.argmax(-1).tolist() == hard[30:].tolist()
    with torch.no_grad():
        silent = head(pooled(encoder, material.empty)).softmax(-1)
        voiced = logits.softmax(-1)
    assert silent.max() < 0.3
    assert voiced.max(-1).values.min() > silent.max()


def test_logits_of_a_clip_do_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(0)
    encoder = new_encoder(0.0)
    head = HeardHead(encoder.config.d_model)
    rng = np.random.default_rng(0)
    mels = [[rng.normal(size=(frames, 80)).astype(np.float16)] for frames in (40, 81, 120)]
    material = SimpleNamespace(bank=SimpleNamespace(mels=mels))
    together = heard_logits(encoder, head, cast(Material, material), np.arange(3))
    alone = torch.cat(
        [heard_logits(encoder, head, cast(Material, material), np.array([k])) for k in range(3)]
    )
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
