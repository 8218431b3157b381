"""Chat examples and tokenizer that the bundled checkpoint is trained with."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from recipes.mini.chat import Example, example, random_emotions, random_prompt, written_numbers
from recipes.mini.checkpoint import (
    IM_START,
    build_model,
    build_processor,
    build_tokenizer,
    emotion_words,
)
from recipes.mini.decoder import answer_logits, chat_loss, train_step
from recipes.mini.encoding import Encoding
from recipes.mini.gaze import Gaze

from ambivox.emotions import load_emotions
from ambivox.prompts import load_prompt

EMOTIONS = load_emotions("cremad6")
HEARD_SHARES = np.array([0.4, 0.05, 0.05, 0.1, 0.2, 0.05, 0.05, 0.05, 0.05])


def made(prompt: str, order: list[int] | None = None) -> Example:
    rendered = load_prompt(prompt).render(EMOTIONS, order=order)
    return example(HEARD_SHARES, rendered, EMOTIONS, np.random.default_rng(0))


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    rng = np.random.default_rng(0)
    texts = [random_prompt(rng, random_emotions(rng)).text for _ in range(50)]
    return Encoding(build_processor(build_tokenizer([*texts, made("dictionary").answer])))


def test_a_dictionary_holds_exactly_the_options_in_their_order_and_sums_to_one() -> None:
    answer = json.loads(made("dictionary", [5, 4, 3, 2, 1, 0]).answer)
    assert list(answer) == ["sad", "neutral", "happy", "fear", "disgust", "angry"]
    assert round(sum(answer.values()), 10) == 1
    assert max(answer, key=answer.get) == "angry"


def test_percentages_are_one_line_per_option_and_sum_to_one_hundred() -> None:
    lines = made("percentages").answer.split("\n")
    assert [line.split(": ")[0] for line in lines] == list(EMOTIONS.labels)
    assert sum(int(line.split(": ")[1].rstrip("%")) for line in lines) == 100


@pytest.mark.parametrize("prompt", ["word", "dictionary", "ranked", "free"])
def test_an_answer_that_leans_says_neutral_more_often_and_names_the_same(prompt: str) -> None:
    rendered, sure = load_prompt(prompt).render(EMOTIONS), np.array([0.6, *[0.05] * 8])
    plain, leaning = (
        example(sure, rendered, EMOTIONS, np.random.default_rng(0), lean) for lean in (False, True)
    )
    a, b = (next(part[0] for part in made.parts if not isinstance(part, str) and len(part[0].words) > 1)
            for made in (plain, leaning))  # fmt: skip
    if prompt == "dictionary":  # the number of angry, which comes first
        assert b.shares @ np.arange(11) < a.shares @ np.arange(11)
    else:
        neutral = a.words.index("neutral")
        assert b.shares[neutral] > a.shares[neutral]
        assert b.words[b.shares.argmax()] == a.words[a.shares.argmax()] == "angry"


def test_a_ranking_names_every_option_once() -> None:
    assert sorted(made("ranked").answer.split(" > ")) == sorted(EMOTIONS.labels)


@settings(max_examples=200)
@given(st.lists(st.floats(1e-3, 1), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_written_numbers_sum_to_the_total(weights: list[float], seed: int) -> None:
    shares = np.array(weights) / np.sum(weights)
    numbers = written_numbers(shares, 10, np.random.default_rng(seed))
    assert sum(n for _, n in numbers) == 10
    for slot, n in numbers:
        assert n >= 0
        assert slot.shares.sum() == pytest.approx(1)
        assert slot.shares[n] > 0  # what is written is among what is taught


def test_the_first_written_number_is_right_on_average() -> None:
    shares = np.array([0.27, 0.33, 0.4])
    (slot, _), *_ = written_numbers(shares, 10, np.random.default_rng(0))
    assert slot.shares @ np.arange(11) == pytest.approx(2.7)


def test_answers_rest_on_the_options_where_these_stand_in_the_prompt(encoding: Encoding) -> None:
    order = [5, 4, 3, 2, 1, 0]
    labels = EMOTIONS.labels
    for name in ("word", "letter", "dictionary", "percentages", "ranked"):
        tokens = encoding(made(name, order))
        words = [encoding.tokenizer.decode([tokens.ids[place]]) for place in tokens.options]
        assert words == [f" {labels[n]}" for n in order]
        assert len(tokens.look) == (1 if name in ("word", "letter") else 6)
        for index, shares in tokens.look:
            assert tokens.weights[index] > 1
            assert sum(shares) == pytest.approx(1)


def test_the_gaze_is_how_far_off_the_attention_and_the_stream_are_that_transformers_computes(
    encoding: Encoding,
) -> None:
    torch.manual_seed(0)
    model = build_model(encoding.tokenizer).eval()
    model.set_attn_implementation("eager")
    gaze = Gaze(model)
    examples = [encoding(made("letter")), encoding(made("dictionary"))]
    audio = [torch.randn(3, 192), torch.randn(5, 192)]
    attentions: dict[int, torch.Tensor] = {}
    streams: dict[int, torch.Tensor] = {}
    for n, layer in enumerate(model.model.language_model.layers):
        layer.self_attn.register_forward_hook(
            lambda module, args, output, n=n: attentions.__setitem__(n, output[1].double())
        )
        layer.input_layernorm.register_forward_hook(
            lambda module, args, output, n=n: streams.__setitem__(n, output)
        )
    with torch.no_grad():
        answer_logits(model, audio, examples, encoding.audio)
        loss = float(gaze.loss(audio, examples))
    kinds: dict[str, list[float]] = {"letters": [], "options": [], "nexts": [], "sums": [], "dues": []}
    errors = []
    numbers = list(json.loads(made("dictionary").answer).values())
    for b, (tokens, shown) in enumerate(zip(examples, audio, strict=True)):
        # the ids as the model saw them, with one placeholder for each audio token
        at = tokens.ids.index(encoding.audio)
        ids = tokens.ids[:at] + [encoding.audio] * len(shown) + tokens.ids[at + 1 :]
        text = encoding.tokenizer.convert_ids_to_tokens(ids)
        answer = tokens.first + len(shown) - 1
        places = [place + len(shown) - 1 for place in tokens.options]
        for index, shares in tokens.look:
            here = answer + index - 1
            if b == 0:
                kinds["letters"] += [kl([1.0], attentions[0][b, 1, n, [n - 2]]) for n in places]
                heads = attentions[2][b, :2, here][:, places]
                kinds["options"].append(float(np.mean([kl(shares, row) for row in heads])))
                continue
            starts = [n for n, token in enumerate(text) if token == IM_START]
            digits = [n for n in range(answer, here + 1) if text[n].isdigit()]
            weights = np.array([0.5, 0.5] + [0.25] * len(digits))
            kinds["sums"].append(kl(weights / weights.sum(), attentions[1][b, 2, here][starts + digits]))
            named = [n for n in range(answer, here + 1) if text[n] in EMOTIONS.labels]
            following = [places[len(named)]] if len(named) < 6 else starts
            row = attentions[1][b, 0, here][following]
            kinds["nexts"].append(kl(np.full(len(row), 1 / len(row)), row))
            due = np.array([*shares, *shares[: len(named)]])
            kinds["dues"].append(kl(due / due.sum(), attentions[2][b, 2, here][places + named]))
            so_far = 10 * sum(numbers[: len(named) - 1])
            still = 10 * sum(shares[: len(named)]) - so_far
            told = [*gaze.probes[0](streams[2][b, here]), *gaze.probes[1](streams[3][b, here])]
            for got, value in zip(told, (so_far, 10 * (len(named) == 6), still), strict=True):
                error = abs(float(got.detach()) - value)
                errors.append(error - 0.5 if error > 1 else error**2 / 2)
    assert len(kinds["dues"]) == len(kinds["sums"]) == len(EMOTIONS)
    expected = sum(float(np.mean(values)) for values in kinds.values()) + 3 * np.mean(errors)
    assert loss == pytest.approx(expected, abs=1e-4)


def kl(shares: Sequence[float], attention: torch.Tensor) -> float:
    """In nats, on the places that have a share."""
    return float(np.sum(scipy.special.rel_entr(shares, attention.numpy())))


def test_a_step_counts_every_example_alike_however_it_is_cut(encoding: Encoding) -> None:
    torch.manual_seed(0)
    model = build_model(encoding.tokenizer)
    gaze = Gaze(model)
    examples = [encoding(made(name)) for name in ("word", "dictionary", "ranked")]
    audio = [torch.randn(4, 192) for _ in examples]
    train_step(model, gaze, audio, examples, encoding, 0.0)
    got = model.lm_head.weight.grad.clone()
    model.zero_grad()
    torch.stack(
        [chat_loss(model, [a], [e], encoding.audio)[0] for a, e in zip(audio, examples, strict=True)]
    ).mean().backward()
    torch.testing.assert_close(got, model.lm_head.weight.grad, atol=1e-5, rtol=1e-3)
    assert got.abs().max() > 0.1


def test_every_emotion_word_is_one_token_however_it_is_written(encoding: Encoding) -> None:
    for word in emotion_words():
        for written in (word, f" {word}", word.capitalize(), f" {word.capitalize()}"):
            assert len(encoding.tokenizer.encode(written, add_special_tokens=False)) == 1


def test_any_text_survives_the_tokenizer(encoding: Encoding) -> None:
    text = 'naïve 你好\n {"x": 0.05}\t100% 🙂'
    assert encoding.tokenizer.decode(encoding.tokenizer.encode(text, add_special_tokens=False)) == text


@pytest.mark.parametrize("prompt", ["word", "letter", "dictionary", "percentages", "ranked", "free"])
def test_the_word_of_a_slot_is_where_the_soft_target_is(encoding: Encoding, prompt: str) -> None:
    tokens = encoding(made(prompt))
    written = tokens.ids[tokens.first :]
    assert written[-1] == encoding.tokenizer.eos_token_id
    assert all(token in ids for token, (ids, _) in zip(written, tokens.soft, strict=True))
    assert any(weight > 1 for weight in tokens.weights)


def test_the_first_soft_target_of_a_word_answer_holds_the_shares(encoding: Encoding) -> None:
    ids, shares = encoding(made("word")).soft[0]
    words = [encoding.tokenizer.decode([token]) for token in ids]
    assert words == list(EMOTIONS.labels)
    assert sum(shares) == pytest.approx(1)
    assert words[int(np.argmax(shares))] == "angry"
