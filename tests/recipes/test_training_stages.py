"""What is kept of a training, and under which plan; how sure the head is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from recipes.mini import make as mini_module
from recipes.mini.decoder import AnswersPlan
from recipes.mini.encoder import HeadPlan, HeardHead, fold_temperature, new_encoder, pooled
from recipes.mini.encoding import Encoding
from recipes.mini.follow import FollowPlan
from recipes.mini.joint import JointPlan
from recipes.mini.make import Plans, Stages
from recipes.mini.material import Material
from recipes.mini.targets import HEARD
from scipy.optimize import minimize_scalar


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    return Stages(cast(Material, None), [], cast(Encoding, None), tmp_path, 0)


def test_a_result_is_found_by_its_own_plan_and_seed_only(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[FollowPlan, int]] = []

    def train(material: Any, lessons: Any, plan: FollowPlan, seed: int) -> dict[str, int]:
        trained.append((plan, seed))
        return {"epochs": plan.epochs, "seed": seed}

    monkeypatch.setattr(mini_module, "train_follower", train)
    monkeypatch.setattr(mini_module, "make_lessons", lambda material, work: None)
    long, short = FollowPlan(), FollowPlan(epochs=2)
    for of_seed in (stages, replace(stages, seed=1), stages):
        for plan in (long, short, long):
            assert of_seed.follower(plan) == {"epochs": plan.epochs, "seed": of_seed.seed}
    assert trained == [(long, 0), (short, 0), (long, 1), (short, 1)]


def test_a_training_that_was_killed_is_begun_again(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter([False, True])

    def train(pool: Any, encoding: Any, plan: AnswersPlan, confusion: Any, seed: int) -> dict[str, bool]:
        if not next(ends):
            raise KeyboardInterrupt
        return {"whole": True}

    monkeypatch.setattr(mini_module, "train_answers", train)
    monkeypatch.setattr(mini_module, "vote_matrix", lambda votes: None)
    stages = replace(stages, material=cast(Material, SimpleNamespace(votes=None)))
    with pytest.raises(KeyboardInterrupt):
        stages.answers(AnswersPlan())
    assert [stages.answers(AnswersPlan()) for _ in range(2)] == [{"whole": True}] * 2
    assert next(ends, None) is None


def test_the_last_stage_depends_on_all_plans(stages: Stages) -> None:
    every = [
        Plans(),
        Plans(follow=FollowPlan(epochs=2)),
        Plans(head=HeadPlan(ridge=1.0)),
        Plans(answers=AnswersPlan(steps=3)),
        Plans(joint=JointPlan(steps=3)),
    ]
    files = {stages.file("joint", plans) for plans in every} | {
        replace(stages, seed=1).file("joint", Plans())
    }
    assert len(files) == len(every) + 1
    assert stages.file("joint", Plans()) == stages.file("joint", Plans())


def test_the_head_is_made_as_sure_as_it_is_right_on_development_clips() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    encoder = new_encoder(0.0)
    mels = [[rng.normal(size=(40, 80)).astype(np.float16)] for _ in range(60)]
    head = HeardHead(encoder.config.d_model)
    head.out.weight.data *= 20
    with torch.no_grad():
        logits = head(pooled(encoder, [mel[0] for mel in mels])).double().numpy()
    noisy = logits[30:] / 1.7 + rng.gumbel(size=(30, len(HEARD)))
    hard = np.concatenate([np.zeros(30, dtype=int), noisy.argmax(1)])
    material = SimpleNamespace(bank=SimpleNamespace(mels=mels), development=np.arange(30, 60), hard=hard)

    def nll(temperature: float) -> float:
        scaled = logits[30:] / temperature
        log_sum = np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1)) + scaled.max(1)
        return float((log_sum - scaled[np.arange(30), hard[30:]]).mean())

    best = minimize_scalar(nll, bounds=(0.3, 4.0), method="bounded").x
    found = fold_temperature(encoder, head, cast(Material, material))
    assert found == pytest.approx(best, abs=0.03)
    assert 0.35 < found < 3.9
    with torch.no_grad():
        folded = head(pooled(encoder, [mel[0] for mel in mels])).double().numpy()
    np.testing.assert_allclose(folded * found, logits, rtol=1e-4, atol=1e-4)
