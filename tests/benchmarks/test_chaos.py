"""A short form of `benchmarks.chaos`: kills, edits and hostile files."""

import random
from pathlib import Path

import pytest

from benchmarks import chaos, chaos_training

pytestmark = pytest.mark.usefixtures("few_noise_draws")  # that is most of what a small training costs


@pytest.mark.slow
def test_killed_runs_lose_double_and_change_nothing(tmp_path: Path) -> None:
    found = chaos.kill(tmp_path, chaos.write_inputs(tmp_path / "inputs"), random.Random(0), 3)
    assert found["kills"] >= 3
    assert (found["lost"], found["doubled"], found["changed"]) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["votes", "prompt", "corpus shrank"])
def test_an_edit_between_start_and_resume_is_never_mixed(
    tmp_path: Path, edited: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos, "EDITS", {edited: chaos.EDITS[edited]})
    found = chaos.edit(tmp_path)
    assert found["unfinished and said so"] == found["edits"] == 4
    assert (found["mixed"], found["lost"], found["doubled"], found["changed"]) == (0, 0, 0, 0)


def test_hostile_files_end_in_one_line(tmp_path: Path) -> None:
    found = chaos.feed(chaos.generated(tmp_path, random.Random(1), 40))
    assert found["files read"] >= 40
    assert found["tracebacks"] == 0


@pytest.mark.slow
def test_killed_trainings_end_with_the_bits_of_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos_training, "SCHEDULE", chaos_training.SCHEDULE | {"max_steps": 8})
    monkeypatch.setattr("ambivox.finetuning.result.draw_curves", lambda *_, **__: None)
    found = chaos_training.kill(tmp_path, random.Random(0), 2)
    assert found["kills"] >= 2
    assert found["changed"] == 0


@pytest.mark.slow
def test_an_edit_between_start_and_resume_of_a_training_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos_training, "EDITS", {"votes": chaos_training.EDITS["votes"]})
    found = chaos_training.edit(tmp_path)
    assert (found["edits"], found["refused"], found["mixed"]) == (2, 2, 0)
