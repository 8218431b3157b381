"""Chat examples, tokenizer and features that the bundled checkpoint is trained with."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from ambivox.emotions import load_emotions
from ambivox.prompts import load_prompt
from ambivox.training.chat import Example, example, random_emotions, random_prompt, rounded
from ambivox.training.checkpoint import build_processor, build_tokenizer, emotion_words
from ambivox.training.decoder import Encoding
from ambivox.training.encoder import encode, new_encoder
from ambivox.training.features import GENTLE, PLAIN, augmented, collate

HEARD_SHARES = np.array([0.4, 0.05, 0.05, 0.1, 0.2, 0.05, 0.05, 0.05, 0.05])


def made(prompt: str, order: list[int] | None = None) -> Example:
    emotions = load_emotions("cremad6")
    return example(
        HEARD_SHARES, load_prompt(prompt).render(emotions, order=order), emotions, np.random.default_rng(0)
    )


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
    assert [line.split(": ")[0] for line in lines] == list(load_emotions("cremad6").labels)
    assert sum(int(line.split(": ")[1].rstrip("%")) for line in lines) == 100


def test_a_ranking_names_every_option_once() -> None:
    assert sorted(made("ranked").answer.split(" > ")) == sorted(load_emotions("cremad6").labels)


def test_rounded_shares_always_sum_to_the_total() -> None:
    rng = np.random.default_rng(3)
    assert all(sum(rounded(rng.dirichlet(np.ones(n)), 100)) == 100 for n in range(2, 12))


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
    assert words == list(load_emotions("cremad6").labels)
    assert sum(shares) == pytest.approx(1)
    assert words[int(np.argmax(shares))] == "angry"


def test_encoding_only_the_real_part_matches_the_padded_window() -> None:
    torch.manual_seed(0)
    encoder = new_encoder(dropout=0.0).eval()
    rng = np.random.default_rng(0)
    mels = [rng.normal(size=(frames, 80)).astype(np.float32) for frames in (57, 120, 199)]
    batch, frames = collate(mels)
    with torch.no_grad():
        hidden, tokens = encode(encoder, batch, frames)
        window = torch.nn.functional.pad(batch, (0, 750 - batch.shape[-1]))
        for row, mel in enumerate(
            mels
        ):  # the padding of a clip in its window is its own floor, as in collate
            window[row, :, len(mel) :] = float(mel.max() - 2.0)
            real = torch.arange(375) < encoder._get_feat_extract_output_lengths(frames)[0][row]
            mask = real[None, None, None, :].expand(1, 1, 375, -1)
            whole = encoder(window[row : row + 1], attention_mask=mask).last_hidden_state[0]
            count = int(tokens[row])
            torch.testing.assert_close(hidden[row, :count], whole[:count], atol=1e-4, rtol=0)


def test_plain_augmentation_changes_nothing_and_gentle_does() -> None:
    rng = np.random.default_rng(0)
    mel = rng.normal(size=(100, 80)).astype(np.float16) * np.float16(0.1)
    np.testing.assert_array_equal(augmented(mel, PLAIN, rng), mel.astype(np.float32))
    assert augmented(mel, GENTLE, rng).shape[1] == 80
    assert not np.array_equal(augmented(mel, GENTLE, rng)[:50], mel[:50])
