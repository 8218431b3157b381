"""Stage 3: the language model learns to read the trained encoder on real clips."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration

from ambivox.emotions import load_emotions
from ambivox.prompts.prompt import load_prompt
from ambivox.training.chat import example
from ambivox.training.checkpoint import N_MELS
from ambivox.training.decoder import Encoding, PromptPool, answer_logits, chat_loss
from ambivox.training.encoder import HeardHead, encode
from ambivox.training.features import FLOOR_RANGE, GENTLE, SPEEDS, augmented, batches, collate
from ambivox.training.material import Material, save_aside, six_class_accuracy
from ambivox.training.targets import HEARD, VOTED, option_matrix, restrict, vote_matrix

Model: TypeAlias = Qwen2AudioForConditionalGeneration

NUMBERS = ("dictionary", "percentages")
"""Formats that ask what listeners would say: taught the votes to expect, given what the encoder believes."""


@dataclass(frozen=True)
class JointPlan:
    """Length and pace of stage 3."""

    steps: int = 330
    batch: int = 48
    learning_rate: float = 5e-4
    short: float = 0.75
    """Share of the examples that ask for a word or a letter, where a short answer tells most."""
    audio_tokens: int = 16
    """How many audio tokens of a clip are shown in nine of ten cases; else all of them."""
    content_free: float = 0.04
    """Share of the examples on silence or noise, answered with equal shares for all emotions."""


def join(model: Model, head: HeardHead, reader: dict[str, Tensor]) -> None:
    """Let a trained language model read a trained encoder.

    Both are linear where they meet: the head turns an audio token into emotion logits, ``reader`` turns
    emotion logits into what the language model reads. The projector starts as their product.
    """
    centre = torch.eye(len(HEARD)) - 1 / len(HEARD)
    projector = model.model.multi_modal_projector.linear
    projector.weight.data = reader["weight"] @ centre @ head.out.weight.data[: len(HEARD)]
    bias = centre @ head.out.bias.data[: len(HEARD)]
    projector.bias.data = reader["bias"] + reader["weight"] @ bias


def trimmed(read: Tensor, tokens: Tensor) -> list[Tensor]:
    """Per clip its real audio tokens, ``(n_tokens, hidden)``."""
    return [row[:count] for row, count in zip(read, tokens.tolist(), strict=True)]


def content_free_mel(rng: np.random.Generator) -> NDArray[np.float32]:
    """Features of silence, or of stationary noise of any colour and level, ``(n_frames, n_mels)``."""
    frames = int(rng.integers(40, 240))
    if rng.random() < 0.3:
        return np.full((frames, N_MELS), -1.5, dtype=np.float32)  # log10 of the smallest power, + 4, / 4
    tilt = rng.normal() * 0.3 * np.linspace(-1, 1, N_MELS)
    noise = rng.uniform(-1.0, 1.0) + tilt + 0.08 * rng.normal(size=(frames, N_MELS))
    return np.asarray(np.maximum(noise, noise.max() - FLOOR_RANGE), dtype=np.float32)


@torch.no_grad()
def hear(model: Model, material: Material, rng: np.random.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Encoder states of all training clips, augmented once, and of 100 stretches of silence or noise."""
    mels = [augmented(material.bank.mels[k][rng.integers(len(SPEEDS))], GENTLE, rng) for k in material.train]
    mels += [content_free_mel(rng) for _ in range(100)]
    states: list[Tensor] = [torch.empty(0)] * len(mels)
    for chosen in batches([len(mel) for mel in mels], 32, rng):
        hidden, tokens = encode(model.model.audio_tower, *collate([mels[k] for k in chosen]))
        for k, row in zip(chosen, trimmed(hidden, tokens), strict=True):
            states[k] = row
    return states[:-100], states[-100:]


