"""Whisper asked by the likelihood of label sentences, on small random checkpoints of the real class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, AudioError, UsageError
from ambivox.models import Request, load_model
from ambivox.models.check import check_model, speech_like
from ambivox.models.whisper.engine import Whisper
from ambivox.prompts import Prompt, load_prompt
from tests.models.hf.asking import clip
from tests.models.whisper.checkpoints import whisper

EMOTIONS = load_emotions("iemocap4")
SENTENCE = load_prompt("sentence")
OTHER = Prompt(
    name="sounds", version=1, format="sentence", text="{{ sentences }}", answer="I sound {{ label }}"
)


@pytest.fixture(scope="module", params=["english", "multilingual"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whisper:
    folder = whisper(tmp_path_factory.mktemp("whisper"), multilingual=request.param == "multilingual")
    loaded = load_model(f"whisper:{folder}", device="cpu")
    assert isinstance(loaded, Whisper)
    return loaded


def ask(model: Whisper, samples: np.ndarray | None, prompt: Prompt = SENTENCE) -> Request:
    rendered = replace(prompt.render(EMOTIONS), max_new_tokens=12)
    return Request(samples, rendered, model.label_tokens(rendered.answers), score=True)


def loss_of(model: Whisper, samples: np.ndarray, start: list[str], sentence: str) -> float:
    """Minus transformers' own teacher-forced loss, summed over the sentence and its end, in nats."""
    tokenizer = model.tokenizer
    begun = tokenizer.convert_tokens_to_ids(start)
    words = [*tokenizer(sentence, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
    features = model.features(samples, sampling_rate=16_000, return_tensors="pt").input_features
    fed = torch.tensor([[*begun, *words[:-1]]])
    labels = torch.tensor([[*[-100] * (len(begun) - 1), *words]])
    with torch.inference_mode():
        loss = model.model(input_features=features, decoder_input_ids=fed, labels=labels).loss
    return -float(loss) * len(words)


def test_a_label_sentence_has_the_likelihood_of_the_teacher_forced_loss(model: Whisper) -> None:
    language = ["<|en|>", "<|transcribe|>"] if model.model.generation_config.is_multilingual else []
    start = ["<|startoftranscript|>", *language, "<|notimestamps|>"]
    request = ask(model, clip(1.3))
    scores = model.generate([request])[0].sequence_logp
    assert scores is not None
    sentences = [sentence for forms in request.prompt.answers for sentence in forms]
    expected = [loss_of(model, request.samples, start, sentence) for sentence in sentences]
    assert len(set(np.round(expected, 3))) == len(sentences)
    assert scores.tolist() == pytest.approx(expected, abs=1e-4)


def test_a_batch_answers_like_single_requests(model: Whisper) -> None:
    lengths = (1.0, 0.3, 2.0, 0.15, 1.0)
    requests = [ask(model, clip(s, i), (SENTENCE, OTHER)[i % 2]) for i, s in enumerate(lengths)]
    requests += [ask(model, requests[0].samples, OTHER)]
    for together, request in zip(model.generate(requests), requests, strict=True):
        [alone] = model.generate([request])
        assert together.token_ids == alone.token_ids
        assert np.exp(together.logsumexp - alone.logsumexp) == pytest.approx(1, abs=1e-4)
        assert np.exp(together.token_logits - alone.token_logits) == pytest.approx(1, abs=1e-4)
        assert together.sequence_logp == pytest.approx(alone.sequence_logp, abs=1e-4)
        assert model.score([request])[0] == pytest.approx(alone.sequence_logp, abs=1e-4)


def test_the_text_is_the_transcript_of_plain_greedy_decoding(model: Whisper) -> None:
    request = ask(model, clip(1.0, seed=3))
    features = model.features(request.samples, sampling_rate=16_000, return_tensors="pt").input_features
    options = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "max_new_tokens": 12}
    if model.model.generation_config.is_multilingual:
        model.model.generation_config.lang_to_id = {"<|en|>": model.start[1]}
        model.model.generation_config.task_to_id = {"transcribe": model.start[2]}
        options |= {"language": "en", "task": "transcribe"}
    model.model.generation_config.no_timestamps_token_id = model.start[-1]
    tokens = model.model.generate(features, **options)[0]
    said = model.tokenizer.decode(tokens, skip_special_tokens=True).strip()
    [reply] = model.generate([request])
    assert (reply.text, reply.says) == (said, "transcript")


def test_logits_of_the_transcript_are_those_before_tokens_are_suppressed(model: Whisper) -> None:
    request = ask(model, clip(1.0))
    watched = replace(request.label_tokens, token_ids=(model.end, 30), tokens=("", ""))
    [reply] = model.generate([replace(request, label_tokens=watched)])
    features = model.features(request.samples, sampling_rate=16_000, return_tensors="pt").input_features
    fed = torch.tensor([[*model.start, *reply.token_ids[:-1]]])
    with torch.inference_mode():
        logits = model.model(input_features=features, decoder_input_ids=fed).logits[0, len(model.start) - 1 :]
    assert reply.token_logits == pytest.approx(logits[:, [model.end, 30]].numpy(), abs=1e-4)
    assert reply.logsumexp == pytest.approx(logits.logsumexp(1).numpy(), abs=1e-4)


def test_silence_of_any_length_is_one_clip(model: Whisper) -> None:
    a, b = model.generate([ask(model, np.zeros(n, dtype=np.float32)) for n in (4000, 32_000)])
    assert a.sequence_logp == pytest.approx(b.sequence_logp, abs=0)
    assert (a.audio_tokens, b.audio_tokens) == (13, 100)


def test_a_folder_of_its_class_is_found_without_the_name_of_the_engine(model: Whisper) -> None:
    assert isinstance(load_model(model.name, device="cpu"), Whisper)
    with pytest.raises(UsageError, match="share"):
        load_model(f"whisper:{model.name}", share=False)


@pytest.mark.parametrize("prompt", ["word", "letter", "dictionary", "free"])
def test_a_question_is_refused_with_what_to_ask_instead(model: Whisper, prompt: str) -> None:
    with pytest.raises(UsageError, match="ask with sentence or a prompt of its format"):
        model.generate([ask(model, clip(1.0), load_prompt(prompt))])


def test_a_clip_beyond_the_window_is_refused(model: Whisper) -> None:
    assert model.max_audio_s == 2.0
    with pytest.raises(AudioError, match=r"2\.5 s of audio, the model hears at most 2 s"):
        model.generate([ask(model, clip(2.5))])


def test_no_audio_and_layers_are_refused(model: Whisper) -> None:
    with pytest.raises(AmbivoxError, match="cannot be asked without audio"):
        model.generate([ask(model, None)])
    with pytest.raises(AmbivoxError, match="readout 'lens'"):
        model.generate([replace(ask(model, clip(1.0)), lens=True)])


def test_a_control_token_in_a_sentence_is_refused(model: Whisper) -> None:
    with pytest.raises(UsageError, match="holds a control token"):
        model.label_tokens([["I sound <|endoftext|> sad"], ["I sound happy"]])


def test_it_passes_every_check_of_a_model(model: Whisper) -> None:
    checks = check_model(model, [speech_like(seconds, seed) for seed, seconds in enumerate((1.0, 1.6, 1.3))])
    assert [check for check in checks if not check.passed] == []


def test_another_class_is_refused_by_the_engine(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a Whisper model"):
        load_model("whisper:src/ambivox/models/mini")
