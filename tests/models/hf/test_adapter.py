"""What the transformers engine promises beyond the families: cutting, limits, loading, errors."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from ambivox.errors import AmbivoxError, AudioError, UsageError
from ambivox.models import load_model
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.chat_input import batch_key
from ambivox.models.hf.load import load_transformers
from tests.models.hf.asking import ask, clip

Checkpoint = Callable[[str], Path]
Loaded = Callable[[str], TransformersModel]


@pytest.fixture
def qwen(loaded: Loaded) -> TransformersModel:
    return loaded("qwen2_audio")


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
    model.reference.decoding.eos_token_id = [said[third], *model.reference.decoding.eos_token_id]
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
    assert qwen.max_audio_s == 5.0
    assert qwen.generate([ask(qwen, clip(5.0))])[0].audio_tokens == 125
    message = r"long\.wav: 6\.0 s of audio, the model hears at most 5 s: give --start-s and --end-s"
    with pytest.raises(AudioError, match=message):
        qwen.generate([ask(qwen, clip(6.0), name="long.wav")])
    with pytest.raises(AudioError):
        qwen.score([ask(qwen, clip(5.1))])


def test_a_clip_too_short_for_one_audio_token_is_refused(qwen: TransformersModel) -> None:
    assert qwen.generate([ask(qwen, clip(0.1))])[0].audio_tokens > 0
    with pytest.raises(AudioError, match=r"dot\.wav: 0\.01 s of audio is too short"):
        qwen.generate([ask(qwen, clip(0.01), name="dot.wav")])


def test_padding_never_looks_like_audio(loaded: Loaded) -> None:
    model = loaded("glm_asr")
    assert model.chat.tokenizer.pad_token_id == model.chat.audio_token
    assert model.reference.decoding.pad_token_id != model.chat.audio_token


def test_the_start_token_is_written_once(loaded: Loaded) -> None:
    model = loaded("gemma_3n")
    start = model.chat.tokenizer.bos_token_id
    assert model.chat.tokenizer("x")["input_ids"][0] == start
    assert (model.chat(clip(0.5), "x")["input_ids"] == start).sum() == 1


def test_nothing_is_printed(checkpoint: Checkpoint, capfd: pytest.CaptureFixture[str]) -> None:
    model = load_model(str(checkpoint("qwen2_audio")), device="cpu")
    model.generate([ask(model, clip(0.5))])
    assert capfd.readouterr() == ("", "")


def test_a_chat_template_that_does_not_end_is_stopped_in_one_line(copy: Path) -> None:
    loops = "".join(f"{{% for a{n} in range(99999) %}}" for n in range(3)) + "{% endfor %}" * 3
    (copy / "chat_template.jinja").write_text(loops)
    model, before = load_transformers(str(copy), device="cpu"), sys.gettrace()
    with pytest.raises(AmbivoxError, match=r"its chat template does not end after 1,000,000 steps") as error:
        model.generate([ask(model, clip(0.5))])
    assert "\n" not in str(error.value)
    assert sys.gettrace() is before


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
        ({"batch_size": 0}, "option batch_size: input should be greater than or equal to 1, not 0"),
        ({"batch_size": "8"}, "option batch_size: input should be a valid integer, not '8'"),
        ({"batch_tokens": True}, "option batch_tokens: input should be a valid integer, not True"),
        ({"dtype": ["float32"]}, "option dtype: input should be a valid string"),
        ({"device": 0}, "option device: input should be a valid string, not 0"),
        ({"share": "yes"}, "option share: input should be a valid boolean"),
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


def test_a_prompt_beyond_the_last_position_is_refused(qwen: TransformersModel) -> None:
    positions = qwen.model.config.get_text_config().max_position_embeddings
    request = ask(qwen, clip(0.5))
    used = qwen.chat(request.samples, request.prompt.text)["input_ids"].shape[1]
    fits = replace(request, prompt=replace(request.prompt, max_new_tokens=positions - used))
    qwen.score([fits])
    beyond = replace(request, prompt=replace(request.prompt, max_new_tokens=positions - used + 1))
    message = rf"clip: the prompt has {used} tokens .* the model has {positions} positions"
    with pytest.raises(AmbivoxError, match=message):
        qwen.score([beyond])
    long = replace(request, prompt=replace(request.prompt, text=request.prompt.text + " word" * positions))
    for ask_long in (qwen.generate, qwen.score):
        with pytest.raises(AmbivoxError, match=f"the model has {positions} positions"):
            ask_long([long])


def test_control_tokens_in_a_prompt_are_text(model: TransformersModel) -> None:
    samples, chat = clip(0.5), model.chat
    placeholder = chat.tokenizer.convert_ids_to_tokens(chat.audio_token)
    control = [str(token) for token in chat.tokenizer.all_special_tokens if len(str(token)) > 1]
    written = " ".join([placeholder, *control, "".join(control[:2]), f"<{placeholder}>"])
    special = set(chat.tokenizer.all_special_ids) | {chat.audio_token}
    for request in (lambda text: chat(samples, text), chat.without_audio):
        plain, hostile = (
            [token for token in request(text)["input_ids"][0].tolist() if token in special]
            for text in ("He said it.", f"He said {written}")
        )
        assert hostile == plain
    on_clip = chat.on_clip(samples, ["He said it.", f"He said {written}"])
    assert [chat.count_audio_tokens(each) for each in on_clip] == [chat.count_audio_tokens(on_clip[0])] * 2


def test_a_prompt_without_control_tokens_is_left_as_it_is(model: TransformersModel) -> None:
    text = "A < B, a|b, [x] and <i>: \u00e9\u4e16 \U0001f600\n\n"
    assert model.chat.as_text(text) == text
