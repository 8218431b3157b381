"""Reading clips: which prompts are asked, together, and what comes back."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

import ambivox
from ambivox.errors import UsageError
from ambivox.models.default_reading import default_reading
from ambivox.readouts import load_readouts
from ambivox.testing import Listener, sound_of
from tests.run.toy import ToyModel

TRUE = [0.4, 0.05, 0.25, 0.1, 0.15, 0.05]
MINI = Path(ambivox.__file__).parent / "models" / "mini"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfile.write(path, sound_of(TRUE), 16_000, subtype="FLOAT")
    return path


def test_both_levels_and_the_numbers_nearly_printed_are_read_in_one_batch(clip: Path) -> None:
    model = ToyModel()
    answer = ambivox.read(clip, model)
    assert list(answer.readings) == ["dictionary/dictionary", "dictionary/expected", "word/first"]
    assert model.batches == [["voice.wav"] * 2]


def test_each_reading_is_what_its_prompt_alone_would_give(clip: Path) -> None:
    both = ambivox.read(clip, Listener())
    for name, reading in both.readings.items():
        prompt, _, readout = name.partition("/")
        alone = ambivox.read(clip, Listener(), prompt=prompt, readouts=[readout]).readings[name]
        np.testing.assert_array_equal(reading.distribution, alone.distribution)
        assert reading.mass == alone.mass
    np.testing.assert_allclose(both.readings["word/first"].distribution, TRUE, atol=0.01)


def test_a_prompt_that_is_named_is_read_in_all_usual_ways(clip: Path) -> None:
    answer = ambivox.read(clip, Listener(), prompt="word")
    assert list(answer.answers) == ["word"]
    assert {"word/label", "word/first", "word/mean", "word/sequence"} <= answer.readings.keys()


def test_a_result_can_be_written_as_json(clip: Path) -> None:
    answer = ambivox.read(clip, Listener())
    written = json.loads(json.dumps(answer.to_dict()))
    first = written["answers"]["word"]["readings"]["first"]
    assert first["distribution"] == dict(
        zip(written["labels"], answer.readings["word/first"].distribution.tolist(), strict=True)
    )
    assert (first["level"], first["mass"]) == ("token", answer.readings["word/first"].mass)


@pytest.mark.parametrize(
    ("prompt", "said"), [((), "no prompt"), (["word", "word"], "given twice"), ("wrod", "did you mean")]
)
def test_a_prompt_that_cannot_be_asked_is_an_error_before_the_model_loads(
    clip: Path, prompt: str | Sequence[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        ambivox.read(clip, "no/model-of-this-name", prompt=prompt)


def test_a_checkpoint_says_what_stands_for_it(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "reading.yaml").write_text("letter: [first, label]\n")
    assert default_reading(str(tmp_path)) == {"letter": ("first", "label")}
    answer = ambivox.read(clip, ToyModel(name=str(tmp_path)))
    assert list(answer.readings) == ["letter/first", "letter/label"]


@pytest.mark.parametrize("text", ["../secret.yaml: [first]", "word: first", "word: []", "{}"])
def test_a_checkpoint_cannot_name_files_or_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "reading.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"reading\.yaml"):
        default_reading(str(tmp_path))


def test_what_stands_for_mini_was_measured_as_nearest_to_the_votes_of_either_level() -> None:
    measured = json.loads((MINI / "metrics.json").read_text())["crema-d"]["jsd_bits"]
    nearest = {
        level: min((k for k in measured if k.startswith(level)), key=lambda k: measured[k]["value"])
        for level in ("text_", "token_")
    }
    assert set(nearest.values()) == {"text_dictionary", "token_word"}
    assert default_reading("mini") == {"dictionary": ("dictionary", "expected"), "word": ("first",)}
    levels = [[r.level for r in load_readouts(each)] for each in default_reading("mini").values()]
    assert levels == [["text", "token"], ["token"]]
