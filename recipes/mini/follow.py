"""Stage 1: the audio encoder learns to follow a teacher that has heard thousands of voices.

Its own 19 training speakers are too few to hear emotion in a voice it does not know; what the teacher makes
of their speech, frame by frame, says far more than one label per clip.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2AudioEncoder

from ambivox.audio import load_audio
from recipes.mini.descent import Descent
from recipes.mini.encoder import encode, new_encoder
from recipes.mini.features import SPEEDS, Augment, augmented, batches, collate, speed_copy
from recipes.mini.material import Material, kept
from recipes.mini.teacher import Teacher

States: TypeAlias = NDArray[np.float16]
Lessons: TypeAlias = list[list[States]]

KEPT = 96
"""Principal components kept of each of the teacher's layers: about 94% of its variance."""
FRAMES_PER_TOKEN = 4
STUDIO = Augment(gain_db=6.0, tilt_db=2.0, noise=0.3, masks=1)
"""The encoder hears a clip nearly as the teacher does."""
ELSEWHERE = Augment(gain_db=6.0, tilt_db=4.0, noise=0.6, colour_db=12.0, reverb=0.4, masks=1)
"""The teacher hears a clip as it was recorded, the encoder as if elsewhere, to hear through rooms.

Neither changes the tempo: the teacher's states would no longer lie beside the frames that they belong to."""


def make_lessons(material: Material, work: Path) -> Lessons:
    """What the teacher makes of every clip at every speed: ``lessons[clip][speed]``, ``(n_tokens, 192)``.

    The principal components of each layer over the training clips, their scale evened half-way (a component's
    variance becomes its square root): the small ones say more of emotion than of who speaks. Kept in
    ``work/lessons.pkl`` (about 200 MB), since the teacher takes five minutes.
    """

    def ask() -> Lessons:
        teacher = Teacher()
        waves = (load_audio(clip.path) for clip in material.clips)
        told = [[teacher(speed_copy(wave, speed)).astype(np.float16) for speed in SPEEDS] for wave in waves]
        return reduced(told, material.train)

    return kept(work / "lessons.pkl", material.clips, ask)


def reduced(told: Lessons, train: NDArray[np.int64]) -> Lessons:
    """The states of every clip and speed as principal components, layer by layer."""
    heard = np.concatenate([told[k][s] for k in train for s in (0, 2, 7)]).astype(np.float64)
    maps = [(part, *principal(heard[:, part])) for part in Teacher.parts]

    def one(states: States) -> States:
        return np.hstack([(states[:, part] - mean) @ basis for part, mean, basis in maps]).astype(np.float16)

    return [[one(states) for states in copies] for copies in told]


