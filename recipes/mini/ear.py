"""What the language model is taught of a recording: its emotions, as far as the ear can be trusted with it.

The recordings at hand are of two studios. An ear that never heard another one is sure and wrong there, so
copies with a room, noise and another microphone stand in for all that is recorded elsewhere; on what sounds
like them, `mini` answers how listeners vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2AudioEncoder

from recipes.mini.encoder import HeadPlan, HeardHead, fit_softmax, fold_temperature, hear, pooled
from recipes.mini.features import GENTLE, SPEEDS, Augment, Mel, augmented
from recipes.mini.material import Material
from recipes.mini.targets import HEARD, VOTED

Array = NDArray[np.float64]

ROUGH = Augment(gain_db=6.0, tilt_db=6.0, noise=0.8, colour_db=12.0, reverb=0.6, trim=0.5)
"""What makes a recording unfamiliar."""
RIDGE = 0.005
"""Of the judge: half of this times its squared weights is added to its mean loss."""
AS_VOTED = np.array([float(label in VOTED) / len(VOTED) for label in HEARD])
"""Each of the emotions that CREMA-D's actors were asked for, equally likely."""


@dataclass(frozen=True)
class Ear:
    """What reads the encoder's states: which emotion they speak for, and how familiar they sound."""

    head: HeardHead
    judge: nn.Linear
    temperature: float
    """Already folded into the head."""

    @torch.no_grad()
    def belief(self, states: Tensor) -> Array:
        """What the head makes of some audio tokens of a recording, ``(n_tokens, d)`` -> ``(9,)``."""
        logits = self.head(states.float().mean(0))
        return np.asarray(logits.double().softmax(-1).numpy())

    @torch.no_grad()
    def familiarity(self, states: Tensor) -> float:
        """How much they sound like those that the head was fitted on, ``(n_tokens, d)`` -> (0, 1).

        The judge's logit counts twice, so that few recordings are taken for half known.
        """
        return float((2 * self.judge(states.float().mean(0))).sigmoid())


def train_ear(encoder: Qwen2AudioEncoder, material: Material, plan: HeadPlan, seed: int) -> Ear:
    """Head and judge for an encoder, which stays as it is."""
    head = hear(encoder, material, plan)
    temperature = fold_temperature(encoder, head, material)
    return Ear(head, fit_judge(encoder, material, np.random.default_rng(seed)), temperature)


def fit_judge(encoder: Qwen2AudioEncoder, material: Material, rng: np.random.Generator) -> nn.Linear:
    """A linear map of mean states ``(n, d)`` to the logit that a recording is none of the rough copies.

    Logistic regression on the training clips, once as they are, once changed gently and twice roughly; prints
    what it makes of the development clips.
    """

    def states(clips: NDArray[np.int64], how: Augment | None) -> Tensor:
        plain = [material.bank.mels[k][0] for k in clips]
        return pooled(encoder, changed(material, clips, how, rng) if how else plain)

    x = torch.cat([states(material.train, how) for how in (None, GENTLE, ROUGH, ROUGH)]).double().numpy()
    familiar = np.repeat([1.0, 1.0, 0.0, 0.0], len(material.train))
    mean, scale = x.mean(0), x.std(0)
    target, shares = np.stack([familiar, 1 - familiar], axis=1), np.full(len(x), 1 / len(x))
    weight, bias = fit_softmax((x - mean) / scale, target, shares, RIDGE)
    slope = (weight[0] - weight[1]) / scale
    judge = nn.Linear(x.shape[1], 1)
    with torch.no_grad():
        judge.weight.copy_(torch.tensor(slope))
        judge.bias.copy_(torch.tensor(bias[0] - bias[1] - slope @ mean))
        for name, how in (("as they are", None), ("rough", ROUGH)):
            found = judge(states(material.development, how)).sigmoid()
            print(f"familiarity of development clips, {name}: median {found.median():.2f}", flush=True)
    return judge


def changed(
    material: Material, clips: Sequence[int] | NDArray[np.int64], how: Augment, rng: np.random.Generator
) -> list[Mel]:
    """Features of each clip at a random speed, changed once."""
    return [augmented(material.bank.mels[k][rng.integers(len(SPEEDS))], how, rng) for k in clips]


@dataclass(frozen=True)
class Teaching:
    """What the language model shall answer.

    Args:
        ear: reads the encoder's states.
        confusion: ``(9, 9)``, P(vote | emotion).
        trust: where votes are taught, the weight of the ear's belief beside `AS_VOTED`.
    """

    ear: Ear
    confusion: Array
    trust: float

    def __call__(self, states: Tensor, votes: bool) -> Array:
        """The shares of the emotions for some audio tokens, ``(n_tokens, d)`` -> ``(9,)``.

        Numbers (``votes``) are shares of listeners. A word is the emotion that the ear believes in as far as
        the recording sounds familiar; as far as it does not, what a listener would say.
        """
        belief = self.ear.belief(states)
        listeners = (self.trust * belief + (1 - self.trust) * AS_VOTED) @ self.confusion
        known = 0.0 if votes else self.ear.familiarity(states)
        return np.asarray(known * belief + (1 - known) * listeners)
