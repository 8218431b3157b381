"""A hand-made start for the language model: near what every answer needs, before the first training step.

Copying options out of the prompt, in their order or by what the audio speaks for, takes a small transformer
a very long training to find from random weights. Here its first layers start with attention heads that do it
roughly:

- layer 0 looks a fixed number of tokens back, through the biases of query and key and the rotary angles;
- layer 1 finds the option that follows the one written last, averages the audio tokens, and sums the digits
  written so far;
- layer 2 looks at the options by what the audio speaks for, and takes up the option or the letter before it;
  another head takes up how much of what it looks at has been written.

The residual stream is cut into four parts of 48: words, other tokens, what stands two tokens back, what was
last written. Everything stays trainable.
"""

from __future__ import annotations

import string
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2AudioForConditionalGeneration

from recipes.mini.checkpoint import IM_START
from recipes.mini.targets import CANONICAL, HEARD

SIZE = 48
"""Width of a head, and of each part of the residual stream."""


class Start:
    """The four parts of the stream and the directions of the emotions in the first of them."""

    def __init__(self, words: list[str], seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        basis = torch.linalg.qr(torch.randn(4 * SIZE, 4 * SIZE, generator=generator))[0]
        self.word, self.other, self.before, self.last = basis.split(SIZE, dim=1)
        marks = self.other[:, :11].T
        self.is_audio, self.is_word, self.is_bare, self.is_spaced, self.is_digit, self.digit = marks[:6]
        self.is_start, self.sum, self.rest, self.written, self.offered = marks[6:]
        self.unmarked = self.other[:, 11:]
        self._generator = generator
        self._canonical: dict[str, Tensor] = {}
        self.words = {word: 0.75 * self.emotion(word) + 0.65 * self.direction(self.word) for word in words}

    def direction(self, part: Tensor) -> Tensor:
        """A random unit vector inside a part of the stream, ``(192,)``."""
        vector: Tensor = part @ torch.randn(part.shape[1], generator=self._generator)
        return torch.nn.functional.normalize(vector, dim=0)

    def emotion(self, word: str) -> Tensor:
        """The direction that all forms of one emotion share, ``(192,)``."""
        name = CANONICAL.get(word, word)
        if name not in self._canonical:
            self._canonical[name] = self.direction(self.word)
        return self._canonical[name]

    def reader(self) -> nn.Linear:
        """Emotion logits ``(9,)`` -> what the language model reads ``(192,)``: a bag of emotion words.

        The bias is so much longer that all audio tokens are nearly of one length: a norm keeps their mean.
        """
        reader = nn.Linear(len(HEARD), 4 * SIZE)
        reader.weight.data = 0.5 * torch.stack([self.emotion(label) for label in HEARD], dim=1)
        reader.bias.data = 5.0 * self.is_audio
        return reader


@torch.no_grad()
def start_by_hand(
    model: Qwen2AudioForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, words: list[str], seed: int
) -> nn.Linear:
    """Write the start into the embeddings and the first three layers; return the reader of audio logits."""
    start = Start(words, seed)
    embedding = model.get_input_embeddings().weight
    for token in range(len(embedding)):
        embedding[token] = start.direction(start.unmarked) + 0.01 * embedding[token]
    noise = 0.15 / (4 * SIZE) ** 0.5
    for word, base in start.words.items():
        for written in (word, f" {word}", word.capitalize(), f" {word.capitalize()}"):
            token = tokenizer.encode(written, add_special_tokens=False)[0]
            spacing = start.is_spaced if written[0] == " " else start.is_bare
            embedding[token] = base + 0.4 * start.is_word + 0.3 * spacing + noise * torch.randn(4 * SIZE)
    for digit in range(10):
        token = tokenizer.encode(str(digit), add_special_tokens=False)[0]
        part = digit / 9  # of one length for all, so that all are looked at alike
        other = (1 - part**2) ** 0.5 * start.direction(start.unmarked)
        embedding[token] = 0.5 * start.is_digit + part * start.digit + other
    embedding[tokenizer.convert_tokens_to_ids(IM_START)] += 0.35 * start.is_start
    for letter in string.ascii_uppercase:
        embedding[tokenizer.encode(letter, add_special_tokens=False)[0]] = start.direction(start.word)
    model.lm_head.weight.copy_(embedding)
    first, second, third = (layer.self_attn for layer in model.model.language_model.layers[:3])
    _look_back(first, 0, 1)
    _carry(first, 0, start.word, start.before, 0.05)
    _look_back(first, 1, 2)
    _carry(first, 1, start.word, start.before, 0.07)
    _look_back_to(first, 2, start.is_word)
    _carry(first, 2, start.word, start.last, 0.07)
    _look_at(first, 3, start.is_audio, 1.5)
    _carry(first, 3, start.word, start.word, 0.3)
    _match(second, 0, start.last, start.before, 1.2)
    _carry(second, 0, start.word, start.word, 0.1)
    _look_at(second, 1, start.is_audio, 1.5)
    _carry(second, 1, start.word, start.word, 0.3)
    _look_at(second, 2, start.is_digit + start.is_start, 3.5)
    _carry_marks(second, 2, {start.digit: start.sum, start.is_start: start.rest}, 0.7)
    for head in (0, 1):
        _match(third, head, start.word, start.word, 0.6)
        _look_at(third, head, -start.is_audio, 1.0)
    _carry(third, 0, start.word, start.word, 0.1)
    _carry(third, 1, start.before, start.word, 0.05)
    _match(third, 2, start.word, start.word, 0.6)
    _look_at(third, 2, start.is_word - start.is_audio, 1.0)
    _carry_marks(third, 2, {start.is_bare: start.written, start.is_spaced: start.offered}, 1.0)
    return start.reader()


def _rows(head: int) -> slice:
    return slice(head * SIZE, (head + 1) * SIZE)


def _look_back(attention: Any, head: int, tokens: int) -> None:
    """Attend to the token that stands ``tokens`` back, wherever and whatever it is."""
    half = SIZE // 2
    angle = 10_000.0 ** (-torch.arange(half) / half)
    strength = torch.where(torch.arange(half) < half // 2, 5.0, 0.0)  # the fast angles tell near places apart
    attention.k_proj.bias[_rows(head)] = torch.cat([strength, torch.zeros(half)])
    attention.q_proj.bias[_rows(head)] = torch.cat(
        [strength * torch.cos(tokens * angle), -strength * torch.sin(tokens * angle)]
    )


def _look_back_to(attention: Any, head: int, direction: Tensor) -> None:
    """Attend to the last token that holds a direction."""
    near = torch.zeros(SIZE)
    near[2:9] = 3.0  # angles that tell near from far up to some twenty tokens
    attention.k_proj.bias[_rows(head)] = near
    attention.q_proj.bias[_rows(head)] = near
    _look_at(attention, head, direction, 2.0)


def _slow(part: Tensor) -> Tensor:
    """Put half of a part on the slow rotary angles, where distance hardly matters: ``(48, 192)``."""
    half, quarter = SIZE // 2, SIZE // 4
    rows = torch.zeros(SIZE, len(part))
    rows[quarter:half] = part[:, :quarter].T
    rows[half + quarter :] = part[:, quarter:half].T
    return rows


def _match(attention: Any, head: int, query: Tensor, key: Tensor, strength: float) -> None:
    """Attend to tokens whose ``key`` part holds what the ``query`` part holds here."""
    attention.q_proj.weight[_rows(head)] += strength * _slow(query)
    attention.k_proj.weight[_rows(head)] += strength * _slow(key)


def _look_at(attention: Any, head: int, direction: Tensor, strength: float) -> None:
    """Attend evenly to the tokens that hold a direction."""
    row = head * SIZE + SIZE // 2 - 1  # the slowest angle
    attention.q_proj.bias[row] = 4.0
    attention.k_proj.weight[row] += strength * direction


def _carry(attention: Any, head: int, source: Tensor, target: Tensor, gain: float) -> None:
    """Add the ``source`` part of what is attended to, to the ``target`` part here."""
    attention.v_proj.weight[_rows(head)] += source.T
    attention.o_proj.weight[:, _rows(head)] += gain * target


def _carry_marks(attention: Any, head: int, marks: dict[Tensor, Tensor], gain: float) -> None:
    """Add what is attended to has of each of some directions, to another direction here."""
    for row, (source, target) in enumerate(marks.items()):
        attention.v_proj.weight[head * SIZE + row] += source
        attention.o_proj.weight[:, head * SIZE + row] += gain * target
