"""What every family of speech models must do, on small random checkpoints of its real classes."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from asking import ask, clip, eight

from ambivox.errors import AmbivoxError
from ambivox.models import Reply, Request
from ambivox.models.chat_input import TEXT_INPUTS, Inputs
from ambivox.models.transformers import TransformersModel

TOLERANCE = 1e-4  # in probability


def probabilities(reply: Reply) -> np.ndarray:
    return np.exp(reply.watched - reply.logsumexp[:, None])


def full_logits(model: TransformersModel, request: Request) -> tuple[list[int], np.ndarray]:
    """Tokens and ``(T, V)`` logits by transformers alone."""
    inputs = model.chat(request.samples, request.prompt.text)
    with torch.inference_mode():
        out = model.model.generate(
            **inputs,
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
    first = [reply.watched[0] for reply in model.generate([ask(model, samples) for samples in clips])]
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
        np.testing.assert_allclose(together.watched, alone.watched, rtol=0, atol=1e-3)


def test_watched_logits_are_the_raw_logits_of_the_whole_vocabulary(model: TransformersModel) -> None:
    for request in eight(model, (1.0, 0.4)):
        reply = model.generate([request])[0]
        tokens, logits = full_logits(model, request)
        assert reply.token_ids == tuple(tokens)
        np.testing.assert_allclose(reply.watched, logits[:, list(request.watch.token_ids)], rtol=0, atol=1e-4)
        lse = torch.from_numpy(logits).logsumexp(1).numpy()
        np.testing.assert_allclose(reply.logsumexp, lse, rtol=0, atol=1e-4)
