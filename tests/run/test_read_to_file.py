"""Many clips into a file of JSON lines, and going on with one that is there."""

import json
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
import soundfile

import ambivox
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, UsageError
from ambivox.run.hold import Progress
from ambivox.run.read_clip import Reader, Segment, reader_of, wanted_readouts
from ambivox.run.read_to_file import read_to_file
from tests.run.toy import ToyModel


@pytest.fixture
def clips(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{n}.wav" for n in range(5)]
    for path in paths:
        soundfile.write(path, rng.normal(0, 0.1, 8_000), 16_000)
    return [str(path) for path in paths]


def reader(
    model: ToyModel | None = None, prompt: str = "word", emotions: str = "cremad6", **more: Any
) -> Reader:
    wanted = wanted_readouts("toy", prompt, None)
    return reader_of(model or ToyModel(), wanted, load_emotions(emotions), **more)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_clip_has_the_line_that_reading_it_alone_gives(clips: list[str], tmp_path: Path) -> None:
    found = read_to_file([*clips, clips[0]], reader(), tmp_path / "out.jsonl")
    assert found == Progress(5, 0, 5, 0)
    for clip, line in zip(clips, lines_of(tmp_path / "out.jsonl"), strict=True):
        del line["asked"]
        assert line == json.loads(json.dumps(ambivox.read(clip, ToyModel(), prompt="word").to_dict()))


def test_an_interrupted_file_ends_as_an_uninterrupted_one(clips: list[str], tmp_path: Path) -> None:
    read_to_file(clips, reader(), tmp_path / "whole.jsonl", batch_size=2)

    def stop(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    part = tmp_path / "part.jsonl"
    with pytest.raises(KeyboardInterrupt):
        read_to_file(clips, reader(), part, batch_size=2, report=stop)
    part.write_bytes(part.read_bytes()[:-20])  # as where the disk was full within a line
    model = ToyModel()
    found = read_to_file(clips, reader(model), part, batch_size=2)
    assert found == Progress(5, 0, 5, 3)
    assert model.batches == [["3.wav", "4.wav"]]
    assert part.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_file_that_is_complete_asks_nothing_and_stays_as_it_is(clips: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    read_to_file(clips, reader(), out)
    before, model = out.read_bytes(), ToyModel()
    assert read_to_file(clips[:3], reader(model), out) == Progress(3, 0, 3, 3)
    assert (model.batches, out.read_bytes()) == ([], before)


def test_a_clip_that_failed_or_changed_is_asked_about_again(clips: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    found = read_to_file([*clips, "gone.wav"], reader(ToyModel(fails_on=("1.wav",))), out)
    assert found.failed == 2
    assert {line["clip"]: line["error"] and line["error"]["code"] for line in lines_of(out)} == (
        dict.fromkeys(clips) | {clips[1]: "model", "gone.wav": "clip"}
    )
    soundfile.write(clips[2], np.random.default_rng(9).normal(0, 0.1, 8_000), 16_000)
    model = ToyModel()
    found = read_to_file([*clips, "gone.wav"], reader(model), out)
    assert found == Progress(6, 1, 6, 3)
    assert model.batches == [["1.wav", "2.wav"]]
    assert sorted(line["clip"] for line in lines_of(out)) == sorted([*clips, "gone.wav"])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"model": ToyModel(fingerprint="toy-2")}, "another fingerprint"),
        ({"prompt": "letter"}, "another prompts and readouts"),
        ({"emotions": "ekman6"}, "another emotions and prompts"),
        ({"segment": Segment(channel=0)}, "another segment"),
        ({"ask_silent": True}, "another ask_silent"),
    ],
)
def test_answers_to_something_else_are_refused_and_left_alone(
    clips: list[str], tmp_path: Path, other: dict[str, Any], said: str
) -> None:
    out = tmp_path / "out.jsonl"
    read_to_file(clips, reader(), out)
    before = out.read_bytes()
    with pytest.raises(UsageError, match=said) as raised:
        read_to_file(clips, reader(**other), out)
    assert str(raised.value).startswith(f"{out}, line 1: ")
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "content", ["notes\n", "[]\n", '{"clip": "a.wav"}\n', '{"clip": 1, "asked": {}}\n', "\n"]
)
def test_a_file_of_something_else_is_refused_and_left_alone(
    clips: list[str], tmp_path: Path, content: str
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text(content)
    with pytest.raises(UsageError, match="line 1: not a line that 'ambivox read -o' writes"):
        read_to_file(clips, reader(), out)
    assert out.read_text() == content


def test_a_file_that_another_process_writes_is_refused(clips: list[str], tmp_path: Path) -> None:
    with filelock.FileLock(tmp_path / ".out.jsonl.lock"), pytest.raises(UsageError, match="another process"):
        read_to_file(clips, reader(), tmp_path / "out.jsonl")


def test_a_place_that_cannot_be_written_is_one_line(clips: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a plain file"):
        read_to_file(clips, reader(), tmp_path)
    with pytest.raises(AmbivoxError, match="cannot be written"):
        read_to_file(clips, reader(), Path(clips[0]) / "out.jsonl")
