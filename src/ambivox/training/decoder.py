"""Stage 2: the language model learns to read prompts and write answers, from stand-ins for audio tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from ambivox.emotions import EmotionSet
from ambivox.prompts.prompt import RenderedPrompt
from ambivox.training.chat import Example, Slot, example, random_emotions, random_prompt
from ambivox.training.checkpoint import AUDIO, build_model, emotion_words
from ambivox.training.material import save_aside
from ambivox.training.start import start_by_hand
from ambivox.training.targets import HEARD

SLOT_WEIGHT = 3.0
NUMBER_WEIGHT = 12.0
"""A digit of a share is what a long answer is about; its words and brackets are soon learnt."""
LAST_NUMBER_WEIGHT = 36.0
"""On it hangs whether they sum to one."""
NUMBERS = ("dictionary", "percentages")
"""Formats that ask what listeners would say: taught the votes to expect, given what is heard."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tokens:
    """An example as token ids.

    Args:
        format: of the answer.
        ids: prompt (one audio placeholder) and answer.
        first: index of the first answer token in ``ids``.
        soft: per answer token its target: candidate ids and their shares.
        weights: per answer token its weight in the loss: `SLOT_WEIGHT` for the words of slots,
            `NUMBER_WEIGHT` for numbers, `LAST_NUMBER_WEIGHT` for the last of them.
        options: where the options stand in ``ids``, in the order of the prompt.
        look: index of an answer token, and the shares of the options on which it rests.
    """

    format: str
    ids: list[int]
    first: int
    soft: list[tuple[list[int], list[float]]]
    weights: list[float]
    options: list[int]
    look: list[tuple[int, list[float]]]


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
        look: list[tuple[int, list[float]]] = []
        place = 0
        for part in made.parts:
            if isinstance(part, str):
                place += len(part)
                continue
            slot, chosen = part
            # A word that follows a space is one token with its space.
            spaced = place > 0 and made.answer[place - 1] == " " and not slot.words[0].isdigit()
            index = next(i for i, (start, end) in enumerate(spans) if end > place)
            soft[index] = self._candidates(slot, " " if spaced else "")
            weights[index] = SLOT_WEIGHT
            if slot.look is not None:
                look.append((index, slot.look.tolist()))
                if made.prompt.format in NUMBERS:
                    weights[index] = NUMBER_WEIGHT
            place += len(slot.words[chosen])
        if look and made.prompt.format in NUMBERS:
            weights[look[-1][0]] = LAST_NUMBER_WEIGHT
        soft.append(([self.end], [1.0]))
        options = self._options(made, prompt) if look else []
        return Tokens(
            made.prompt.format, [*prompt, *ids, self.end], len(prompt), soft, weights, options, look
        )

    def _options(self, made: Example, prompt: list[int]) -> list[int]:
        """Where the options stand in the ids of the prompt: the last place, since context comes before."""
        places = []
        for n in made.prompt.order:
            token = self.first_token(f" {made.labels[n]}")
            places.append(len(prompt) - 1 - prompt[::-1].index(token))
        return places

    def first_token(self, text: str) -> int:
        """The id with which a text begins."""
        return int(self.tokenizer.encode(text, add_special_tokens=False)[0])

    def _candidates(self, slot: Slot, lead: str) -> tuple[list[int], list[float]]:
        shares: dict[int, float] = {}
        for word, share in zip(slot.words, slot.shares, strict=True):
            first = self.first_token(lead + word)
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
    longest = max(len(made.ids) for made in examples)
    written = embed(torch.tensor([made.ids + [0] * (longest - len(made.ids)) for made in examples]))
    for b, (tokens, made) in enumerate(zip(audio, examples, strict=True)):
        at = made.ids.index(placeholder)
        words = written[b, : len(made.ids)]
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
) -> tuple[Tensor, Tensor]:
    """How far the answers are from what is taught, every example counting alike however long it is.

    Returns:
        The mean over the examples of their weighted mean KL divergence, and per example its mean where most
        weight lies, ``(B,)``, without gradient; in nats.
    """
    logits, starts = answer_logits(model, audio, examples, placeholder)
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
    weight, share_of = torch.tensor(weights), torch.tensor(shares)
    each = torch.zeros(len(weights)).index_add(
        0, torch.tensor(row_of), torch.special.xlogy(share_of, share_of) - share_of * logits[row_of, ids]
    )
    ends = [*starts[1:], len(weights)]
    parts = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    loss = torch.stack([(each[part] * weight[part]).sum() / weight[part].sum() for part in parts]).mean()
    heaviest = torch.stack([each[part][weight[part] == weight[part].max()].mean() for part in parts]).detach()
    return loss, heaviest


