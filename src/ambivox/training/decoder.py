"""Stage 2: the language model learns to read prompts and write answers, from stand-ins for audio tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from ambivox.emotions import EmotionSet
from ambivox.prompts.prompt import RenderedPrompt
from ambivox.training.chat import Example, Slot, example, random_emotions, random_prompt
from ambivox.training.checkpoint import AUDIO, build_model, emotion_words
from ambivox.training.material import save_aside
from ambivox.training.start import start_by_hand
from ambivox.training.targets import HEARD

SLOT_WEIGHT = 3.0


@dataclass(frozen=True)
class Tokens:
    """An example as token ids.

    Args:
        ids: prompt (one audio placeholder) and answer.
        first: index of the first answer token in ``ids``.
        soft: per answer token its target: candidate ids and their shares.
        weights: per answer token its weight in the loss; the words of slots count `SLOT_WEIGHT` times.
    """

    ids: list[int]
    first: int
    soft: list[tuple[list[int], list[float]]]
    weights: list[float]


class Encoding:
    """Turns examples into token ids with the tokenizer and chat template of the checkpoint."""

    def __init__(self, processor: Qwen2AudioProcessor) -> None:
        self.processor = processor
        self.tokenizer: PreTrainedTokenizerFast = processor.tokenizer
        self.audio = int(self.tokenizer.convert_tokens_to_ids(AUDIO))
        self.end = int(self.tokenizer.eos_token_id)
        self._prompts: dict[str, list[int]] = {}

    def prompt_ids(self, text: str) -> list[int]:
        """Ids of one user turn, up to where the answer begins."""
        if text in self._prompts:
            return self._prompts[text]
        turn = [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": text}]}]
        written = self.processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        self._prompts[text] = list(self.tokenizer.encode(written, add_special_tokens=False))
        return self._prompts[text]

    def __call__(self, made: Example) -> Tokens:
        """Tokenise the answer as one text, and find the slots in it by their place in the text."""
        prompt = self.prompt_ids(made.prompt.text)
        encoded = self.tokenizer(made.answer, add_special_tokens=False, return_offsets_mapping=True)
        ids, spans = encoded["input_ids"], encoded["offset_mapping"]
        soft: list[tuple[list[int], list[float]]] = [([token], [1.0]) for token in ids]
        weights = [1.0] * (len(ids) + 1)
        place = 0
        for part in made.parts:
            if isinstance(part, str):
                place += len(part)
                continue
            slot, chosen = part
            # A word that follows a space is one token with its space.
            spaced = place > 0 and made.answer[place - 1] == " "
            index = next(i for i, (start, end) in enumerate(spans) if end > place)
            soft[index] = self._candidates(slot, " " if spaced else "")
            weights[index] = SLOT_WEIGHT
            place += len(slot.words[chosen])
        soft.append(([self.end], [1.0]))
        return Tokens([*prompt, *ids, self.end], len(prompt), soft, weights)

    def _candidates(self, slot: Slot, lead: str) -> tuple[list[int], list[float]]:
        shares: dict[int, float] = {}
        for word, share in zip(slot.words, slot.shares, strict=True):
            first = self.tokenizer.encode(lead + word, add_special_tokens=False)[0]
            shares[first] = shares.get(first, 0.0) + float(share)
        return list(shares), list(shares.values())


def answer_logits(
    model: Qwen2AudioForConditionalGeneration,
    audio: Sequence[Tensor],
    examples: Sequence[Tokens],
    placeholder: int,
) -> tuple[Tensor, list[int]]:
    """Log-probabilities at every answer token of a batch, computed nowhere else.

    Args:
        audio: per example its projected audio tokens, ``(n_tokens, hidden)``.
        examples: as many.
        placeholder: the id that stands for the audio in the prompts.

    Returns:
        ``(A, vocabulary)`` for the A answer tokens in order, and per example where its first one is.
    """
    embed = model.get_input_embeddings()
    rows: list[Tensor] = []
    batch: list[int] = []
    place: list[int] = []
    starts: list[int] = []
    for b, (tokens, made) in enumerate(zip(audio, examples, strict=True)):
        at = made.ids.index(placeholder)
        words = embed(torch.tensor(made.ids))
        rows.append(torch.cat([words[:at], tokens.to(words.dtype), words[at + 1 :]]))
        before = made.first + len(tokens) - 2  # the position whose output predicts the first answer token
        starts.append(len(batch))
        batch += [b] * len(made.soft)
        place += range(before, before + len(made.soft))
    lengths = torch.tensor([len(row) for row in rows])
    inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = (torch.arange(inputs.shape[1]) < lengths[:, None]).long()
    hidden = model.model.language_model(
        inputs_embeds=inputs, attention_mask=mask, use_cache=False
    ).last_hidden_state
    return model.lm_head(hidden[batch, place]).float().log_softmax(-1), starts


def chat_loss(
    model: Qwen2AudioForConditionalGeneration,
    audio: Sequence[Tensor],
    examples: Sequence[Tokens],
    placeholder: int,
) -> Tensor:
    """Weighted mean cross-entropy of the answers, in nats per token."""
    logits, _ = answer_logits(model, audio, examples, placeholder)
    row_of: list[int] = []
    ids: list[int] = []
    shares: list[float] = []
    weights: list[float] = []
    for made in examples:
        for (candidates, share), counts in zip(made.soft, made.weights, strict=True):
            row_of += [len(weights)] * len(candidates)
            ids += candidates
            shares += share
            weights.append(counts)
    weight = torch.tensor(weights)
    return -(logits[row_of, ids] * torch.tensor(shares) * weight[row_of]).sum() / weight.sum()


def fake_audio(
    heard: NDArray[np.float64],
    reader: nn.Linear,
    rng: np.random.Generator,
    lengths: tuple[int, int] = (4, 24),
) -> Tensor:
    """Stand-in audio tokens whose mean spells a distribution: teaches the answers without any audio.

    Args:
        heard: ``(9,)`` shares.
        reader: what turns nine emotion logits into what the language model reads.

    Returns:
        ``(n_tokens, hidden)``.
    """
    count = int(rng.integers(*lengths))
    logits = np.log(np.maximum(heard, 1e-4))
    logits -= logits.mean()
    wander = np.cumsum(rng.normal(size=(count, len(heard))), axis=0) * rng.uniform(0, 0.6)
    wander -= wander.mean(axis=0)
    tokens = torch.tensor(logits + wander, dtype=torch.float32)
    read: Tensor = reader(tokens)
    return read


@dataclass(frozen=True)
class AnswersPlan:
    """Length and pace of stage 2."""

    steps: int = 1000
    batch: int = 24
    learning_rate: float = 2e-3
    easy: float = 0.35
    """Share of the steps that use prompts with at most four options only."""


PromptPool = list[tuple[RenderedPrompt, EmotionSet]]


def prompt_pool(rng: np.random.Generator, size: int = 6000) -> PromptPool:
    """Random prompts made once: rendering one takes longer than a training step on it."""
    pool = []
    for _ in range(size):
        emotions = random_emotions(rng)
        pool.append((random_prompt(rng, emotions), emotions))
    return pool


def random_heard(rng: np.random.Generator) -> NDArray[np.float64]:
    """A distribution over `HEARD` between flat and one-hot, shape ``(9,)``."""
    logits = rng.normal(size=len(HEARD)) * rng.uniform(0.3, 3.0)
    shares = np.maximum(np.exp(logits - logits.max()), 1e-4)
    return np.asarray(shares / shares.sum())


def train_answers(pool: PromptPool, encoding: Encoding, plan: AnswersPlan, out: Path, seed: int) -> None:
    """Train the language model on `fake_audio`; leaves it and the reading of emotion logits in ``out``."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = build_model(encoding.tokenizer)
    reader = start_by_hand(model, encoding.tokenizer, emotion_words(), seed)
    parameters = [
        *model.model.language_model.parameters(),
        *model.lm_head.parameters(),
        *reader.parameters(),
    ]
    optimizer = torch.optim.AdamW(parameters, lr=plan.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.learning_rate, total_steps=plan.steps + 1, pct_start=0.08
    )
    model.train()
    easy = [k for k, (_, emotions) in enumerate(pool) if len(emotions) <= 4]
    start, losses = time.monotonic(), []
    for step in range(plan.steps):
        audio, examples = [], []
        for _ in range(plan.batch):
            prompt, emotions = pool[
                rng.choice(easy) if step < plan.easy * plan.steps else rng.integers(len(pool))
            ]
            heard = random_heard(rng)
            examples.append(encoding(example(heard, prompt, emotions, rng)))
            audio.append(fake_audio(heard, reader, rng))
        with torch.autocast("cpu", torch.bfloat16):
            loss = chat_loss(model, audio, examples, encoding.audio)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 99 or step == plan.steps - 1:
            print(
                f"answers {step + 1} {time.monotonic() - start:.0f} s loss {np.mean(losses[-100:]):.4f}",
                flush=True,
            )
            save_aside({"model": model.state_dict(), "reader": reader.state_dict()}, out)
