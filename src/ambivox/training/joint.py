"""Stage 3: encoder and language model together on real clips, then one temperature for the weights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

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
from ambivox.training.encoder import HeardHead, encode, mix
from ambivox.training.features import FLOOR_RANGE, GENTLE, SPEEDS, augmented, batches, collate
from ambivox.training.material import Material, save_aside, six_class_accuracy
from ambivox.training.targets import HEARD, VOTED, option_matrix, restrict


@dataclass(frozen=True)
class JointPlan:
    """Length and pace of stage 3."""

    epochs: int = 6
    batch: int = 16
    prompts_per_clip: int = 2
    learning_rate: float = 5e-4
    encoder_learning_rate: float = 1e-4
    dropout: float = 0.1
    mixup: float = 0.3
    content_free: float = 0.04
    """Share of training inputs that are silence or noise, answered with equal shares for all emotions."""


def join(
    model: Qwen2AudioForConditionalGeneration,
    encoder: dict[str, Tensor],
    head: dict[str, Tensor],
    reader: dict[str, Tensor],
) -> None:
    """Put a trained encoder under a trained language model.

    Both are linear where they meet: the head turns an audio token into emotion logits, ``reader`` turns
    emotion logits into what the language model reads. The projector starts as their product.
    """
    model.model.audio_tower.load_state_dict(encoder)
    centre = torch.eye(len(HEARD)) - 1 / len(HEARD)
    projector = model.model.multi_modal_projector.linear
    projector.weight.data = reader["weight"] @ centre @ head["out.weight"][: len(HEARD)]
    bias = centre @ head["out.bias"][: len(HEARD)]
    projector.bias.data = reader["bias"] + reader["weight"] @ bias


def projected(
    model: Qwen2AudioForConditionalGeneration, mels: Tensor, frames: Tensor
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Audio tokens as the language model reads them, one ``(n_tokens, hidden)`` per clip; states; counts."""
    hidden, tokens = encode(model.model.audio_tower, mels, frames)
    read = model.model.multi_modal_projector(hidden)
    return [row[:count] for row, count in zip(read, tokens.tolist(), strict=True)], hidden, tokens


def content_free_mel(rng: np.random.Generator) -> NDArray[np.float32]:
    """Features of silence, or of stationary noise of any colour and level, ``(n_frames, n_mels)``."""
    frames = int(rng.integers(40, 240))
    if rng.random() < 0.3:
        return np.full((frames, N_MELS), -1.5, dtype=np.float32)  # log10 of the smallest power, + 4, / 4
    tilt = rng.normal() * 0.3 * np.linspace(-1, 1, N_MELS)
    noise = rng.uniform(-1.0, 1.0) + tilt + 0.08 * rng.normal(size=(frames, N_MELS))
    return np.asarray(np.maximum(noise, noise.max() - FLOOR_RANGE), dtype=np.float32)