class Gaze:
    """Where some heads look, as a loss: a circuit that the answers alone taught this model in no number of
    steps that we tried, learnt within hundreds once it is shown where to look.

    - layer 0, head 1, at an option of a lettered prompt: at its letter, two tokens back;
    - layer 1, head 2, where a number is to come: at each number before it, by `GLANCE` of what it gives to
      the first token, so that what it brings back grows with their sum, which is to be one in the end;
    - layer 2, heads 0 and 1, where an answer rests on the options: at the options, by their shares.
    """

    GLANCE = 0.25

    def __init__(self, model: Qwen2AudioForConditionalGeneration) -> None:
        layers = model.model.language_model.layers
        self._attention: dict[int, Any] = {n: layers[n].self_attn for n in (0, 1, 2)}
        self._seen: dict[int, dict[str, Any]] = {}
        self._hooks = [
            layer.register_forward_pre_hook(
                lambda module, args, kwargs, n=n: self._seen.__setitem__(n, kwargs), with_kwargs=True
            )
            for n, layer in self._attention.items()
        ]

    def stop(self) -> None:
        """Stop watching the model."""
        for hook in self._hooks:
            hook.remove()

    def loss(self, audio: Sequence[Tensor], examples: Sequence[Tokens]) -> Tensor:
        """Mean cross-entropy (nats) of what to look at against what the heads look at in the last pass."""
        letters, sums, options = [], [], []
        for b, (tokens, made) in enumerate(zip(audio, examples, strict=True)):
            shift = len(tokens) - 1
            places = [n + shift for n in made.options]
            written = [made.first + shift + index for index, _ in made.look]
            for n, (_, share) in enumerate(made.look):
                options.append((b, written[n] - 1, places, share))
                if made.format in NUMBERS:
                    rest = 1 / (1 + n * self.GLANCE)
                    glances = [self.GLANCE * rest] * n
                    sums.append((b, written[n] - 1, [0, *written[:n]], [rest, *glances]))
            if made.format == "letter":
                letters += [(b, place, [place - 2], [1.0]) for place in places]
        shown = ((0, (1,), letters), (1, (2,), sums), (2, (0, 1), options))
        found = [-self._shown(layer, heads, rows) for layer, heads, rows in shown if rows]
        return torch.stack(found).sum() if found else torch.zeros(())

    def _shown(
        self, layer: int, heads: Sequence[int], rows: Sequence[tuple[int, int, list[int], list[float]]]
    ) -> Tensor:
        attention, seen = self._attention[layer], self._seen[layer]
        hidden, (cos, sin) = seen["hidden_states"], seen["position_embeddings"]
        shape = (*hidden.shape[:2], -1, attention.head_dim)
        query = attention.q_proj(hidden).view(shape).transpose(1, 2)
        key = attention.k_proj(hidden).view(shape).transpose(1, 2)
        query, key = apply_rotary_pos_emb(query, key, cos, sin)
        batch, place = [row[0] for row in rows], torch.tensor([row[1] for row in rows])
        widest = max(len(row[2]) for row in rows)
        where = torch.tensor([row[2] + [0] * (widest - len(row[2])) for row in rows])
        share = torch.tensor([row[3] + [0.0] * (widest - len(row[3])) for row in rows])
        chosen = query[batch, :, place][:, heads], key[batch][:, heads]
        scores = torch.einsum("rhd,rhnd->rhn", *chosen).float() * attention.scaling
        later = torch.arange(hidden.shape[1]) > place[:, None]
        logp = scores.masked_fill(later[:, None], -torch.inf).log_softmax(-1)
        looked = logp.gather(-1, where[:, None].expand(-1, len(heads), -1))
        mean: Tensor = (share[:, None] * looked).sum(-1).mean()
        return mean


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

    steps: int = 2000
    batch: int = 32
    learning_rate: float = 2e-3
    gaze: float = 1.0
    """Weight of the loss of `Gaze`, falling to nothing over the steps."""


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