def principal(states: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of ``(n, width)`` states, and the map ``(width, KEPT)`` to components of mean variance 1.

    >>> rng = np.random.default_rng(0)
    >>> states = rng.normal(size=(500, 128)) * np.linspace(3, 0.1, 128)
    >>> mean, basis = principal(states)
    >>> components = (states - mean) @ basis
    >>> components.shape, round(float(components.var(0).mean()), 3)
    ((500, 96), 1.0)
    """
    mean = states.mean(0)
    values, vectors = np.linalg.eigh(np.cov((states - mean).T, bias=True))
    values, vectors = values[::-1][:KEPT], vectors[:, ::-1][:, :KEPT]
    return mean, vectors * values**-0.25 / np.sqrt((values**0.5).mean())


@dataclass(frozen=True)
class FollowPlan:
    """Length and pace of stage 1."""

    epochs: int = 90
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    dropout: float = 0.05
    average: float = 0.99
    """Decay per step of the running mean of the weights, which is what is kept."""
    how: Augment = ELSEWHERE


def train_follower(material: Material, lessons: Lessons, plan: FollowPlan, seed: int) -> dict[str, Any]:
    """Train an encoder with a linear map to say what the teacher says.

    Returns:
        ``encoder``, its weights after the last epoch, and ``scores``: the share of the teacher's variance on
        the development clips that it explains, for the map's whole output.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = new_encoder(plan.dropout)
    follower = nn.ModuleList([encoder, nn.Linear(encoder.config.d_model, lessons[0][0].shape[1])])
    mean = copy.deepcopy(follower)
    steps = plan.epochs * (len(material.train) // plan.batch + 1)
    descent = Descent(
        follower.parameters(), plan.learning_rate, steps, weight_decay=plan.weight_decay, rise=0.08
    )
    start, scores = time.monotonic(), {"explained": float("-inf")}
    for epoch in range(plan.epochs):
        follower.train()
        losses = []
        for mels, frames, states in lesson_batches(material, lessons, plan, rng):
            with torch.autocast("cpu", torch.bfloat16):
                said = follower[1](encode(encoder, mels, frames)[0])
            loss = _errors(said.float(), states).square().mean()
            losses.append(loss.item())
            loss.backward()  # type: ignore[no-untyped-call]
            descent.step()
            decay = plan.average if epoch > 2 else 0.9
            with torch.no_grad():
                for average, now in zip(mean.parameters(), follower.parameters(), strict=True):
                    average.lerp_(now, 1 - decay)
        if epoch % 4 == 3 or epoch == plan.epochs - 1:
            share = explained(mean[0], mean[1], material, lessons)
            scores = {"explained": share}
            seconds = time.monotonic() - start
            print(
                f"follow {epoch} {seconds:.0f} s loss {np.mean(losses):.3f} explained {share:.3f}", flush=True
            )
    return {"encoder": mean[0].state_dict(), "scores": scores}


def lesson_batches(
    material: Material, lessons: Lessons, plan: FollowPlan, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, list[States]]]:
    """Every training clip, or a stretch of it, once at a random speed: features, frames, states to say."""
    speeds = rng.integers(len(SPEEDS), size=len(material.train))
    lengths = [len(material.bank.mels[k][s]) for k, s in zip(material.train, speeds, strict=True)]
    for chosen in batches(lengths, plan.batch, rng):
        pairs = [
            part_of(material.bank.mels[k][s], lessons[k][s], rng)
            for k, s in zip(material.train[chosen], speeds[chosen], strict=True)
        ]
        yield *collate([augmented(mel, plan.how, rng) for mel, _ in pairs]), [states for _, states in pairs]


def part_of(
    mel: NDArray[np.float16], states: States, rng: np.random.Generator
) -> tuple[NDArray[np.float16], States]:
    """A clip with the states beside it, or in every other case a stretch of at least a third of it."""
    tokens = min(len(mel) // FRAMES_PER_TOKEN, len(states))
    first, last = 0, tokens
    if rng.random() < 0.5:
        first, last = (
            int(rng.integers(0, tokens // 3 + 1)),
            int(rng.integers(tokens - tokens // 3, tokens + 1)),
        )
    return mel[FRAMES_PER_TOKEN * first : FRAMES_PER_TOKEN * last], states[first:last]


def _errors(said: Tensor, taught: list[States]) -> Tensor:
    """Differences on the tokens that both have, ``(n, width)``; ``said`` is padded, ``(B, T, width)``."""
    rows = []
    for row, states in zip(said, taught, strict=True):
        count = min(len(row), len(states))
        rows.append(row[:count] - torch.from_numpy(states[:count].astype(np.float32)))
    return torch.cat(rows)


@torch.no_grad()
def explained(encoder: Qwen2AudioEncoder, out: nn.Module, material: Material, lessons: Lessons) -> float:
    """Share of the variance of the teacher's states on development clips that is explained, at most 1."""
    encoder.eval()
    errors, taught = [], []
    for i in range(0, len(material.development), 32):
        clips = material.development[i : i + 32]
        mels, frames = collate([material.bank.mels[k][0].astype(np.float32) for k in clips])
        states = [lessons[k][0] for k in clips]
        errors.append(_errors(out(encode(encoder, mels, frames)[0]), states))
        taught.append(np.concatenate(states).astype(np.float32))
    return 1 - float(torch.cat(errors).square().mean() / np.concatenate(taught).var(0).mean())
