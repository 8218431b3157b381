"""Stage 1: the audio encoder learns to hear emotion, strength and sex, before there is a language model."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Qwen2AudioEncoder

from ambivox.training.checkpoint import encoder_config, set_sinusoids
from ambivox.training.features import GENTLE, PLAIN, SPEEDS, augmented, batches, collate
from ambivox.training.material import Material, save_aside, six_class_accuracy
from ambivox.training.targets import HEARD


def encode(encoder: Qwen2AudioEncoder, mels: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """The encoder's own layers on the real part of a batch, instead of on its whole padded window.

    Args:
        mels: ``(B, n_mels, T)``, padded to the longest clip plus the frames that the convolutions reach over.
        frames: ``(B,)`` real frames per clip.

    Returns:
        Hidden states ``(B, T // 4, d)`` and the number of real audio tokens, ``(B,)``.
    """
    positions, tokens = encoder._get_feat_extract_output_lengths(frames)
    hidden = nn.functional.gelu(encoder.conv1(mels))
    hidden = nn.functional.gelu(encoder.conv2(hidden)).permute(0, 2, 1)
    width = hidden.shape[1]
    hidden = hidden + encoder.embed_positions.weight[:width]
    hidden = nn.functional.dropout(hidden, p=encoder.dropout, training=encoder.training)
    real = torch.arange(width) < positions[:, None]
    mask = real[:, None, None, :].expand(-1, 1, width, -1)
    for layer in encoder.layers:
        if encoder.training and torch.rand(()) < encoder.layerdrop:
            continue
        hidden = layer(hidden, mask)
    hidden = encoder.avg_pooler(hidden.permute(0, 2, 1)).permute(0, 2, 1)
    return encoder.layer_norm(hidden), tokens


class HeardHead(nn.Module):
    """Logits of emotion (9), strength (2) and sex (2): the mean over a clip's audio tokens of a linear map.

    Because it is linear, the first nine outputs also say what every single audio token speaks for, and the
    projector of the language model starts as a copy of it.
    """

    def __init__(self, width: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, len(HEARD) + 4)

    def forward(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(B, T, d)`` and ``(B,)`` -> logits ``(B, 9)``, ``(B, 2)``, ``(B, 2)``."""
        real = (torch.arange(hidden.shape[1]) < tokens[:, None]).to(hidden.dtype)
        pooled = torch.einsum("bt,btd->bd", real / tokens[:, None], hidden)
        logits = self.out(self.dropout(pooled))
        return logits[:, :9], logits[:, 9:11], logits[:, 11:]


@dataclass(frozen=True)
class EncoderPlan:
    """Epochs and strengths of stage 1: plain and hard at first, then augmented, then towards the votes."""

    epochs: int = 26
    plain_epochs: int = 6
    soft_from: int = 16
    batch: int = 16
    learning_rate: float = 8e-4
    weight_decay: float = 0.05
    dropout: float = 0.1
    mixup: float = 0.2
    """Share of the batches, after the plain epochs, in which clips are laid over each other."""
    average: float = 0.99
    """Decay per step of the running mean of the weights, which is what is scored and kept."""


def mix(
    mels: Tensor, frames: Tensor, share: float, other: Tensor, in_decibels: bool
) -> tuple[Tensor, Tensor]:
    """Two clips over each other, ``share`` of the first: as sound (power) or as pictures (log power)."""
    if in_decibels:
        mixed = share * mels + (1 - share) * mels[other]
    else:
        mixed = torch.log10(share * 10 ** (4 * mels) + (1 - share) * 10 ** (4 * mels[other])) / 4
    return mixed, torch.maximum(frames, frames[other])


def train_encoder(material: Material, plan: EncoderPlan, out: Path, seed: int) -> dict[str, float]:
    """Train an encoder and a `HeardHead`; the epoch with the best development score is left in ``out``.

    Returns:
        The development scores of that epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = new_encoder(plan.dropout)
    head = HeardHead(encoder.config.d_model)
    parts = nn.ModuleList([encoder, head])
    mean_encoder, mean_head = copy.deepcopy(encoder), copy.deepcopy(head)
    averaged = nn.ModuleList([mean_encoder, mean_head])
    parameters = [p for p in parts.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay, betas=(0.9, 0.98)
    )
    steps = plan.epochs * (len(material.train) // plan.batch + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.learning_rate, total_steps=steps + 1, pct_start=0.1
    )
    soft, female, strong = (torch.tensor(x) for x in (material.soft, material.female, material.strong))
    hard = nn.functional.one_hot(torch.tensor(material.hard), len(HEARD)).double()
    best: dict[str, float] = {"score": -1.0}
    start = time.monotonic()
    for epoch in range(plan.epochs):
        plain = epoch < plan.plain_epochs
        how = PLAIN if plain else GENTLE
        targets = hard if epoch < plan.soft_from else 0.5 * hard + 0.5 * soft
        speeds = rng.integers(0, 1 if plain else len(SPEEDS), len(material.train))
        lengths = [len(material.bank.mels[k][s]) for k, s in zip(material.train, speeds, strict=True)]
        encoder.train()
        head.train()
        losses = []
        for chosen in batches(lengths, plan.batch, rng):
            clips = material.train[chosen]
            mels, frames = collate(
                [
                    augmented(material.bank.mels[k][s], how, rng)
                    for k, s in zip(clips, speeds[chosen], strict=True)
                ]
            )
            target, share = targets[clips], 1.0
            if not plain and rng.random() < plan.mixup:
                share = rng.uniform(0.5, 1.0)
                other = torch.randperm(len(clips))
                mels, frames = mix(mels, frames, share, other, bool(rng.random() < 0.5))
                target = share * target + (1 - share) * target[other]
            with torch.autocast("cpu", torch.bfloat16):
                emotion, strength, sex = head(*encode(encoder, mels, frames))
            loss = -(target * emotion.float().log_softmax(-1)).sum(-1).mean()
            losses.append(loss.item())
            if share > 0.8:
                loss = loss + 0.2 * nn.functional.cross_entropy(sex.float(), female[clips])
                if (strong[clips] >= 0).any():
                    loss = loss + 0.2 * nn.functional.cross_entropy(strength.float(), strong[clips])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for mean, now in zip(averaged.parameters(), parts.parameters(), strict=True):
                    mean.lerp_(now, 1 - plan.average)
        if epoch % 2 == 1 or epoch >= plan.epochs - 5:
            scores = development_scores(mean_encoder, mean_head, material)
            line = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
            print(
                f"encoder {epoch} {time.monotonic() - start:.0f} s loss {np.mean(losses):.3f} {line}",
                flush=True,
            )
            if scores["score"] > best["score"]:
                best = scores
                save_aside(
                    {"encoder": mean_encoder.state_dict(), "head": mean_head.state_dict(), "scores": scores},
                    out,
                )
    return best


def new_encoder(dropout: float) -> Qwen2AudioEncoder:
    """An untrained encoder in the shape that `mini` ships."""
    encoder = Qwen2AudioEncoder._from_config(encoder_config(dropout), attn_implementation="sdpa")
    set_sinusoids(encoder)
    return encoder


@torch.no_grad()
def heard_logits(
    encoder: Qwen2AudioEncoder, head: HeardHead, material: Material, clips: np.ndarray
) -> Tensor:
    """Emotion logits of unchanged clips, ``(n, 9)``."""
    encoder.eval()
    head.eval()
    rows = []
    for i in range(0, len(clips), 32):
        mels, frames = collate([material.bank.mels[k][0].astype(np.float32) for k in clips[i : i + 32]])
        rows.append(head(*encode(encoder, mels, frames))[0])
    return torch.cat(rows)


def development_scores(encoder: Qwen2AudioEncoder, head: HeardHead, material: Material) -> dict[str, float]:
    """Six-class accuracy per corpus, the loss against the soft targets (nats), and the score to select by."""
    clips = material.development
    logits = heard_logits(encoder, head, material, clips)
    scores = {}
    for corpus in ("ravdess", "emo-db"):
        here = np.flatnonzero(material.corpus[clips] == corpus)
        scores[corpus] = six_class_accuracy(logits[here], material.hard[clips][here])
    nll = -(torch.tensor(material.soft[clips]) * logits.log_softmax(-1)).sum(-1).mean()
    scores["soft_nll"] = float(nll)
    scores["score"] = (scores["ravdess"] + scores["emo-db"]) / 2 - 0.1 * scores["soft_nll"]
    return scores


def fold_temperature(encoder: Qwen2AudioEncoder, head: HeardHead, material: Material) -> float:
    """Scale the head so that the development speakers' soft targets are met best; return the temperature."""
    clips = material.development
    logits = heard_logits(encoder, head, material, clips)
    target = torch.tensor(material.soft[clips])
    temperatures = np.linspace(0.5, 4.0, 71)
    losses = [float(-(target * (logits / t).log_softmax(-1)).sum(-1).mean()) for t in temperatures]
    best = float(temperatures[int(np.argmin(losses))])
    head.out.weight.data[: len(HEARD)] /= best
    head.out.bias.data[: len(HEARD)] /= best
    print(f"temperature {best:.2f}, soft_nll {min(losses):.3f}", flush=True)
    return best
