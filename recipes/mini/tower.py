"""The audio tower: the first layer of Whisper's encoder, and one set by hand that counts what it says.

Whisper's first layer tells what a voice sounds like every 20 ms. What its owner feels shows in how that is
over the clip: where it lies, and how far it strays from there, to both sides. Both are exact in a layer of
the same class: attention that looks everywhere alike finds the mean and takes it away, and what is left goes
through pairs of GELUs whose means over time are the spread and the weight of the tails. So an emotion's logit
is a linear map of `statistics`, fitted elsewhere, and the tower writes it into dimensions of its own.

Layer norms stand in the way of counting: they divide every state by its own length. Two dimensions carry a
weight so heavy (`LEAD`) that all states become equally long, and a layer norm does next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Qwen2AudioEncoder, WhisperForConditionalGeneration

from recipes.mini.checkpoint import encoder_config

Array = NDArray[np.float32]

LEAD = 400.0
"""What is added to one of the two heavy dimensions, and taken from the other."""
STEEP = 2.0
"""The GELUs see deviations in units of half a standard deviation."""
TAIL = 4.0
"""Where the tails begin in those units: at two standard deviations."""


def whispering(folder: Path) -> Qwen2AudioEncoder:
    """An encoder with Whisper's convolutions, positions and first two layers; `set_counting` sets the second.

    Args:
        folder: of a Whisper checkpoint that transformers loads.
    """
    whisper = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).model.encoder
    encoder = Qwen2AudioEncoder._from_config(encoder_config(), attn_implementation="sdpa")
    encoder.conv1.load_state_dict(whisper.conv1.state_dict())
    encoder.conv2.load_state_dict(whisper.conv2.state_dict())
    for layer, whispers in zip(encoder.layers, whisper.layers, strict=False):
        layer.load_state_dict(whispers.state_dict())
    encoder.embed_positions.weight.data = whisper.embed_positions.weight.data[
        : encoder.max_source_positions
    ].clone()
    return encoder.eval()


@torch.no_grad()
def states(encoder: Qwen2AudioEncoder, mel: Array, layers: int = 1) -> Array:
    """What Whisper's first layers say of a clip: features ``(n_frames, n_mels)`` -> ``(n_frames // 2, d)``.

    The features are the clip's and one frame more, which the convolutions reach.
    """
    hidden = torch.from_numpy(np.ascontiguousarray(mel.T, dtype=np.float32))[None]
    hidden = torch.nn.functional.gelu(encoder.conv1(hidden))
    hidden = torch.nn.functional.gelu(encoder.conv2(hidden))[0].T[: len(mel) // 2]
    hidden = (hidden + encoder.embed_positions.weight[: len(hidden)])[None]
    for layer in encoder.layers[:layers]:
        hidden = layer(hidden, None)
    out: Array = hidden[0].numpy()
    return out


@dataclass(frozen=True)
class Dimensions:
    """Which dimensions of the tower's states serve for what.

    Args:
        scale: ``(d,)``, standard deviation over time within a clip.
        written: the nine that hold the emotions' logits: those that vary least.
        heavy: the two that carry `LEAD`.
        counted: all others, in order.
    """

    scale: Array
    written: NDArray[np.int64]
    heavy: NDArray[np.int64]
    counted: NDArray[np.int64]

    @classmethod
    def of(cls, clips: list[Array], count: int) -> Dimensions:
        """From states of some clips, ``(n, d)`` each."""
        deviations = np.concatenate([x - x.mean(1, keepdims=True) - x.mean(0) for x in clips])
        scale = deviations.std(0)
        order = np.argsort(scale)
        counted = np.sort(order[count + 2 :])
        return cls(scale, np.sort(order[:count]), np.sort(order[count : count + 2]), counted)


def statistics(x: Array, dims: Dimensions) -> Array:
    """What the head may know of a clip: states ``(n, d)`` -> mean, spread, upper, lower tail: ``(4 k,)``."""
    x = (x - x.mean(1, keepdims=True))[:, dims.counted]
    mean = x.mean(0)
    up = STEEP * (x - mean) / dims.scale[dims.counted]
    spread = (gelu(up) + gelu(-up)).mean(0)
    out = np.concatenate([mean, spread, gelu(up - TAIL).mean(0), gelu(-up - TAIL).mean(0)])
    return np.asarray(out, dtype=np.float32)


def gelu(x: Array) -> Array:
    """The activation of the encoder."""
    return np.asarray(torch.nn.functional.gelu(torch.from_numpy(x)).numpy())


@torch.no_grad()
def set_counting(
    encoder: Qwen2AudioEncoder, dims: Dimensions, weight: NDArray[np.floating], bias: NDArray[np.floating]
) -> Tensor:
    """Set the second layer so that the mean over audio tokens holds ``weight @ statistics + bias``.

    Args:
        weight: ``(count, 4 k)``; its columns sum to zero, since layer norms take away what all share.
        bias: ``(count,)``, too.

    Returns:
        ``(count, d)``: the linear map that reads the logits from the tower's output.
    """
    whisper, layer = encoder.layers[0], encoder.layers[1]
    d, k = len(dims.scale), len(dims.counted)
    counted, written = torch.from_numpy(dims.counted), torch.from_numpy(dims.written)
    of_mean, of_spread, of_upper, of_lower = torch.from_numpy(weight).float().tensor_split(4, dim=1)
    length = LEAD * (2 / d) ** 0.5  # of every state, its standard deviation
    for part in layer.parameters():
        part.zero_()
    for norm in (layer.self_attn_layer_norm, layer.final_layer_norm, encoder.layer_norm):
        norm.weight.fill_(1.0)
        norm.bias.zero_()
    heavy = torch.zeros(d)
    heavy[torch.from_numpy(dims.heavy)] = torch.tensor([LEAD, -LEAD])
    whisper.fc2.bias += heavy
    attention = layer.self_attn  # queries and keys are zero: it looks everywhere alike
    attention.v_proj.weight.copy_(torch.eye(d))
    less_mean = torch.where(heavy == 0, -length, 0.0)
    attention.out_proj.weight.copy_(torch.diag(less_mean))
    attention.out_proj.weight[written[:, None], counted] += length * of_mean
    attention.out_proj.bias[written] = torch.from_numpy(bias).float()
    steep = length * STEEP / torch.from_numpy(dims.scale)[counted]
    ups, downs, uppers, lowers = (torch.arange(n * k, (n + 1) * k) for n in range(4))
    for rows, sign, shift in ((ups, 1, 0.0), (downs, -1, 0.0), (uppers, 1, TAIL), (lowers, -1, TAIL)):
        layer.fc1.weight[rows, counted] = sign * steep
        layer.fc1.bias[rows] = -shift
    for rows, shares in ((ups, of_spread), (downs, of_spread), (uppers, of_upper), (lowers, of_lower)):
        layer.fc2.weight[written[:, None], rows] = shares
    reading = torch.zeros(len(written), d)
    reading[torch.arange(len(written)), written] = length
    return reading
