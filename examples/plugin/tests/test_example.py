"""The parts on their own, on made-up numbers and on a listener whose answers are known: no weights needed."""

from pathlib import Path

import numpy as np
import soundfile
from ambivox_example.corpora import load_folders
from ambivox_example.metrics import largest_gap

import ambivox
from ambivox.testing import Listener, sound_of


def clip(folder: Path, p: list[float]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "clip.wav"
    soundfile.write(path, sound_of(p), 16_000)
    return path


def test_the_gap_is_the_largest_difference() -> None:
    p, q = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]), np.array([[0.2, 0.4, 0.4], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(largest_gap(p, q), [0.3, 0.0])


def test_the_label_named_last_is_read(tmp_path: Path) -> None:
    path = clip(tmp_path, [0.1, 0.6, 0.1, 0.2])
    answer = ambivox.read(
        path, Listener(verbosity=1), prompt="word", emotions="iemocap4", readouts=["last_named"]
    )
    assert answer.answers["word"].text == "The speaker sounds happy."
    assert answer.readings["word/last_named"].distribution.tolist() == [0, 1, 0, 0]


def test_folders_are_labels(tmp_path: Path) -> None:
    clip(tmp_path / "angry", [1.0, 0, 0, 0])
    clip(tmp_path / "sad", [0, 0, 0, 1.0])
    corpus = load_folders(tmp_path)
    assert [dict(utterance.votes) for utterance in corpus] == [{"angry": 1}, {"sad": 1}]
