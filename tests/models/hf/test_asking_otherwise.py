"""Asking without audio, for sampled answers and for every layer, on every family."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ambivox.errors import UsageError
from ambivox.models import Request
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.chat_input import TEXT_INPUTS
from ambivox.models.hf.choose import choose
from ambivox.models.sampling import Sampler, samplers
from tests.models.hf.asking import ask, clip

Loaded = Callable[[str], TransformersModel]


def brief(model: TransformersModel, seconds: float = 0.5, prompt: str = "word", seed: int = 0) -> Request:
    """A request for an answer of 3 tokens."""
    request = ask(model, clip(seconds, seed), prompt)
    return replace(request, prompt=replace(request.prompt, max_new_tokens=3))


def probabilities(token_logits: np.ndarray, logsumexp: np.ndarray) -> np.ndarray:
    return np.exp(token_logits - logsumexp[..., None])


def test_a_prompt_without_audio_is_answered_as_by_a_plain_text_model(model: TransformersModel) -> None:
    request = replace(brief(model), samples=None)
    reply = model.generate([request])[0]
    inputs = model.chat.without_audio(request.prompt.text)
    assert model.chat.audio_token not in inputs["input_ids"]
    assert request.prompt.text in model.chat.tokenizer.decode(inputs["input_ids"][0])
    with torch.inference_mode():
        logits = model.model(**inputs).logits[0, -1].float()
    assert reply.audio_tokens == 0
    np.testing.assert_allclose(
        reply.token_logits[0], logits[list(request.label_tokens.token_ids)], rtol=0, atol=1e-4
    )


def test_with_and_without_audio_share_a_call(model: TransformersModel) -> None:
    heard = replace(brief(model), label_tokens=model.label_tokens([["sad"]]))
    asked = [heard, replace(heard, samples=None)]
    together, scores = model.generate(asked), model.score(asked)
    for request, reply, score in zip(asked, together, scores, strict=True):
        alone = model.generate([request])[0]
        assert reply.token_ids == alone.token_ids
        np.testing.assert_allclose(np.exp(score), np.exp(model.score([request])[0]), rtol=0, atol=1e-4)


def test_draws_depend_on_the_request_alone(model: TransformersModel) -> None:
    request = replace(brief(model), n_draws=3, seed=5)
    other = replace(brief(model, 0.9, "letter", 1), n_draws=2)
    alone = model.generate([request])[0]
    _, together = model.generate([other, request])
    assert len(alone.draws) == 3
    assert alone.draws == together.draws
    assert len(set(alone.draws)) > 1
    assert alone.text == model.generate([replace(request, n_draws=0)])[0].text
    assert model.generate([replace(request, seed=6)])[0].draws != alone.draws


def test_a_temperature_near_zero_draws_the_greedy_answer(model: TransformersModel) -> None:
    reply = model.generate([replace(brief(model), n_draws=2, temperature=1e-5)])[0]
    assert reply.draws == (reply.text, reply.text)


def test_draws_follow_the_probabilities_at_the_temperature() -> None:
    logits = torch.tensor([1.0, 3.0, -torch.inf, 2.0])
    sampler = Sampler(2.0, np.random.default_rng(0).random(4000))
    drawn = [choose(sampler, logits, step) for step in range(4000)]
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, torch.softmax(logits / 2, 0), atol=0.03)
    assert shares[2] == 0


def test_every_draw_of_every_request_has_numbers_of_its_own(loaded: Loaded) -> None:
    request = replace(ask(loaded("qwen2_audio"), clip(0.5)), n_draws=2)
    flat = torch.zeros(10_000)
    prompt = replace(request.prompt, text="another")
    others = [request, replace(request, seed=1), replace(request, samples=None)]
    others += [replace(request, prompt=prompt), replace(request, samples=clip(0.5, 1))]
    numbers = {choose(sampler, flat, 0) for asked in others for sampler in samplers(asked)}
    assert len(numbers) == 2 * len(others)


@pytest.mark.parametrize("wrong", [{"n_draws": -1}, {"n_draws": 1, "temperature": 0.0}])
def test_draws_out_of_range_are_a_usage_error(loaded: Loaded, wrong: dict[str, float]) -> None:
    model = loaded("qwen2_audio")
    with pytest.raises(UsageError, match="n_draws" if wrong["n_draws"] < 0 else "temperature"):
        model.generate([replace(ask(model, clip(0.5)), **wrong)])


def test_the_lens_reads_every_layer_or_says_that_it_cannot(model: TransformersModel) -> None:
    asked = replace(brief(model), lens=True)
    if "Gemma3n" in type(model.model).__name__:
        with pytest.raises(UsageError, match="layers of this family cannot be read"):
            model.generate([asked])
        return
    reply = model.generate([asked])[0]
    assert reply.lens is not None
    assert reply.lens_logsumexp is not None
    layers = model.model.config.get_text_config().num_hidden_layers
    assert reply.lens.shape == (layers, *reply.token_logits.shape)
    assert reply.lens_logsumexp.shape == (layers, len(reply.token_ids))
    np.testing.assert_array_equal(reply.lens[-1], reply.token_logits)
    expected = _hidden_states(model, asked, reply.token_ids)
    assert len(expected) == layers
    for layer, logits in enumerate(expected[:-1]):
        p = probabilities(reply.lens[layer], reply.lens_logsumexp[layer])
        q = logits.softmax(1)[:, list(asked.label_tokens.token_ids)]
        np.testing.assert_allclose(p, q, rtol=0, atol=1e-5)


def _hidden_states(model: TransformersModel, request: Request, answer: tuple[int, ...]) -> list[torch.Tensor]:
    """Per layer ``(T, V)`` logits by `output_hidden_states`, which gives the last layer after the norm."""
    inputs = model.chat(request.samples, request.prompt.text)
    ids = torch.cat([inputs["input_ids"], torch.tensor([answer[:-1]], dtype=torch.long)], dim=1)
    rest = {k: v for k, v in inputs.items() if k not in TEXT_INPUTS}
    norm, head = model.model.get_decoder().norm, model.model.get_output_embeddings()
    with torch.inference_mode():
        out = model.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            output_hidden_states=True,
            **rest,
            **model.reference.fixed,
        )
        *inner, last = (state[0, -len(answer) :] for state in out.hidden_states[1:])
        return [head(state) for state in (*map(norm, inner), last)]
