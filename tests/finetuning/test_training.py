"""A training of a small checkpoint of a real class, from YAML to a folder that loads."""

import errno
import itertools
import json
import os
import shutil
import signal
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch

import ambivox
from ambivox.audio import load_audio
from ambivox.errors import AmbivoxError, UsageError
from ambivox.finetuning.checkpoints import last_checkpoint
from ambivox.finetuning.config import AugmentSpec, FinetuneConfig, LoraSpec, load_finetuning
from ambivox.finetuning.examples import Examples, batch, end_token
from ambivox.finetuning.objectives import OBJECTIVES
from ambivox.finetuning.parts import look_up
from ambivox.finetuning.run import load_trainable, train, trainer_of
from ambivox.finetuning.trainer import VoteTrainer, make_trainer
from ambivox.finetuning.weights import adapted_modules
from ambivox.models import load_model
from ambivox.readouts.tokens import first
from tests.finetuning.material import config
from tests.models.hf.checkpoints import FAMILIES, WITHOUT_PROCESSOR, qwen2_audio

THREE = ["word", "letter", "dictionary"]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "model.safetensors")


def examples(settings, split="train", **options):
    parts = look_up(settings)
    speech = load_model(settings.model.name, device="cpu")
    return speech, Examples(speech, parts.splits[split], parts.prompts, parts.emotions, **options)


@pytest.mark.parametrize(("numbers", "digits"), [("tenths", 1), ("hundredths", 2)])
def test_dictionaries_are_trained_on_in_the_numbers_that_were_asked_for(
    tmp_path, tiny, manifest, numbers, digits
):
    settings = config(tmp_path, tiny, manifest, prompts=THREE, numbers=numbers)
    speech, model = load_trainable(settings)
    shown = trainer_of(look_up(settings), speech, model, tmp_path, lambda progress: None).train_dataset
    labels = shown[2].labels
    answer = json.loads(speech.chat.tokenizer.decode(labels[labels != -100][:-1]), parse_float=str)
    assert {len(number.partition(".")[2]) for number in answer.values()} == {digits}
    assert sum(map(float, answer.values())) == pytest.approx(1)


def test_the_prompt_is_written_as_it_is_asked_and_labels_are_the_answer_alone(tmp_path, tiny, manifest):
    speech, shown = examples(config(tmp_path, tiny, manifest, prompts=THREE))
    rated = shown.rated[1]
    for place in (3, 4, 5):  # the second clip under each prompt
        example = shown[place]
        answer = example.labels[example.labels != -100]
        asked = example.inputs["input_ids"][:, : -len(answer)]
        prompt = speech.chat.tokenizer.decode(asked[0])
        text = prompt.split("<|audio_eos|>")[1].split("<|im_end|>")[0].strip()
        alone = speech.chat(load_audio(rated.utterance.audio), text)
        assert torch.equal(alone["input_ids"], asked)
        assert torch.equal(alone["input_features"], example.inputs["input_features"])
        assert torch.equal(example.inputs["input_ids"][0, -len(answer) :], answer)
        assert answer[-1] == speech.chat.tokenizer.eos_token_id


def test_options_are_permuted_anew_in_every_epoch_but_the_same_after_a_restart(tmp_path, tiny, manifest):
    _, shown = examples(config(tmp_path, tiny, manifest))
    orders = []
    for epoch in (0, 1, 0):
        shown.set_epoch(epoch)
        orders.append(shown[0].inputs["input_ids"].tolist())
    assert orders[0] == orders[2] != orders[1]


def test_answer_sampling_gives_every_rater_one_answer_before_any_gives_two(tmp_path, tiny, manifest):
    speech, shown = examples(config(tmp_path, tiny, manifest), answer="vote")
    said = Counter()
    for epoch in range(10):
        shown.set_epoch(epoch)
        example = shown[0]  # a word; 3 of 5 raters heard neutral, 2 happy
        said[speech.chat.tokenizer.decode(example.labels[example.labels != -100])] += 1
        if epoch == 4:
            assert said == {"neutral<|im_end|>": 3, "happy<|im_end|>": 2}
    assert said == {"neutral<|im_end|>": 6, "happy<|im_end|>": 4}


