"""A training that was interrupted ends as one that was not, or says why it cannot."""

import csv
import json
import logging
import shutil
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import load_file

from ambivox.errors import AmbivoxError, UsageError
from ambivox.finetuning.checkpoints import last_checkpoint
from ambivox.finetuning.config import AugmentSpec, LoraSpec, load_finetuning
from ambivox.finetuning.run import train
from tests.finetuning.material import config, corpus
from tests.finetuning.test_training import Stop

INSIDE = {"max_steps": 11, "evaluate_every": 3, "batch_size": 2}
"""Four steps to an epoch; every checkpoint (3, 6, 9) is inside one."""


def same(one: Path, other: Path) -> bool:
    """Whether two results, or two checkpoints, hold the same bits."""
    first, second = (
        {
            name: tensor
            for file in sorted(folder.glob("*model.safetensors"))
            for name, tensor in load_file(file).items()
        }
        for folder in (one, other)
    )
    return (
        bool(first)
        and first.keys() == second.keys()
        and all(torch.equal(first[name], second[name]) for name in first)
    )


def development(folder: Path) -> list[float]:
    history = json.loads((folder / "history.json").read_text())["history"]
    return [entry["eval_jsd_bits"] for entry in history if "eval_jsd_bits" in entry]


@pytest.mark.parametrize(
    "changes",
    [
        {"lora": None},
        {"lora": LoraSpec(dropout=0.1), "schedule": INSIDE | {"batch_size": 1, "accumulation": 2}},
    ],
    ids=["all weights", "lora, accumulated"],
)
def test_stopped_inside_every_epoch_a_training_ends_with_the_bits_of_one_that_never_stopped(
    tmp_path, tiny, manifest, changes
):
    given = {"schedule": INSIDE, "augment": AugmentSpec(), "objective": "answer-sampling"} | changes
    settings = config(tmp_path, tiny, manifest, **given)
    straight = train(settings, tmp_path / "straight")
    for step, kept in ((4, 3), (7, 6), (8, 6), (10, 9)):
        with pytest.raises(AmbivoxError, match=f"goes on from checkpoint-{kept}"):
            train(settings, tmp_path / "stopped", report=Stop(step))
    resumed = train(settings, tmp_path / "stopped")
    assert same(straight, resumed)  # the best step
    assert same(*(last_checkpoint(folder.parent) for folder in (straight, resumed)))
    assert development(straight) == development(resumed)


@pytest.mark.parametrize(
    "schedule",
    [{"max_steps": 6}, {"max_steps": 11, "patience": 1}],
    ids=["to its last step", "until nothing improved"],
)
def test_a_training_that_was_over_takes_no_step_more(tmp_path, tiny, manifest, schedule):
    # at a rate of 1 nothing improves, so that patience ends
    schedule = INSIDE | {"learning_rate": 1.0} | schedule
    settings = config(tmp_path, tiny, manifest, schedule=schedule)
    straight = train(settings, tmp_path / "straight")
    facts = json.loads((straight / "history.json").read_text())
    assert facts["steps"] % 4, "it has to end inside an epoch"
    shutil.copytree(straight.parent, tmp_path / "killed")
    shutil.rmtree(tmp_path / "killed" / "model")
    resumed = train(settings, tmp_path / "killed")
    assert same(straight, resumed)
    again = json.loads((resumed / "history.json").read_text())
    assert (again["steps"], again["best_step"]) == (facts["steps"], facts["best_step"])


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, tiny, manifest) -> tuple[Path, Path]:
    """A training that was stopped with two checkpoints, 4 and 6, and the result of one that was not."""
    folder = tmp_path_factory.mktemp("stopped")
    settings = config(folder, tiny, manifest, schedule={"max_steps": 8, "learning_rate": 1e-4})
    straight = train(settings, folder / "straight")
    with pytest.raises(AmbivoxError, match="goes on from checkpoint-6"):
        train(settings, folder / "out", report=Stop(7))
    assert {path.name for path in (folder / "out" / "checkpoints").iterdir()} == {
        "checkpoint-4",
        "checkpoint-6",
    }
    return folder / "out", straight


@pytest.fixture
def again(stopped, tmp_path, tiny, manifest):
    """A copy of that training elsewhere, with what goes on with it."""
    out = shutil.copytree(stopped[0], tmp_path / "out")
    settings = config(tmp_path, tiny, manifest, schedule={"max_steps": 8, "learning_rate": 1e-4})
    return out, stopped[1], settings


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink], ids=["cut", "a bit flipped", "gone"])
@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "files.json"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_with_a_line(again, caplog, damage, name):
    out, straight, settings = again
    damage(out / "checkpoints" / "checkpoint-6" / name)
    seen = []
    with caplog.at_level(logging.WARNING, "ambivox"):
        if name != "optimizer.pt" or damage is not flip:  # one of them goes on to the end
            assert last_checkpoint(out, thorough=True).name == "checkpoint-4"
        else:
            assert same(train(settings, out, report=seen.append), straight)
            assert min(progress.step for progress in seen) == 4
    (line,) = [record.getMessage() for record in caplog.records]
    assert "checkpoint-6 cannot be used (" in line
    assert line.endswith("the training goes on from checkpoint-4")
    assert "\n" not in line


def test_without_its_best_checkpoint_a_training_begins_again(again, caplog):
    out, straight, settings = again
    state = json.loads((out / "checkpoints" / "checkpoint-6" / "trainer_state.json").read_text())
    best = f"checkpoint-{state['best_global_step']}"
    cut(out / "checkpoints" / best / "model.safetensors")
    seen = []
    with caplog.at_level(logging.WARNING, "ambivox"):
        resumed = train(settings, out, report=seen.append)
    assert same(resumed, straight)
    assert f"{best} cannot be used (model.safetensors is damaged)" in caplog.text


