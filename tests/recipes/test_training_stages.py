"""What is kept of a training, and under which plan."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from recipes.mini.decoder import AnswersPlan
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