def train_answers(
    pool: PromptPool, encoding: Encoding, plan: AnswersPlan, confusion: Array, out: Path, seed: int
) -> None:
    """Train the language model on `fake_audio`; leaves it and the reading of emotion logits in ``out``.

    Args:
        confusion: shape ``(9, 9)``, P(vote | emotion), for the formats that ask what listeners would say.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = build_model(encoding.tokenizer)
    reader = start_by_hand(model, encoding.tokenizer, emotion_words(), seed)
    gaze = Gaze(model)
    parameters = [
        *model.model.language_model.parameters(),
        *model.lm_head.parameters(),
        *reader.parameters(),
    ]
    optimizer = torch.optim.AdamW(parameters, lr=plan.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.learning_rate, total_steps=plan.steps + 1, pct_start=0.05
    )
    model.train()
    start, log = time.monotonic(), Progress()
    for step in range(plan.steps):
        audio, examples = [], []
        for k in rng.integers(len(pool), size=plan.batch):
            prompt, emotions = pool[k]
            heard = random_heard(rng)
            taught = heard @ confusion if prompt.format in NUMBERS else heard
            examples.append(encoding(example(taught, prompt, emotions, rng)))
            audio.append(fake_audio(heard, reader, rng))
        log.add(train_step(model, gaze, audio, examples, encoding, plan.gaze * (1 - step / plan.steps)))
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % 25 == 24 or step == plan.steps - 1:
            print(f"answers {step + 1} {time.monotonic() - start:.0f} s {log.read()}", flush=True)
            save_aside({"model": model.state_dict(), "reader": reader.state_dict()}, out)
    gaze.stop()


def train_step(
    model: Qwen2AudioForConditionalGeneration,
    gaze: Gaze,
    audio: Sequence[Tensor],
    examples: Sequence[Tokens],
    encoding: Encoding,
    gaze_weight: float,
) -> dict[str, list[float]]:
    """Leave the gradients of one batch; short and long examples go apart, so that little is padded.

    Returns:
        Per format the KL divergences at its slots, in nats, and the loss of the gaze.
    """
    order = np.argsort([len(made.ids) + len(tokens) for made, tokens in zip(examples, audio, strict=True)])
    found: dict[str, list[float]] = {}
    for part in np.array_split(order, 3):
        shown, some = [audio[k] for k in part], [examples[k] for k in part]
        with torch.autocast("cpu", torch.bfloat16):
            loss, slots = chat_loss(model, shown, some, encoding.audio)
            looked = gaze.loss(shown, some)
        share = len(part) / len(examples)
        (share * (loss + gaze_weight * looked)).backward()  # type: ignore[no-untyped-call]
        for made, value in zip(some, slots.tolist(), strict=True):
            found.setdefault(made.format, []).append(value)
        found.setdefault("gaze", []).append(looked.item())
    return found


class Progress:
    """Means of what `train_step` found since the last reading."""

    def __init__(self) -> None:
        self._found: dict[str, list[float]] = {}

    def add(self, found: dict[str, list[float]]) -> None:
        """Take in one step."""
        for name, values in found.items():
            self._found.setdefault(name, []).extend(values)

    def read(self) -> str:
        """The means as one line; they start anew."""
        line = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in sorted(self._found.items()))
        self._found = {}
        return line