def losses(speech, model, rows, tmp_path, settings):
    trainer = make_trainer(
        speech,
        model,
        OBJECTIVES["yu-2026"].with_options({}),
        rows,
        rows,
        settings.schedule,
        out=tmp_path,
        seed=0,
        report=lambda _: None,
    )
    collate = trainer.data_collator
    model.eval()

    def of(batch):
        with torch.no_grad():
            loss, outputs = VoteTrainer.compute_loss(trainer, model, batch, return_outputs=True)
        return float(loss), outputs["p"]

    return collate, of


def test_a_batch_of_six_has_the_mean_loss_of_six_single_examples(tmp_path, tiny, manifest):
    settings = config(tmp_path, tiny, manifest, prompts=THREE)
    speech, shown = examples(settings)
    collate, of = losses(speech, speech.model, shown, tmp_path, settings)
    rows = [shown[place] for place in (0, 1, 2, 9, 10, 11)]
    together, p = of(collate(rows))
    alone = [of(collate([row])) for row in rows]
    assert together == pytest.approx(np.mean([loss for loss, _ in alone]), rel=1e-5)
    torch.testing.assert_close(p, torch.cat([p for _, p in alone]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_gives_a_loss_and_gradients_for_lora(family, tmp_path, manifest, monkeypatch):
    folder = tmp_path / family
    folder.mkdir()
    FAMILIES[family](folder)
    if family in WITHOUT_PROCESSOR:
        processor = WITHOUT_PROCESSOR[family]()
        monkeypatch.setattr("transformers.AutoProcessor.from_pretrained", lambda *_, **__: processor)
    settings = config(tmp_path, folder, manifest, prompts=THREE, lora=LoraSpec(dropout=0.0))
    parts = look_up(settings)
    speech, model = load_trainable(settings)
    shown = Examples(speech, parts.splits["train"], parts.prompts, parts.emotions)
    assert end_token(speech) in speech.model.generation_config.eos_token_id
    rows = [shown[place] for place in (0, 4, 8)]  # clips of different lengths, a word, a letter, a dictionary
    trainer = make_trainer(
        speech,
        model,
        parts.loss,
        shown,
        shown,
        settings.schedule,
        out=tmp_path,
        seed=0,
        report=lambda _: None,
    )
    loss = trainer.compute_loss(model, trainer.data_collator(rows))
    loss.backward()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    # at first the second matrix of each adapter is 0, so the first one's gradient is, too
    assert all(p.grad.abs().sum() > 0 for name, p in trained.items() if "lora_B" in name)


def test_lora_goes_on_attention_and_feed_forward_of_the_language_model_alone(tiny):
    model = load_model(str(tiny), device="cpu").model
    both = adapted_modules(model, ("attention", "feed-forward"))
    assert len(both) == 2 * 7  # layers x (q, k, v, o, gate, up, down)
    assert all(name.startswith("model.language_model.layers.") for name in both)
    assert {name.split(".")[-1] for name in adapted_modules(model, ("attention",))} == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    }


def test_training_learns_and_its_result_loads_and_answers_as_it_was_scored(tmp_path, tiny, manifest, curves):
    settings = config(
        tmp_path,
        tiny,
        manifest,
        schedule={"max_steps": 60, "evaluate_every": 20, "learning_rate": 5e-3, "patience": 10},
    )
    seen = []
    folder = train(settings, tmp_path / "out", report=seen.append)
    scores = [p.jsd_bits for p in seen if p.jsd_bits is not None]
    assert min(scores) < 0.1 < scores[0]
    found = json.loads((folder / "metrics.json").read_text())
    token = next(row for row in found["tables"]["test"] if row["level"] == "token")
    prior = next(row for row in found["tables"]["test"] if row["readout"] == "vote-prior")
    assert token["scores"]["jsd_bits"][0] < 0.1 < prior["scores"]["jsd_bits"][0]
    assert token["utterances"] == 4
    card = (folder / "README.md").read_text()
    assert f"| word | token | first | 0 | {token['scores']['jsd_bits'][0]:.3f}" in card
    assert "| test | manifest | " in card
    with PIL.Image.open(folder / "curves.png") as picture:
        assert picture.size[0] > 800
    # the best step was kept, and the development score is that of the readout `first` on the saved folder
    model = ambivox.load_model(str(folder))
    _, development = examples(settings, "development", orders="rotating")
    found = []
    for place, one in enumerate(development.rated):
        order = np.random.default_rng((0, 0, place)).permutation(4)
        seed = next(s for s in itertools.count() if np.array_equal(ambivox.prompts.option_order(4, s), order))
        result = ambivox.read(one.utterance.audio, model, prompt="word", emotions="iemocap4", order_seed=seed)
        answer = result.answers["word"]
        assert answer.text in ("neutral", "happy", "angry", "sad")
        found.append(ambivox.metrics.jsd_bits(first(answer.record).distribution, one.q))
    assert np.mean(found) == pytest.approx(min(scores), abs=1e-4)


def test_merged_lora_changes_only_what_it_was_put_on(tmp_path, tiny, manifest):
    settings = config(
        tmp_path, tiny, manifest, lora=LoraSpec(), augment=AugmentSpec(), schedule={"max_steps": 2}
    )
    before, after = weights(tiny), weights(train(settings, tmp_path / "out"))
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    adapted = adapted_modules(load_model(str(tiny), device="cpu").model, ("attention", "feed-forward"))
    assert {name.split("layers.")[1] for name in changed} == {
        f"{name}.weight".split("layers.")[1] for name in adapted
    }
    assert all("audio_tower" not in name for name in changed)


class Stop:
    """A user who presses Ctrl-C at a step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, progress) -> None:
        if progress.step == self.at:
            raise KeyboardInterrupt


def train_and_be_killed(settings, out, at):
    """Train in a process of its own, which SIGKILL ends at a step."""

    def kill(progress):
        if progress.step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on fork warns of threads
        child = os.fork()
    if not child:
        try:
            train(settings, out, report=kill)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.mark.parametrize("lora", [None, LoraSpec(dropout=0.1)], ids=["all weights", "lora"])
def test_an_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(
    tmp_path, tiny, manifest, lora
):
    settings = config(tmp_path, tiny, manifest, lora=lora, augment=AugmentSpec(), objective="answer-sampling")
    straight = weights(train(settings, tmp_path / "straight"))
    with pytest.raises(AmbivoxError, match=r"interrupted after 5 of 6 steps.*goes on from checkpoint-4"):
        train(settings, tmp_path / "stopped", report=Stop(5))
    train_and_be_killed(settings, tmp_path / "killed", at=3)
    for how, step in (("stopped", 4), ("killed", 2)):
        seen = []
        resumed = weights(train(settings, tmp_path / how, report=seen.append))
        assert min(progress.step for progress in seen) == step
        for name, tensor in straight.items():
            assert torch.equal(resumed[name], tensor), name


def test_a_training_killed_before_its_result_was_written_goes_on_to_the_same_result(tmp_path, tiny, manifest):
    settings = config(tmp_path, tiny, manifest, schedule={"max_steps": 4})
    before = weights(train(settings, tmp_path / "out"))
    shutil.rmtree(tmp_path / "out" / "model")
    seen = []
    after = weights(train(settings, tmp_path / "out", report=seen.append))
    assert {progress.step for progress in seen} <= {4}
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_loss_that_is_no_number_stops_with_the_last_good_checkpoint(tmp_path, tiny, manifest):
    def poison(progress):
        if progress.step == 3:
            next(p for p in speech_model().parameters()).data.fill_(float("nan"))

    holder = {}
    load = load_trainable

    def keep(settings):
        holder["speech"], model = load(settings)
        return holder["speech"], model

    def speech_model():
        return holder["speech"].model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ambivox.finetuning.run.load_trainable", keep)
        with pytest.raises(AmbivoxError, match=r"step 4: the loss is nan: lower learning_rate"):
            train(config(tmp_path, tiny, manifest), tmp_path / "out", report=poison)
    kept = last_checkpoint(tmp_path / "out")
    assert kept.name == "checkpoint-2"
    assert all(torch.isfinite(tensor).all() for tensor in weights(kept).values())


def test_a_disk_that_fills_during_a_checkpoint_leaves_the_one_before(tmp_path, tiny, manifest, monkeypatch):
    settings = config(tmp_path, tiny, manifest)
    save = torch.save

    def full(value, path, *rest, **named):
        if "checkpoint-4" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(value, path, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(AmbivoxError, match=r"No space left.*make room; checkpoint-2 is whole"):
            train(settings, tmp_path / "out")
    assert not (tmp_path / "out" / "checkpoints" / "checkpoint-4").exists()
    assert (train(settings, tmp_path / "out") / "config.json").is_file()


def test_a_folder_with_another_training_is_left_alone(tmp_path, tiny, manifest):
    train(config(tmp_path, tiny, manifest, schedule={"max_steps": 2}), tmp_path / "out")
    with pytest.raises(UsageError, match="holds another training"):
        train(config(tmp_path, tiny, manifest, schedule={"max_steps": 4}), tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(UsageError, match="is not empty"):
        train(config(tmp_path, tiny, manifest), tmp_path / "mine")


def test_batch_keeps_features_of_other_lengths_apart():
    # the order of the rows in `q` is that of the parts
    from ambivox.finetuning.examples import Example

    def made(frames, n):
        inputs = {"input_ids": torch.full((1, n), n), "input_features": torch.zeros(1, 80, frames)}
        return Example(
            inputs, torch.full((1, n), n), torch.arange(n), torch.ones(n, 2), torch.tensor([n, 0.0]), True
        )

    found = batch([made(10, 3), made(20, 4), made(10, 5)], pad_token=0)
    assert found["q"][:, 0].tolist() == [3, 5, 4]
    assert [part["input_ids"].tolist() for part in found["parts"]] == [
        [[0, 0, 3, 3, 3], [5, 5, 5, 5, 5]],
        [[4, 4, 4, 4]],
    ]
    assert found["parts"][0]["labels"].tolist()[0] == [-100, -100, 3, 3, 3]
    assert found["shares"][0].sum(0).tolist() == [3, 3]


def test_the_worked_example_trains_a_small_checkpoint_of_its_class(tmp_path, measured):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    qwen2_audio(checkpoint)  # its window is that of the real one, 30 s
    examples = Path(__file__).parents[2] / "examples"
    example = load_finetuning(examples / "finetune_qwen2_audio.yaml")
    assert example.model.name == "Qwen/Qwen2-Audio-7B-Instruct"
    few = {
        "path": str(examples / "crema-d"),
        "split": None,
        "development": {"speakers": ["1002"]},
        "limit": None,
    }
    settings = example.model_dump() | {
        "model": {"name": str(checkpoint), "options": {"device": "cpu", "dtype": "bfloat16"}},
        "corpora": [example.corpora[0].model_dump() | few],
        "prompts": ["word", "dictionary"],
        "schedule": example.schedule.model_dump()
        | {"max_steps": 1, "evaluate_every": 1, "batch_size": 2, "accumulation": 2, "workers": 0},
    }
    seen = []
    folder = train(FinetuneConfig.model_validate(settings), tmp_path / "out", report=seen.append)
    assert seen[-1].step == 1
    assert load_model(str(folder), device="cpu").model.dtype == torch.float32  # as any folder loads on a CPU
    assert weights(folder)["language_model.model.layers.0.self_attn.q_proj.weight"].dtype == torch.bfloat16
