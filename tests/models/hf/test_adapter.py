"""What the transformers engine promises beyond the families: cutting, limits, loading, errors."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from ambivox.errors import AmbivoxError, AudioError, UsageError
from ambivox.models import load_model
from ambivox.models.hf.adapter import TransformersModel, load_transformers
from ambivox.models.hf.chat_input import batch_key
from tests.models.hf.asking import ask, clip

Checkpoint = Callable[[str], Path]
Loaded = Callable[[str], TransformersModel]


@pytest.fixture
def qwen(loaded: Loaded) -> TransformersModel:
    return loaded("qwen2_audio")


@pytest.fixture
def copy(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint("glm_asr"), tmp_path / "copy"))


def test_settings_of_the_checkpoint_do_not_touch_the_logits(
    qwen: TransformersModel, checkpoint: Checkpoint
) -> None:
    request = ask(qwen, clip(1.0))
    plain = transformers.AutoModelForMultimodalLM.from_pretrained(checkpoint("qwen2_audio"))
    assert plain.generation_config.repetition_penalty == 1.3
    with torch.inference_mode():
        logits = plain(**qwen.chat(request.samples, request.prompt.text)).logits[0, -1]
    token_logits = qwen.generate([request])[0].token_logits[0]
    np.testing.assert_allclose(
        token_logits, logits[list(request.label_tokens.token_ids)].numpy(), rtol=0, atol=1e-4
    )


def test_each_request_of_a_batch_is_cut_at_its_own_length(qwen: TransformersModel) -> None:
    request = ask(qwen, clip(1.0))
    lengths = (1, 7, 3)
    asked = [replace(request, prompt=replace(request.prompt, max_new_tokens=n)) for n in lengths]
    replies = qwen.generate(asked)
    assert tuple(len(reply.token_ids) for reply in replies) == lengths
    assert [reply.finish for reply in replies] == ["length"] * 3
    assert all(
        reply.token_logits.shape[0] == reply.logsumexp.shape[0] == len(reply.token_ids) for reply in replies
    )
    assert replies[2].token_ids == replies[1].token_ids[:3]


def test_a_row_that_ends_early_stops_at_its_own_end_token(
    checkpoint: Checkpoint, qwen: TransformersModel
) -> None:
    long, short = ask(qwen, clip(1.0), "letter"), ask(qwen, clip(2.0, 5), "word")
    said = qwen.generate([short])[0].token_ids
    third = next(n for n in range(2, len(said)) if said[n] not in said[:n])
    model = load_transformers(str(checkpoint("qwen2_audio")), device="cpu")
    model._decoding.eos_token_id = [said[third], *model._decoding.eos_token_id]
    reply = model.generate([short, long])[0]
    assert reply.finish == "stop"
    assert reply.token_ids == said[: third + 1]
    assert reply.token_logits.shape[0] == third + 1
    assert reply.text == model.chat.tokenizer.decode(list(said[:third]), skip_special_tokens=True)


def test_requests_keep_their_order_and_their_own_watch(qwen: TransformersModel) -> None:
    few = replace(ask(qwen, clip(0.4)), label_tokens=qwen.label_tokens([["happy"], ["sad"]]))
    many = ask(qwen, clip(2.0, 4), "dictionary")
    a, b = qwen.generate([few, many])
    assert a.token_logits.shape[1] == len(few.label_tokens.token_ids)
    assert b.token_logits.shape[1] == len(many.label_tokens.token_ids)
    assert (a.audio_tokens, b.audio_tokens) == (10, 50)


def test_no_batch_mixes_features_of_different_shape(loaded: Loaded) -> None:
    model = loaded("qwen3_asr")
    short, long = (model.chat(clip(s), "x") for s in (0.5, 2.0))
    assert batch_key(short) != batch_key(long)
    assert batch_key(short) == batch_key(model.chat(clip(0.5, 7), "another, longer prompt"))


def test_a_clip_beyond_the_window_is_refused_with_the_fix(qwen: TransformersModel) -> None:
    assert qwen.max_audio_s == 30.0
    assert qwen.generate([ask(qwen, clip(30.0))])[0].audio_tokens == 750
    message = r"long\.wav: 31\.0 s of audio, the model hears at most 30 s: give --start and --end"
    with pytest.raises(AudioError, match=message):
        qwen.generate([ask(qwen, clip(31.0), name="long.wav")])
    with pytest.raises(AudioError):
        qwen.score([ask(qwen, clip(30.1))])


def test_a_clip_too_short_for_one_audio_token_is_refused(qwen: TransformersModel) -> None:
    assert qwen.generate([ask(qwen, clip(0.1))])[0].audio_tokens > 0
    with pytest.raises(AudioError, match=r"dot\.wav: 0\.01 s of audio is too short"):
        qwen.generate([ask(qwen, clip(0.01), name="dot.wav")])


def test_padding_never_looks_like_audio(loaded: Loaded) -> None:
    model = loaded("glm_asr")
    assert model.chat.tokenizer.pad_token_id == model.chat.audio_token
    assert model._decoding.pad_token_id != model.chat.audio_token


def test_the_start_token_is_written_once(loaded: Loaded) -> None:
    model = loaded("gemma_3n")
    start = model.chat.tokenizer.bos_token_id
    assert model.chat.tokenizer("x")["input_ids"][0] == start
    assert (model.chat(clip(0.5), "x")["input_ids"] == start).sum() == 1


def test_nothing_is_printed(checkpoint: Checkpoint, capfd: pytest.CaptureFixture[str]) -> None:
    model = load_model(str(checkpoint("qwen2_audio")), device="cpu")
    model.generate([ask(model, clip(0.5))])
    assert capfd.readouterr() == ("", "")


def test_the_fingerprint_is_of_the_contents(copy: Path, loaded: Loaded) -> None:
    same = load_transformers(str(copy), device="cpu").fingerprint
    assert same == loaded("glm_asr").fingerprint
    assert load_transformers(str(copy), device="cpu", dtype="bfloat16").fingerprint != same
    template = copy / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    other_template = load_transformers(str(copy), device="cpu").fingerprint
    assert other_template != same
    weights = load_file(copy / "model.safetensors")
    name = min(weights)
    save_file(weights | {name: weights[name] + 1e-3}, copy / "model.safetensors", metadata={"format": "pt"})
    assert load_transformers(str(copy), device="cpu").fingerprint not in (same, other_template)


def test_weights_that_would_stay_random_are_an_error(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    lost = min(weights)
    save_file({k: v for k, v in weights.items() if k != lost}, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(AmbivoxError, match="1 weights are missing"):
        load_transformers(str(copy))


def test_pickled_weights_are_refused(copy: Path) -> None:
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(AmbivoxError, match=r"cannot be loaded: .*safetensors"):
        load_transformers(str(copy))


def test_a_model_without_chat_template_is_refused(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="no chat template"):
        load_transformers(str(copy))


def test_a_template_that_leaves_the_audio_out_is_refused(copy: Path) -> None:
    (copy / "chat_template.jinja").write_text("{{ messages[0]['role'] }}: ")
    model = load_transformers(str(copy))
    with pytest.raises(UsageError, match="leaves the audio out"):
        model.generate([ask(model, clip(0.5))])


def test_a_template_that_knows_text_only_gets_the_placeholder_in_the_text(copy: Path, loaded: Loaded) -> None:
    (copy / "chat_template.jinja").write_text("{{ '<|im_start|>' + messages[0]['content'] + '<|im_end|>' }}")
    model = load_transformers(str(copy))
    reply = model.generate([ask(model, clip(0.5))])[0]
    assert reply.audio_tokens == loaded("glm_asr").generate([ask(model, clip(0.5))])[0].audio_tokens


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float33"}, "unknown dtype 'float33'"),
        ({"dtype": "int8"}, "unknown dtype 'int8'"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_an_option_out_of_range_is_a_usage_error(
    options: dict[str, object], message: str, checkpoint: Checkpoint
) -> None:
    with pytest.raises(UsageError, match=message):
        load_model(str(checkpoint("qwen2_audio")), **options)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.json"):
        load_model(str(tmp_path))
    with pytest.raises(UsageError, match="no such folder"):
        load_model(str(tmp_path / "nothing" / "here"))
