"""Which labels a checkpoint says it learnt."""

from pathlib import Path

import pytest

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.models.learnt import unlearnt

EMOTIONS = load_emotions("cremad6")


def test_a_label_is_learnt_in_any_of_its_forms(tmp_path: Path) -> None:
    (tmp_path / "learnt.yaml").write_text("labels: [Anger, JOY, sadness]\n")
    assert unlearnt(str(tmp_path), EMOTIONS) == ("disgust", "fear", "neutral")


def test_a_checkpoint_that_says_nothing_is_not_cautioned(tmp_path: Path) -> None:
    assert unlearnt(str(tmp_path), EMOTIONS) == unlearnt("org/name", EMOTIONS) == ()


@pytest.mark.parametrize("text", ["labels: 3", "words: [sad]", "labels: {sad: 1}"])
def test_a_file_of_something_else_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "learnt.yaml").write_text(text + "\n")
    with pytest.raises(UsageError, match=r"learnt\.yaml: give the words") as refused:
        unlearnt(str(tmp_path), EMOTIONS)
    assert "\n" not in str(refused.value)