def train_joint(
    model: Qwen2AudioForConditionalGeneration,
    head: HeardHead,
    material: Material,
    pool: PromptPool,
    encoding: Encoding,
    plan: JointPlan,
    out: Path,
    seed: int,
) -> dict[str, float]:
    """Train all weights on real clips; the epoch with the best development score is left in ``out``.

    Returns:
        The development scores of that epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = model.model.audio_tower
    set_dropout(encoder, plan.dropout)
    slow = [p for p in encoder.parameters() if p.requires_grad]
    fast = [
        *model.model.language_model.parameters(),
        *model.lm_head.parameters(),
        *model.model.multi_modal_projector.parameters(),
        *head.parameters(),
    ]
    optimizer = torch.optim.AdamW(
        [{"params": slow, "lr": plan.encoder_learning_rate}, {"params": fast, "lr": plan.learning_rate}],
        weight_decay=0.02,
        betas=(0.9, 0.98),
    )
    steps = plan.epochs * (len(material.train) // plan.batch + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [plan.encoder_learning_rate, plan.learning_rate], total_steps=steps + 1, pct_start=0.1
    )
    best = development_scores(model, material, encoding)
    print(f"joint start {best}", flush=True)
    save_aside({"model": model.state_dict(), "head": head.state_dict(), "scores": best}, out)
    start = time.monotonic()
    for epoch in range(plan.epochs):
        model.train()
        head.train()
        speeds = rng.integers(0, len(SPEEDS), len(material.train))
        lengths = [len(material.bank.mels[k][s]) for k, s in zip(material.train, speeds, strict=True)]
        losses = []
        for chosen in batches(lengths, plan.batch, rng):
            clips = material.train[chosen]
            made = [
                augmented(material.bank.mels[k][s], GENTLE, rng)
                for k, s in zip(clips, speeds[chosen], strict=True)
            ]
            target = material.soft[clips].copy()
            for row in np.flatnonzero(rng.random(len(clips)) < plan.content_free):
                made[row], target[row] = content_free_mel(rng), 1 / len(HEARD)
            mels, frames = collate(made)
            if rng.random() < plan.mixup:
                share = float(rng.uniform(0.5, 1.0))
                other = torch.randperm(len(clips))
                mels, frames = mix(mels, frames, share, other, bool(rng.random() < 0.5))
                target = share * target + (1 - share) * target[other.numpy()]
            examples, rows = [], []
            for row in range(len(clips)):
                for _ in range(plan.prompts_per_clip):
                    prompt, emotions = pool[rng.integers(len(pool))]
                    examples.append(encoding(example(target[row], prompt, emotions, rng)))
                    rows.append(row)
            with torch.autocast("cpu", torch.bfloat16):
                audio, hidden, tokens = projected(model, mels, frames)
                loss = chat_loss(model, [audio[row] for row in rows], examples, encoding.audio)
                emotion = head(hidden, tokens)[0]
            losses.append(loss.item())
            loss = loss - 0.3 * (torch.tensor(target) * emotion.float().log_softmax(-1)).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*slow, *fast], 1.0)
            optimizer.step()
            schedule.step()
        scores = development_scores(model, material, encoding)
        line = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        print(f"joint {epoch} {time.monotonic() - start:.0f} s loss {np.mean(losses):.4f} {line}", flush=True)
        if scores["score"] > best["score"]:
            best = scores
            save_aside({"model": model.state_dict(), "head": head.state_dict(), "scores": scores}, out)
    set_dropout(encoder, 0.0)
    return best


def set_dropout(encoder: nn.Module, dropout: float) -> None:
    """Dropout of an encoder that is already built (its layers keep the rate they were built with)."""
    for module in encoder.modules():
        for name in ("dropout", "activation_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, dropout)


@torch.no_grad()
def word_shares(
    model: Qwen2AudioForConditionalGeneration,
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
        audio, _, _ = projected(model, mels, frames)
        made = [
            encoding(example(flat, prompt.render(emotions, order=rng.permutation(6).tolist()), emotions, rng))
            for _ in chosen
        ]
        logits, starts = answer_logits(model, audio, made, encoding.audio)
        rows.append(logits[starts][:, ids].log_softmax(-1))
    return torch.cat(rows)


def development_scores(
    model: Qwen2AudioForConditionalGeneration, material: Material, encoding: Encoding
) -> dict[str, float]:
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


def fold_temperature(
    model: Qwen2AudioForConditionalGeneration, material: Material, encoding: Encoding
) -> float:
    """Scale the projector to meet the development speakers' soft targets best; return the temperature.

    The language model reads emotion logits from the audio tokens, so dividing those by a temperature
    flattens every kind of answer, written numbers included.
    """
    projector = model.model.multi_modal_projector.linear
    weight, bias = projector.weight.data.clone(), projector.bias.data.clone()
    losses = {}
    for temperature in (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6, 1.8):
        projector.weight.data, projector.bias.data = weight / temperature, bias / temperature
        losses[temperature] = development_scores(model, material, encoding)["soft_nll"]
    best = min(losses, key=lambda temperature: losses[temperature])
    projector.weight.data, projector.bias.data = weight / best, bias / best
    print(f"temperature {best}: {losses}", flush=True)
    return best