def train_joint(
    model: Model,
    head: HeardHead,
    material: Material,
    pool: PromptPool,
    encoding: Encoding,
    plan: JointPlan,
    out: Path,
    seed: int,
) -> dict[str, float]:
    """Train language model and projector on what the encoder hears; encoder and head stay as they are.

    The targets are the head's belief given the audio tokens that are shown, not the labels: a function of the
    tokens, so that it can be learnt to the digit, and as unsure as the head was calibrated to be. Half of the
    examples show tokens of two clips. The best step by development score is left in ``out``.

    Returns:
        The development scores of that step.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model.model.audio_tower.requires_grad_(False).eval()
    head.requires_grad_(False).eval()
    trained = [
        *model.model.language_model.parameters(),
        *model.lm_head.parameters(),
        *model.model.multi_modal_projector.parameters(),
    ]
    optimizer = torch.optim.AdamW(trained, lr=plan.learning_rate, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.learning_rate, total_steps=plan.steps + 1, pct_start=0.1
    )
    confusion = vote_matrix(material.votes)
    short = [k for k, (prompt, _) in enumerate(pool) if prompt.format in ("word", "letter")]
    speech, empty = hear(model, material, rng)
    best = development_scores(model, material, encoding)
    print(f"joint start {best}", flush=True)
    save_aside({"model": model.state_dict(), "head": head.state_dict(), "scores": best}, out)
    start, losses = time.monotonic(), []
    for step in range(plan.steps):
        shown, examples = [], []
        for _ in range(plan.batch):
            nothing = rng.random() < plan.content_free
            states = _some_tokens(empty if nothing else speech, plan.audio_tokens, rng)
            flat = np.full(len(HEARD), 1 / len(HEARD))
            belief = flat if nothing else head_belief(head, states)
            prompt, emotions = pool[
                rng.choice(short) if rng.random() < plan.short else rng.integers(len(pool))
            ]
            asks_votes = prompt.format in NUMBERS and not nothing
            examples.append(
                encoding(example(belief @ confusion if asks_votes else belief, prompt, emotions, rng))
            )
            shown.append(states)
        with torch.autocast("cpu", torch.bfloat16):
            audio = [model.model.multi_modal_projector(states) for states in shown]
            loss = chat_loss(model, audio, examples, encoding.audio)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 49 or step == plan.steps - 1:
            scores = development_scores(model, material, encoding)
            line = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
            seconds = time.monotonic() - start
            print(f"joint {step + 1} {seconds:.0f} s loss {np.mean(losses[-50:]):.4f} {line}", flush=True)
            if scores["score"] > best["score"]:
                best = scores
                save_aside({"model": model.state_dict(), "head": head.state_dict(), "scores": scores}, out)
    return best


def _some_tokens(states: list[Tensor], count: int, rng: np.random.Generator) -> Tensor:
    """Audio tokens of one clip, or of two clips one after the other, in their order: ``(n_tokens, d)``."""
    rows = []
    for k in rng.integers(len(states), size=2 if rng.random() < 0.5 else 1):
        row = states[k]
        if rng.random() < 0.9:
            kept = rng.permutation(len(row))[: int(rng.integers(count // 4, count))]
            row = row[np.sort(kept)]
        rows.append(row)
    return torch.cat(rows)


@torch.no_grad()
def head_belief(head: HeardHead, states: Tensor) -> NDArray[np.float64]:
    """What the head makes of some audio tokens of a clip, ``(n_tokens, d)`` -> ``(9,)``."""
    logits = head(states[None].float(), torch.tensor([len(states)]))[0][0]
    return np.asarray(logits.double().softmax(-1).numpy())


@torch.no_grad()
def word_shares(
    model: Model,
    material: Material,
    clips: NDArray[np.int64],
    encoding: Encoding,
    seed: int,
) -> Tensor:
    """What the first token of a one-word answer gives to CREMA-D's six emotions: log shares, ``(n, 6)``.

    Options are offered in an order of their own for every clip.
    """
    model.eval()
    rng = np.random.default_rng(seed)
    emotions, prompt = load_emotions("cremad6"), load_prompt("word")
    ids = [encoding.tokenizer.encode(label, add_special_tokens=False)[0] for label in VOTED]
    flat = np.full(len(HEARD), 1 / len(HEARD))
    rows = []
    for i in range(0, len(clips), 32):
        chosen = clips[i : i + 32]
        mels, frames = collate([material.bank.mels[k][0].astype(np.float32) for k in chosen])
        hidden, tokens = encode(model.model.audio_tower, mels, frames)
        audio = trimmed(model.model.multi_modal_projector(hidden), tokens)
        made = [
            encoding(example(flat, prompt.render(emotions, order=rng.permutation(6).tolist()), emotions, rng))
            for _ in chosen
        ]
        logits, starts = answer_logits(model, audio, made, encoding.audio)
        rows.append(logits[starts][:, ids].log_softmax(-1))
    return torch.cat(rows)


def development_scores(model: Model, material: Material, encoding: Encoding) -> dict[str, float]:
    """Six-class accuracy per corpus, the loss against the soft targets (nats), and the score to select by."""
    clips = material.development
    logits = word_shares(model, material, clips, encoding, seed=7)
    target = torch.tensor(restrict(material.soft[clips], option_matrix(VOTED)))
    scores = {}
    for corpus in ("ravdess", "emo-db"):
        here = np.flatnonzero(material.corpus[clips] == corpus)
        scores[corpus] = six_class_accuracy(logits[here], material.hard[clips][here])
    scores["soft_nll"] = float(-(target * logits).sum(-1).mean())
    scores["score"] = (scores["ravdess"] + scores["emo-db"]) / 2 - 0.3 * scores["soft_nll"]
    return scores
