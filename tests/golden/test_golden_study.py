"""No number of `mini` on the real clips changes unless it is meant to."""

import json
import math
from pathlib import Path

import pytest

from tests.golden.study import STUDY, golden

ELSEWHERE = 1e-5
"""How far the same weights may be off on another processor; on one machine the numbers are the same bits."""


def test_readings_and_scores_of_mini_are_those_of_the_golden_study(data_dir: Path, tmp_path: Path) -> None:
    kept = json.loads(STUDY.read_text(encoding="utf-8"))
    found = golden(data_dir, tmp_path / "run")
    assert found["readings"].keys() == kept["readings"].keys()
    for where, asked in kept["readings"].items():
        assert found["readings"][where]["text"] == asked["text"], where
        for name, reading in asked["readings"].items():
            now = found["readings"][where]["readings"][name]
            assert now["status"] == reading["status"], (where, name)
            assert now["distribution"] == pytest.approx(reading["distribution"], abs=ELSEWHERE), (where, name)
    assert found["scores"].keys() == kept["scores"].keys()
    for where, scores in kept["scores"].items():
        for name, value in scores.items():
            now = found["scores"][where][name]
            same = math.isnan(value) and math.isnan(now)
            assert same or now == pytest.approx(value, abs=ELSEWHERE), (where, name)
