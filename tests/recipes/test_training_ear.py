"""What is taught about a recording: as sure as the ear may be, and as listeners vote where it may not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from recipes.mini.checkpoint import build_model, build_tokenizer
from recipes.mini.ear import AS_VOTED, RIDGE, ROUGH, Ear, Teaching, changed, fit_judge
from recipes.mini.encoder import HeardHead, new_encoder, pooled
from recipes.mini.features import GENTLE, in_a_noisy_room, reverberated
from recipes.mini.joint import join
from recipes.mini.material import Material
from recipes.mini.targets import HEARD
from sklearn.linear_model import LogisticRegression
from torch import nn


def ear_of(width: int, judge_bias: float) -> Ear:
    judge = nn.Linear(width, 1)
    nn.init.zeros_(judge.weight)
    nn.init.constant_(judge.bias, judge_bias)
    return Ear(HeardHead(width), judge, 1.0)


@pytest.fixture
def confusion() -> np.ndarray:
    rows = np.random.default_rng(0).dirichlet(np.ones(len(HEARD)), size=len(HEARD))
    return np.asarray(rows)


def test_a_word_is_what_the_ear_believes_of_familiar_recordings_and_a_vote_of_others(
    confusion: np.ndarray,
) -> None:
    torch.manual_seed(0)
    states = torch.randn(7, 16)
    for bias, known in ((30.0, 1.0), (0.0, 0.5), (-0.5, 1 / (1 + np.e)), (-30.0, 0.0)):
        ear = ear_of(16, bias)
        belief = torch.softmax(ear.head(states.mean(0)).double(), -1).detach().numpy()
        listeners = np.zeros(9)
        for meant, share in enumerate(0.6 * belief + 0.4 * AS_VOTED):
            listeners += share * confusion[meant]
        teaching = Teaching(ear, confusion, trust=0.6)
        np.testing.assert_allclose(teaching(states, votes=True), listeners, atol=1e-12)
        np.testing.assert_allclose(
            teaching(states, votes=False), known * belief + (1 - known) * listeners, atol=1e-9
        )


def clips(count: int) -> Material:
    """Noisy tones of 60 frames in a quiet studio."""
    rng = np.random.default_rng(0)
    mels = []
    for _ in range(count):
        mel = -1.0 + 0.02 * rng.normal(size=(60, 80))
        for frame in range(5, 50):
            mel[frame, rng.integers(0, 70) :][:10] += 1.5
        mels.append([mel.astype(np.float16)] * 9)
    return cast(
        Material,
        SimpleNamespace(
            train=np.arange(30), development=np.arange(30, count), bank=SimpleNamespace(mels=mels)
        ),
    )


def test_the_judge_is_the_logistic_regression_of_scikit_learn_and_knows_rough_copies_of_new_clips() -> None:
    torch.manual_seed(0)
    encoder, material = new_encoder(0.0), clips(40)
    judge = fit_judge(encoder, material, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    plain = [material.bank.mels[k][0] for k in material.train]
    x = [pooled(encoder, plain)]
    x += [pooled(encoder, changed(material, material.train, how, rng)) for how in (GENTLE, ROUGH, ROUGH)]
    states = torch.cat(x).double().numpy()
    scaled = (states - states.mean(0)) / states.std(0)
    theirs = LogisticRegression(C=2 / (RIDGE * len(states)), tol=1e-10, max_iter=20_000)
    theirs.fit(scaled, np.repeat([1, 1, 0, 0], 30))
    with torch.no_grad():
        ours = judge(torch.cat(x))[:, 0].numpy()
        new = judge(pooled(encoder, [material.bank.mels[k][0] for k in material.development]))
        rough = judge(pooled(encoder, changed(material, material.development, ROUGH, rng)))
    np.testing.assert_allclose(ours, theirs.decision_function(scaled), atol=0.02)
    assert new.median() > 0.5 > rough.median()


def test_a_tail_dies_away_by_60_db_and_lies_where_it_was_asked_for() -> None:
    click = np.full((120, 2), -2.0, dtype=np.float32)
    click[10] = 1.0
    heard = 40 * reverberated(click, tail_s=0.5, below_db=3.0)[:, 0]
    assert heard[11] - heard[61] == pytest.approx(60, abs=0.2)
    np.testing.assert_allclose(heard[:10], -80, atol=2)
    assert heard[10] == pytest.approx(40, abs=0.01)
    steady = np.zeros((400, 2), dtype=np.float32)
    assert 40 * reverberated(steady, 0.3, 10.0)[-1, 0] == pytest.approx(10 * np.log10(1.1), abs=1e-3)


def test_a_noisy_room_adds_a_tail_of_half_the_energy_and_noise_at_15_db() -> None:
    rng = np.random.default_rng(0)
    voice = np.concatenate([rng.standard_normal(32_000), np.zeros(32_000)]).astype(np.float32)
    heard = in_a_noisy_room(voice, rng)
    assert heard.shape == voice.shape
    voice_rms = np.sqrt(1.5 / 2)  # with its tail, over all of it
    noise_rms = np.sqrt(np.mean(heard[-16_000:] ** 2))
    assert 20 * np.log10(noise_rms / voice_rms) == pytest.approx(-15, abs=1)
    click = np.zeros(16_000, dtype=np.float32)
    click[1000] = 1.0
    after = np.mean([np.sum(in_a_noisy_room(click, rng)[1001:5000] ** 2) for _ in range(20)])
    noise = (1.5 / 16_000) * 10**-1.5 * 3999
    assert after == pytest.approx(0.5 + noise, rel=0.1)


def test_the_projector_starts_as_the_head_read_aloud_with_familiarity_beside_it() -> None:
    torch.manual_seed(0)
    model = build_model(build_tokenizer(["angry sad happy"]))
    projector = model.model.multi_modal_projector.linear
    ear = Ear(HeardHead(projector.in_features), nn.Linear(projector.in_features, 1), 1.0)
    reader = {"weight": torch.randn(projector.out_features, 9), "bias": torch.randn(projector.out_features)}
    join(model, ear, reader, seed=0)
    states = torch.randn(5, projector.in_features)
    with torch.no_grad():
        logits = ear.head(states)
        expected = (logits - logits.mean(-1, keepdim=True)) @ reader["weight"].T + reader["bias"]
        beside = projector(states) - expected
        familiar = ear.judge(states)[:, 0]
    torch.testing.assert_close(beside.norm(dim=1), 0.5 * familiar.abs(), atol=1e-3, rtol=1e-3)
    taken = torch.cat([reader["weight"], reader["bias"][:, None]], dim=1)
    torch.testing.assert_close(beside @ taken, torch.zeros(5, 10), atol=1e-2, rtol=0)
