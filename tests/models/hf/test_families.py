"""What every family of speech models must do, on small random checkpoints of its real classes."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from ambivox.errors import AmbivoxError
from ambivox.models import Reply, Request
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.chat_input import TEXT_INPUTS, Inputs
from tests.models.hf.asking import ask, clip, eight

TOLERANCE = 1e-4  # in probability

FEW = [["angry"], ["happy"]]
"""Two labels, some of their forms of several tokens in the tests' tokenizers."""


def probabilities(reply: Reply) -> np.ndarray:
    return np.exp(reply.token_logits - reply.logsumexp[:, None])


def full_logits(model: TransformersModel, request: Request) -> tuple[list[int], np.ndarray]:
    """Tokens and ``(T, V)`` logits by transformers alone."""
    inputs = model.chat(request.samples, request.prompt.text)
    with torch.inference_mode():
        out = model.model.generate(
            **inputs,
            **model.reference.fixed,
            max_new_tokens=request.prompt.max_new_tokens,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
    tokens = out.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    return tokens, torch.cat(out.logits).float().numpy()


def test_every_request_carries_placeholders_and_features(model: TransformersModel) -> None:
    inputs = model.chat(clip(1.0), "What emotion?")
    assert model.chat.count_audio_tokens(inputs) > 0
    assert any(v.is_floating_point() and v.abs().sum() > 0 for v in inputs.values())
    assert model.generate([ask(model, clip(1.0))])[0].audio_tokens > 0


def test_a_request_that_lost_its_features_is_refused(model: TransformersModel) -> None:
    inputs = model.chat(clip(1.0), "What emotion?")
    text_only = {key: value for key, value in inputs.items() if key in TEXT_INPUTS}
    with pytest.raises(AmbivoxError, match=r"did not reach the model.*no audio features"):
        model.chat.assert_heard(text_only)


def test_a_request_that_lost_its_placeholders_is_refused(model: TransformersModel) -> None:
    inputs = model.chat(clip(1.0), "What emotion?")
    ids = inputs["input_ids"]
    with pytest.raises(AmbivoxError, match=r"did not reach the model.*no placeholder"):
        model.chat.assert_heard(inputs | {"input_ids": ids[ids != model.chat.audio_token][None]})


def test_a_processor_that_ignores_the_audio_is_refused(
    model: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.chat, "raw", partial(_deaf, model.chat.raw))
    with pytest.raises(AmbivoxError):
        model.generate([ask(model, clip(1.0))])


def _deaf(raw: Callable[..., Inputs], samples: object, text: str) -> Inputs:
    return raw(None, text)


def test_another_clip_silence_and_noise_change_the_logits(model: TransformersModel) -> None:
    noise = np.random.default_rng(9).normal(0, 0.3, 16_000).astype(np.float32)
    clips = [clip(1.0), clip(1.0, 1), np.zeros(16_000, np.float32), noise]
    first = [reply.token_logits[0] for reply in model.generate([ask(model, samples) for samples in clips])]
    for a in range(len(first)):
        for b in range(a):
            assert np.abs(first[a] - first[b]).max() > 1e-3, (a, b)


def test_a_batch_of_eight_answers_like_eight_single_clips(model: TransformersModel) -> None:
    requests = eight(model)
    for request, together in zip(requests, model.generate(requests), strict=True):
        alone = model.generate([request])[0]
        assert together.token_ids == alone.token_ids
        assert together.text == alone.text
        np.testing.assert_allclose(probabilities(together), probabilities(alone), rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(together.token_logits, alone.token_logits, rtol=0, atol=1e-3)


def test_watched_logits_are_the_raw_logits_of_the_whole_vocabulary(model: TransformersModel) -> None:
    for request in eight(model, (1.0, 0.4)):
        reply = model.generate([request])[0]
        tokens, logits = full_logits(model, request)
        assert reply.token_ids == tuple(tokens)
        np.testing.assert_allclose(
            reply.token_logits, logits[:, list(request.label_tokens.token_ids)], rtol=0, atol=1e-4
        )
        lse = torch.from_numpy(logits).logsumexp(1).numpy()
        np.testing.assert_allclose(reply.logsumexp, lse, rtol=0, atol=1e-4)


def test_scores_are_those_of_a_plain_forward_pass_per_label(model: TransformersModel) -> None:
    request = replace(ask(model, clip(0.6)), label_tokens=model.label_tokens(FEW))
    label_tokens = request.label_tokens
    longest = max(range(len(label_tokens.sequences)), key=lambda n: len(label_tokens.sequences[n]))
    assert len(label_tokens.sequences[longest]) > 1, (
        "no label of several tokens: the test would prove nothing"
    )
    scores = model.score([request])[0]
    inputs = model.chat(request.samples, request.prompt.text)
    for n in {0, longest, len(label_tokens.sequences) - 1}:
        answer = torch.tensor([label_tokens.sequences[n]])
        ids = torch.cat([inputs["input_ids"], answer], dim=1)
        rest = {k: v for k, v in inputs.items() if k not in TEXT_INPUTS}
        if "token_type_ids" in inputs:
            rest["token_type_ids"] = torch.cat([inputs["token_type_ids"], torch.zeros_like(answer)], dim=1)
        with torch.inference_mode():
            logits = model.model(
                input_ids=ids, attention_mask=torch.ones_like(ids), **rest, **model.reference.fixed
            ).logits
        logp = logits[0, -answer.shape[1] - 1 : -1].float().log_softmax(1).gather(1, answer.T)
        np.testing.assert_allclose(np.exp(scores[n]), np.exp(float(logp.sum())), rtol=1e-3, atol=1e-9)


def test_scores_in_a_batch_equal_scores_alone(model: TransformersModel) -> None:
    # the last one list other labels: every request has its own
    requests = [
        replace(ask(model, clip(0.5, 1)), label_tokens=model.label_tokens(FEW)),
        replace(ask(model, clip(0.5, 2), "letter"), label_tokens=model.label_tokens(FEW)),
        replace(ask(model, clip(1.1, 3)), label_tokens=model.label_tokens([["sad"], ["no"]])),
    ]
    for request, together in zip(requests, model.score(requests), strict=True):
        alone = model.score([request])[0]
        np.testing.assert_allclose(np.exp(together), np.exp(alone), rtol=0, atol=TOLERANCE)


def test_the_same_request_twice_gives_the_same_logits(model: TransformersModel) -> None:
    request = ask(model, clip(1.0))
    first, second = model.generate([request])[0], model.generate([request])[0]
    assert first.token_ids == second.token_ids
    np.testing.assert_array_equal(first.token_logits, second.token_logits)
