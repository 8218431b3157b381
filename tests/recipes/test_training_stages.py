"""What is kept of a training, and under which plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from recipes.mini.decoder import AROUSED, AnswersPlan, random_heard
from recipes.mini.make import once


def test_a_result_is_found_by_its_own_plan_only(tmp_path: Path) -> None:
    trained = []

    def train(steps: int) -> dict[str, int]:
        trained.append(steps)
        return {"steps": steps}

    short = AnswersPlan(steps=2)
    for plan in (AnswersPlan(), short, AnswersPlan()):
        found = once(tmp_path, "answers", plan, lambda plan=plan: train(plan.steps))
        assert found["steps"] == plan.steps
        assert found["took_s"] >= 0
    assert trained == [AnswersPlan().steps, short.steps]


def test_a_training_that_was_killed_is_begun_again(tmp_path: Path) -> None:
    def killed() -> dict[str, bool]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(tmp_path, "answers", AnswersPlan(), killed)
    assert not list(tmp_path.iterdir())
    assert once(tmp_path, "answers", AnswersPlan(), lambda: {"whole": True})["whole"]


def test_beliefs_differ_most_in_arousal_where_they_are_to() -> None:
    rng = np.random.default_rng(0)
    logits = np.log([random_heard(rng, 2.0, 1.0) for _ in range(2000)])
    logits -= logits.mean(axis=1, keepdims=True)
    strengths, directions = np.linalg.eigh(np.cov(logits.T))
    along = AROUSED - AROUSED.mean()
    assert abs(directions[:, -1] @ along) / np.linalg.norm(along) > 0.95
    assert strengths[-1] > 3 * strengths[-2]
    assert logits.std(axis=1).min() < 0.02  # flat ones are among them