def test_a_training_whose_folder_was_moved_goes_on_to_the_same_result(again, stopped):
    out, straight, settings = again
    assert same(train(settings, out), straight)


def rewrite(manifest: Path, change) -> None:
    rows = list(csv.DictReader(manifest.read_text().splitlines()))
    with manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(change(rows))


def other_votes(folder: Path) -> None:
    rewrite(folder / "manifest.csv", lambda rows: [rows[0] | {"votes.sad": 9}, *rows[1:]])


def other_speaker(folder: Path) -> None:
    rewrite(folder / "manifest.csv", lambda rows: [rows[0] | {"speaker": "bob"}, *rows[1:]])


def fewer_clips(folder: Path) -> None:
    rewrite(folder / "manifest.csv", lambda rows: rows[1:])


def other_sound(folder: Path) -> None:
    samples, rate_hz = soundfile.read(folder / "ann0.wav")
    soundfile.write(folder / "ann0.wav", -samples, rate_hz)


def other_prompt(folder: Path) -> None:
    path = folder / "mine.yaml"
    path.write_text(path.read_text().replace("One of", "Which of"))


def other_weights(folder: Path) -> None:
    path = folder / "model" / "config.json"
    path.write_text(path.read_text() + "\n")


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("finished", [False, True], ids=["stopped", "finished"])
def test_what_a_training_learns_from_may_not_change_until_its_end(tmp_path, tiny, finished):
    corpus(tmp_path)
    shutil.copytree(tiny, tmp_path / "model")
    (tmp_path / "mine.yaml").write_text(
        "version: 1\nformat: word\ntext: 'One of {{ options | join(\", \") }}?'\n"
    )
    (tmp_path / "finetune.yaml").write_text(
        "model: {name: ./model, options: {device: cpu}}\n"
        "corpora: [{name: manifest, path: manifest.csv, development: {speakers: [cat]}}]\n"
        "emotions: iemocap4\nprompts: [mine.yaml]\nlora: null\naugment: null\n"
        "schedule: {max_steps: 2, evaluate_every: 1, batch_size: 4}\n"
    )

    def go_on(**options):
        return train(load_finetuning(tmp_path / "finetune.yaml"), tmp_path / "out", **options)

    if finished:
        go_on()
    else:
        with pytest.raises(AmbivoxError, match="goes on from checkpoint-1"):
            go_on(report=Stop(2))
    for change, said in (
        (other_votes, "votes"),
        (other_speaker, "speakers"),
        (fewer_clips, "clips, votes, speakers"),
        (other_sound, "clips"),
        (other_prompt, "prompts"),
        (other_weights, "model"),
    ):
        kept = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name} {change.__name__}")
        change(tmp_path)
        with pytest.raises(UsageError, match=f"changed since this training began: {said}: undo that"):
            go_on()
        for file in kept.rglob("*"):
            if file.is_file():
                shutil.copy2(file, tmp_path / file.relative_to(kept))
    assert (go_on() / "metrics.json").is_file()


@pytest.mark.parametrize("content", [None, "", "[]", "\x00"])
def test_a_training_that_does_not_say_what_it_learnt_from_is_refused_in_one_line(again, content):
    out, _, settings = again
    path = out / "learnt_from.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(
        AmbivoxError, match=r"learnt_from\.json: cannot be read .*choose another --out"
    ) as error:
        train(settings, out)
    assert "\n" not in str(error.value)


def test_a_training_killed_before_its_configuration_was_written_goes_on(tmp_path, tiny, manifest):
    out = tmp_path / "out"
    (out / "checkpoints").mkdir(parents=True)
    (out / ".lock").touch()
    (out / "learnt_from.json").write_text("{}")
    (out / "finetune.yaml.partial").write_text("corp")
    settings = config(tmp_path, tiny, manifest, schedule={"max_steps": 1, "evaluate_every": 1})
    assert (train(settings, out) / "config.json").is_file()


def test_a_copy_of_a_clip_in_another_split_is_found_by_its_sound(tmp_path, tiny):
    manifest = corpus(tmp_path)
    samples, rate_hz = soundfile.read(tmp_path / "ann1.wav", dtype="int16")
    (tmp_path / "dan2.wav").unlink()
    soundfile.write(tmp_path / "dan2.wav", samples, rate_hz, format="FLAC")
    with pytest.raises(UsageError, match=r"ann1\.wav in train and .*/dan2\.wav in test are the same sound"):
        train(config(tmp_path, tiny, manifest), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_silence_is_no_copy_of_silence(tmp_path, tiny):
    manifest = corpus(tmp_path)
    for name in ("ann1.wav", "dan2.wav"):
        soundfile.write(tmp_path / name, [0.0] * 8000, 16_000)
    settings = config(tmp_path, tiny, manifest, schedule={"max_steps": 1, "evaluate_every": 1})
    assert train(settings, tmp_path / "out").is_dir()


def test_a_clip_that_cannot_be_read_shows_before_the_training_begins(tmp_path, tiny):
    manifest = corpus(tmp_path)
    (tmp_path / "dan3.wav").write_bytes(b"no sound")
    with pytest.raises(AmbivoxError, match=r"dan3\.wav"):
        train(config(tmp_path, tiny, manifest), tmp_path / "out")
    assert not (tmp_path / "out").exists()
