"""The audio tower: the first two layers of Whisper's encoder, which also write what emotion they speak for.

Whisper's first layers tell every 20 ms what a voice sounds like. What its owner feels shows in the means of
that over the clip: of the state after the first layer, of what the attention of the second adds, and of what
the neurons of the second say. An emotion's logit is a linear map of these (`statistics`), fitted elsewhere. A
layer only ever adds to the state, so it can add that map as well, in nine directions that are hardly used.

The encoder's last layer norm stands in the way: it divides every state by its own length. Two dimensions
carry a weight so heavy (`LEAD`) that all states become equally long, and it does next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import gelu
from transformers import Qwen2AudioEncoder, WhisperForConditionalGeneration

from recipes.mini.checkpoint import encoder_config

Array = NDArray[np.float32]

LEAD = 400.0
"""What is added to one of the two heavy dimensions, and taken from the other."""
SMALL = 1 / 4
"""Logits are written on this scale: the layer norm in between should hardly notice them."""


def whispering(folder: Path) -> Qwen2AudioEncoder:
    """An encoder with Whisper's convolutions, positions and first two layers.

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


@dataclass(frozen=True)
class Heard:
    """What the tower has of a clip for every 20 ms.

    Args:
        state: after the first layer, ``(n, d)``.
        added: what the attention of the second layer adds to it, ``(n, d)``.
        neurons: of the second layer, ``(n, 4 d)``.
    """

    state: Tensor
    added: Tensor
    neurons: Tensor


@torch.no_grad()
def listen(encoder: Qwen2AudioEncoder, mel: Array) -> Heard:
    """Hear a clip by its features, ``(n_frames, n_mels)``; half as many states come out.

    The features are the clip's and one frame more, which the convolutions reach.
    """
    hidden = torch.from_numpy(np.ascontiguousarray(mel.T, dtype=np.float32))[None]
    hidden = gelu(encoder.conv2(gelu(encoder.conv1(hidden))))[0].T[: len(mel) // 2]
    state = encoder.layers[0]((hidden + encoder.embed_positions.weight[: len(hidden)])[None], None)
    last = encoder.layers[1]
    added = last.self_attn(last.self_attn_layer_norm(state))[0]
    neurons = gelu(last.fc1(last.final_layer_norm(state + added)))
    return Heard(state[0], added[0], neurons[0])


@dataclass(frozen=True)
class Room:
    """Where in the tower's states, of ``d`` dimensions, there is room.

    Args:
        written: ``(d, count)``, orthonormal directions in which the emotions' logits are written.
        heavy: the two dimensions that carry `LEAD`.
        kept: all others, in order.
    """

    written: Tensor
    heavy: Tensor
    kept: Tensor

    def clear(self, said: Tensor) -> Tensor:
        """What is said in dimensions, ``(d, ...)``, without what of it is said where logits are written."""
        return said - self.written @ (self.written.T @ said)

    @classmethod
    def of(cls, states: Tensor, count: int) -> Room:
        """From states after the first layer, ``(n, d)``: the directions in which they are nearest to zero."""
        centred = states - states.mean(1, keepdim=True)
        order = centred.square().mean(0).argsort()
        heavy, kept = order[:2], order[2:].sort().values
        x = (states[:, kept] - states[:, kept].mean(1, keepdim=True)).double()
        everywhere = torch.ones(len(kept), len(kept), dtype=torch.float64)  # what layer norms take away
        written = torch.zeros(states.shape[1], count)
        written[kept] = torch.linalg.eigh(x.T @ x / len(x) + everywhere).eigenvectors[:, :count].float()
        return cls(written, heavy, kept)


@torch.no_grad()
def make_room(encoder: Qwen2AudioEncoder, room: Room) -> None:
    """Let the second layer's attention say nothing where logits will be written, and its neurons not look."""
    last = encoder.layers[1]
    attention, norm = last.self_attn.out_proj, last.final_layer_norm
    attention.weight.copy_(room.clear(attention.weight))
    attention.bias.copy_(room.clear(attention.bias))
    last.fc1.bias += last.fc1.weight @ norm.bias
    last.fc1.weight.copy_(room.clear((last.fc1.weight * norm.weight).T).T)
    norm.weight.fill_(1.0)
    norm.bias.zero_()


def statistics(heard: Heard, room: Room) -> Array:
    """What the head may know of a clip: means over time, ``(2 k + 4 d,)`` with ``k`` dimensions kept."""
    state = heard.state.mean(0)[room.kept]
    means = state - state.mean(), heard.added.mean(0)[room.kept], heard.neurons.mean(0)
    return np.asarray(torch.cat(means).numpy())


@torch.no_grad()
def write(
    encoder: Qwen2AudioEncoder, room: Room, weight: NDArray[np.floating], bias: NDArray[np.floating]
) -> Tensor:
    """Let the second layer write, so that the mean over audio tokens holds ``weight @ statistics + bias``.

    Args:
        encoder: one that has room.
        weight: ``(count, 2 k + 4 d)``; its columns sum to zero.
        bias: ``(count,)``, too.

    Returns:
        ``(count, d)``: the linear map that reads the logits from the tower's output.
    """
    last, d, k = encoder.layers[1], encoder.config.d_model, len(room.kept)
    of_state, of_added = torch.zeros(2, len(weight), d)
    of_state[:, room.kept], of_added[:, room.kept], of_neurons = (
        torch.from_numpy(part).float() for part in np.split(weight, [k, 2 * k], axis=1)
    )
    of_state[:, room.kept] -= of_state[:, room.kept].mean(1, keepdim=True)
    of_state = room.clear(of_state.T).T
    # The state is read from the output, to which attention and neurons were added: these parts are taken off.
    into, attention = SMALL * room.written, last.self_attn.out_proj
    attention.bias += into @ (of_added - of_state) @ attention.bias
    attention.weight += into @ (of_added - of_state) @ attention.weight
    said = torch.from_numpy(bias).float() - of_state @ last.fc2.bias
    last.fc2.bias.copy_(room.clear(last.fc2.bias) + into @ said)
    said = of_neurons - of_state @ last.fc2.weight
    last.fc2.weight.copy_(room.clear(last.fc2.weight) + into @ said)
    last.fc2.bias[room.heavy] = torch.tensor([LEAD, -LEAD])
    length = LEAD * (2 / d) ** 0.5  # of every state: its standard deviation
    encoder.layer_norm.weight.fill_(length)
    encoder.layer_norm.bias.zero_()
    reading: Tensor = of_state + room.written.T / SMALL
    return reading
