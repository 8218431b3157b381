"""Stage 2: a linear head on the audio encoder says what it heard, before there is a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2AudioEncoder

from ambivox.calibration import fit_temperature
from recipes.mini.checkpoint import encoder_config, set_sinusoids
from recipes.mini.features import SPEEDS, Mel, collate
from recipes.mini.material import Material, six_class_accuracy
from recipes.mini.targets import EQUAL, HEARD


def new_encoder(dropout: float) -> Qwen2AudioEncoder:
    """An untrained encoder in the shape that `mini` ships."""
    encoder = Qwen2AudioEncoder._from_config(encoder_config(dropout), attn_implementation="sdpa")
    set_sinusoids(encoder)
    return encoder


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
        hidden = layer(hidden, mask)
    hidden = encoder.avg_pooler(hidden.permute(0, 2, 1)).permute(0, 2, 1)
    return encoder.layer_norm(hidden), tokens


class HeardHead(nn.Module):
    """Logits of the nine emotions: the mean over a clip's audio tokens of a linear map.

    Because it is linear, it also says what every single audio token speaks for, and the projector of the
    language model starts as a copy of it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, len(HEARD))

    def forward(self, states: Tensor) -> Tensor:
        """Mean states ``(n, d)`` of clips -> ``(n, 9)``."""
        logits: Tensor = self.out(states)
        return logits


@torch.no_grad()
def pooled(encoder: Qwen2AudioEncoder, mels: Sequence[Mel]) -> Tensor:
    """Mean over the audio tokens of each clip, ``(n, d)``: what a `HeardHead` makes its logits of."""
    encoder.eval()
    rows = []
    for i in range(0, len(mels), 32):
        hidden, tokens = encode(encoder, *collate([mel.astype(np.float32) for mel in mels[i : i + 32]]))
        rows += [row[:count].mean(0) for row, count in zip(hidden, tokens.tolist(), strict=True)]
    return torch.stack(rows)


@dataclass(frozen=True)
class HeadPlan:
    """How the head is fitted."""

    ridge: float = 0.04
    """Half of this times the squared weights, for states of variance 1, is added to the mean loss."""
    speeds: int = len(SPEEDS)
    """How many of the speeds every clip is heard at."""
    empty: float = 0.1
    """Share that silence and noise, whose targets are equal shares, have in the loss."""


def hear(encoder: Qwen2AudioEncoder, material: Material, plan: HeadPlan) -> HeardHead:
    """Fit a head to what the training clips' actors meant; the encoder stays as it is."""
    clips = [material.bank.mels[k][: plan.speeds] for k in material.train]
    states = pooled(encoder, [mel for mels in clips for mel in mels])
    meant = np.repeat(material.hard[material.train], [len(mels) for mels in clips])
    return fit_head(states, pooled(encoder, material.empty), meant, plan)


def fit_head(voiced: Tensor, empty: Tensor, meant: NDArray[np.int64], plan: HeadPlan) -> HeardHead:
    """Fit a head to mean states ``(n, d)`` of clips and of silence and noise, whose targets are equal shares.

    Args:
        meant: the place in `HEARD` of each clip's emotion, ``(n,)``.
    """
    count = len(voiced), len(empty)
    states = torch.cat([voiced, empty]).double().numpy()
    target = np.concatenate([np.eye(len(HEARD))[meant], np.tile(EQUAL, (count[1], 1))])
    shares = np.repeat([(1 - plan.empty) / count[0], plan.empty / max(1, count[1])], count)
    mean, scale = states[: count[0]].mean(0), states[: count[0]].std(0)
    weight, bias = fit_softmax((states - mean) / scale, target, shares, plan.ridge)
    head = HeardHead(states.shape[1])
    with torch.no_grad():
        head.out.weight.copy_(torch.tensor(weight / scale))
        head.out.bias.copy_(torch.tensor(bias - (weight / scale) @ mean))
    return head


def fit_softmax(
    states: NDArray[np.floating], target: NDArray[np.float64], shares: NDArray[np.float64], ridge: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Multinomial logistic regression towards shares, by L-BFGS.

    Args:
        states: ``(n, d)``.
        target: ``(n, c)``, rows that sum to one.
        shares: ``(n,)``, what each row counts in the loss.
        ridge: half of this times the sum of the squared weights is added to the loss.

    Returns:
        Weights ``(c, d)`` and biases ``(c,)``.
    """
    x, wanted, counts = (torch.tensor(some, dtype=torch.float64) for some in (states, target, shares))
    weight = torch.zeros(wanted.shape[1], x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(wanted.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=1000, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        errors = -(wanted * (x @ weight.T + bias).log_softmax(-1)).sum(-1)
        value = (counts * errors).sum() + ridge / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach().numpy(), bias.detach().numpy()


def heard_logits(
    encoder: Qwen2AudioEncoder, head: HeardHead, material: Material, clips: NDArray[np.int64]
) -> Tensor:
    """Emotion logits of unchanged clips, ``(n, 9)``."""
    with torch.no_grad():
        logits: Tensor = head(pooled(encoder, [material.bank.mels[k][0] for k in clips]))
    return logits


def scores_of(logits: Tensor, material: Material) -> dict[str, float]:
    """Six-class accuracy per corpus, the loss against the soft targets (nats), and the score to select by.

    Args:
        logits: of the development clips, ``(n, 9)``.
    """
    clips = material.development
    scores = {}
    for corpus in ("ravdess", "emo-db"):
        here = np.flatnonzero(material.corpus[clips] == corpus)
        scores[corpus] = six_class_accuracy(logits[here], material.hard[clips][here])
    nll = -(torch.tensor(material.soft[clips]) * logits.log_softmax(-1)).sum(-1).mean()
    scores["soft_nll"] = float(nll)
    scores["score"] = (scores["ravdess"] + scores["emo-db"]) / 2 - 0.1 * scores["soft_nll"]
    return scores


def fold_temperature(encoder: Qwen2AudioEncoder, head: HeardHead, material: Material) -> float:
    """Scale the head to be as sure as it is right on the development speakers; return the temperature.

    Right is what the actor meant, as the head was fitted: how listeners vote then is a step of its own.
    """
    clips = material.development
    believed = heard_logits(encoder, head, material, clips).double().softmax(-1).numpy()
    fitted = fit_temperature(believed, np.eye(len(HEARD))[material.hard[clips]])
    head.out.weight.data /= fitted.temperature
    head.out.bias.data /= fitted.temperature
    print(f"temperature {fitted.temperature:.2f}, nll {fitted.loss_nats[1]:.3f}", flush=True)
    return fitted.temperature
