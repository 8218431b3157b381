"""The language part: it learns to read prompts and to say a belief, from stand-ins for audio tokens.

It hears no audio. What a clip's audio tokens speak for is a distribution over emotions, and an answer of any
format says that and no more: so another ear needs no other language part, and words, letters, rankings and
numbers say the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration

from ambivox.emotions import EmotionSet
from ambivox.prompts.prompt import RenderedPrompt
from recipes.mini.chat import example, random_emotions, random_prompt
from recipes.mini.checkpoint import build_model, emotion_words
from recipes.mini.descent import Descent
from recipes.mini.encoding import Encoding, Tokens
from recipes.mini.gaze import Gaze
from recipes.mini.start import start_by_hand
from recipes.mini.targets import HEARD


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


TOKENS = ((4, 24), (24, 150), (150, 376))
"""Numbers of audio tokens, from and below."""
WANDER = 4.0
"""How far the emotion logits of single tokens lie from their mean, at most: in clips it is some 2."""


def fake_audio(
    heard: NDArray[np.float64], reader: nn.Linear, rng: np.random.Generator, wander: float = WANDER
) -> Tensor:
    """Stand-in audio tokens whose mean spells a distribution: teaches the answers without any audio.

    Args:
        heard: ``(9,)`` shares.
        reader: what turns nine emotion logits into what the language model reads.
        wander: how far the logits of single tokens lie from their mean, at most.

    Returns:
        ``(n_tokens, hidden)``.
    """
    # few are as good a lesson as many, and cheaper; a clip of 4 s has 100, one of 15 s 375
    fewest, most = TOKENS[rng.choice(len(TOKENS), p=(0.85, 0.12, 0.03))]
    count = int(rng.integers(fewest, most))
    logits = np.log(np.maximum(heard, 1e-4))
    logits -= logits.mean()
    near = rng.uniform(0.0, 0.9)  # of one token to the next
    away = lfilter([(1 - near**2) ** 0.5], [1.0, -near], rng.normal(size=(count, len(heard))), axis=0)
    away *= rng.uniform(0.0, wander)
    away -= away.mean(axis=0)
    tokens = torch.tensor(logits + away, dtype=torch.float32)
    read: Tensor = reader(tokens)
    return read


@dataclass(frozen=True)
class AnswersPlan:
    """Length and pace of a training; the defaults are those from a start by hand.

    Args:
        gaze: weight of the loss of `Gaze`, falling to nothing over the steps.
        growing: the share of the steps in which `WANDER` is reached: at first it would hide what to find.
        ranked: how many times as often as others a prompt for a ranking is drawn.
        surest: how far the logits of a belief spread at most; of clips, 1.4 to 2.
        aroused: how far they go along `AROUSED` beside that, in units of their spread; of clips, about 1.
        lean: whether answers lean to neutral, as raters do.
    """

    steps: int = 4600
    batch: int = 20
    learning_rate: float = 2e-3
    gaze: float = 1.0
    growing: float = 0.4
    ranked: int = 2
    surest: float = 3.0
    aroused: float = 0.0
    lean: bool = False


LEANING = AnswersPlan(
    steps=2000, learning_rate=6e-4, gaze=0.0, growing=0.0, ranked=3, surest=2.0, aroused=1.0, lean=True
)
"""The second training: what clips speak for, leaning to neutral, once it can say a belief at all."""

AROUSED = np.array([1.0, 0.0, 0.0, 1.0, -1.0, -1.0, -1.0, 1.0, -1.0])
"""Of `HEARD`, what is said with much and with little energy: by this, most of all, clips differ."""


PromptPool = list[tuple[RenderedPrompt, EmotionSet]]


def prompt_pool(rng: np.random.Generator, size: int = 6000) -> PromptPool:
    """Random prompts made once: rendering one takes longer than a training step on it."""
    pool = []
    for _ in range(size):
        emotions = random_emotions(rng)
        pool.append((random_prompt(rng, emotions), emotions))
    return pool


def random_heard(rng: np.random.Generator, surest: float = 3.0, aroused: float = 0.0) -> NDArray[np.float64]:
    """A distribution over `HEARD` between flat and, at 3, one-hot, shape ``(9,)``; see `AnswersPlan`."""
    logits = rng.normal(size=len(HEARD)) * rng.uniform(0.0, surest)
    if aroused:
        logits += logits.std() * aroused * rng.normal() * AROUSED
    shares = np.maximum(np.exp(logits - logits.max()), 1e-4)
    return np.asarray(shares / shares.sum())


def train_answers(
    pool: PromptPool,
    encoding: Encoding,
    plan: AnswersPlan,
    seed: int,
    begun: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train the language part on `fake_audio`.

    Args:
        begun: what an earlier training returned, to go on from; by default a start by hand.

    Returns:
        The weights of it (``language_model``, ``lm_head``) and of the ``reader`` of emotion logits.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = build_model(encoding.tokenizer)
    reader = start_by_hand(model, encoding.tokenizer, emotion_words(), seed)
    learnt = {"language_model": model.model.language_model, "lm_head": model.lm_head, "reader": reader}
    if begun:
        for name, part in learnt.items():
            part.load_state_dict(begun[name])
    gaze = Gaze(model)
    within = list(model.model.language_model.layers.parameters())
    matrices = [part for part in within if part.ndim == 2]
    others = [
        *(part for part in within if part.ndim != 2),
        *model.get_input_embeddings().parameters(),
        *model.model.language_model.norm.parameters(),
        *model.lm_head.parameters(),
        *reader.parameters(),
        *gaze.probes.parameters(),
    ]
    descent = Descent(matrices, others, plan.learning_rate, plan.steps, weight_decay=0.01, rise=0.05)
    model.train()
    start, log, stage = time.monotonic(), Progress(), "leaning" if plan.lean else "answers"
    drawn = [one for one in pool for _ in range(plan.ranked if one[0].format == "ranked" else 1)]
    for step in range(plan.steps):
        audio, examples = [], []
        wander = WANDER * min(1.0, step / max(plan.growing * plan.steps, 1))
        for k in rng.integers(len(drawn), size=plan.batch):
            prompt, emotions = drawn[k]
            heard = random_heard(rng, plan.surest, plan.aroused)
            examples.append(encoding(example(heard, prompt, emotions, rng, plan.lean)))
            audio.append(fake_audio(heard, reader, rng, wander))
        log.add(train_step(model, gaze, audio, examples, encoding, plan.gaze * (1 - step / plan.steps)))
        descent.step()
        if step % 25 == 24 or step == plan.steps - 1:
            print(f"{stage} {step + 1} {time.monotonic() - start:.0f} s {log.read()}", flush=True)
    gaze.stop()
    return {name: part.state_dict() for name, part in learnt.items()}


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
        loss, slots = chat_loss(model, shown, some, encoding.audio)
        looked = gaze.loss(shown, some) if gaze_weight else torch.zeros(())
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
        """The means as one line; they start again."""
        line = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in sorted(self._found.items()))
        self._found = {}
        return line
