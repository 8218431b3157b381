"""`mini` in numpy: a Qwen2-Audio of a few million weights. `modeling_qwen2_audio.py` of transformers is the
reference, whose names of weights are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, expit

from ambivox.models.protocol import FloatArray

LAYER_NORM_EPSILON = 1e-5
"""Of torch, where a config says nothing else."""

ROOT_HALF = np.float32(0.5**0.5)


@dataclass(frozen=True)
class Cache:
    """Keys and values of what was read, per layer, shape ``(B, heads, n, d)``. It never changes: what goes on
    from it makes a new one, so that any number of continuations may begin at the same place.
    """

    keys: tuple[FloatArray, ...] = ()
    values: tuple[FloatArray, ...] = ()

    def __len__(self) -> int:
        return self.keys[0].shape[2] if self.keys else 0

    def rows(self, rows: Sequence[int]) -> Cache:
        """Some of its rows, each as often as it is named."""
        chosen = list(rows)
        return Cache(tuple(k[chosen] for k in self.keys), tuple(v[chosen] for v in self.values))

    def first(self, n: int) -> Cache:
        """What was read first."""
        return Cache(tuple(k[:, :, :n] for k in self.keys), tuple(v[:, :, :n] for v in self.values))


class Network:
    """The weights of a Qwen2-Audio checkpoint, and what is computed with them in float32.

    Args:
        weights: by name.
        config: of the checkpoint.
    """

    def __init__(self, weights: Mapping[str, FloatArray], config: Mapping[str, Any]) -> None:
        self.weights = {name: weight.astype(np.float32) for name, weight in weights.items()}
        self.audio, self.text = config["audio_config"], config["text_config"]
        self.width = self.text["hidden_size"] // self.text["num_attention_heads"]
        halves = np.arange(0, self.width, 2, dtype=np.float32) / self.width
        self.turns = 1 / np.float32(self.text["rope_parameters"]["rope_theta"]) ** halves

    @classmethod
    def load(cls, weights: Path, config: Mapping[str, Any]) -> Network:
        """From a safetensors file."""
        from safetensors.numpy import load_file

        return cls(load_file(weights), config)

    def encode(self, frames: FloatArray, states: int) -> FloatArray:
        """What stands in a prompt for a clip, shape ``(states // 2, hidden)``.

        The full encoder fills up to its window and masks that; here there is nothing to mask.

        Args:
            frames: shape ``(n, mels)``, the clip's and one more, which the convolutions reach.
            states: what two frames each become, those of the clip.
        """
        at = "audio_tower"
        x = gelu(self._convolve(frames, f"{at}.conv1", stride=1))
        x = gelu(self._convolve(x, f"{at}.conv2", stride=2))[:states]
        x = x + self.weights[f"{at}.embed_positions.weight"][:states]
        for layer in range(self.audio["encoder_layers"]):
            x = self._encoder_layer(x, f"{at}.layers.{layer}")
        pooled = x[: states // 2 * 2].reshape(states // 2, 2, -1).mean(axis=1)
        return self._linear(self._layer_norm(pooled, f"{at}.layer_norm"), "multi_modal_projector.linear")

    def embed(self, tokens: ArrayLike) -> FloatArray:
        """The embeddings of tokens of any shape."""
        embedded: FloatArray = self.weights["language_model.model.embed_tokens.weight"][np.asarray(tokens)]
        return embedded

    def decode(self, x: FloatArray, cache: Cache) -> tuple[list[FloatArray], Cache]:
        """Read on: embeddings ``(B, n, hidden)`` -> the states after each layer, and the longer cache."""
        states, keys, values = [], [], []
        positions = len(cache) + np.arange(x.shape[1])
        angles = (positions[:, None] * self.turns).astype(np.float32)
        rotation = np.cos(angles), np.sin(angles)
        hidden = np.arange(len(cache) + len(positions)) > positions[:, None]
        for layer in range(self.text["num_hidden_layers"]):
            at = f"language_model.model.layers.{layer}"
            normed = self._rms_norm(x, f"{at}.input_layernorm")
            q, k, v = (self._heads(self._linear(normed, f"{at}.self_attn.{name}_proj")) for name in "qkv")
            q, k = rotated(q, *rotation), rotated(k, *rotation)
            if cache.keys:
                k = np.concatenate([cache.keys[layer], k], axis=2)
                v = np.concatenate([cache.values[layer], v], axis=2)
            keys.append(k)
            values.append(v)
            heard = attention(q, k, v, hidden if len(positions) > 1 else None)
            x = x + self._linear(_joined(heard), f"{at}.self_attn.o_proj")
            normed = self._rms_norm(x, f"{at}.post_attention_layernorm")
            gate, up = (self._linear(normed, f"{at}.mlp.{name}_proj") for name in ("gate", "up"))
            x = x + self._linear(silu(gate) * up, f"{at}.mlp.down_proj")
            states.append(x)
        return states, Cache(tuple(keys), tuple(values))

    def logits(self, state: FloatArray) -> FloatArray:
        """Of the next token: states ``(..., hidden)`` of the last layer, or of any, -> ``(..., V)``."""
        return self._linear(self._rms_norm(state, "language_model.model.norm"), "language_model.lm_head")

    def _encoder_layer(self, x: FloatArray, at: str) -> FloatArray:
        normed = self._layer_norm(x, f"{at}.self_attn_layer_norm")
        split = (
            -1,
            self.audio["encoder_attention_heads"],
            x.shape[1] // self.audio["encoder_attention_heads"],
        )
        q, k, v = (
            self._linear(normed, f"{at}.self_attn.{name}_proj").reshape(split).swapaxes(0, 1)
            for name in "qkv"
        )
        heard = attention(q, k, v).swapaxes(0, 1).reshape(x.shape)
        x = x + self._linear(heard, f"{at}.self_attn.out_proj")
        normed = self._layer_norm(x, f"{at}.final_layer_norm")
        return x + self._linear(gelu(self._linear(normed, f"{at}.fc1")), f"{at}.fc2")

    def _convolve(self, x: FloatArray, name: str, stride: int) -> FloatArray:
        """Kernels of three, with a zero before the first and behind the last."""
        around = np.pad(x, ((1, 1), (0, 0)))
        near = np.lib.stride_tricks.sliding_window_view(around, 3, axis=0)[::stride]
        kernel = self.weights[f"{name}.weight"]
        out: FloatArray = near.reshape(len(near), -1) @ kernel.reshape(len(kernel), -1).T
        return out + self.weights[f"{name}.bias"]

    def _linear(self, x: FloatArray, name: str) -> FloatArray:
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        # one product of two matrices: of a stack, numpy makes a product for each of its rows
        out: FloatArray = x.reshape(-1, x.shape[-1]) @ weight.T
        if bias is not None:
            out += bias
        return out.reshape(*x.shape[:-1], -1)

    def _layer_norm(self, x: FloatArray, name: str) -> FloatArray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + LAYER_NORM_EPSILON)
        normed: FloatArray = scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return normed

    def _rms_norm(self, x: FloatArray, name: str) -> FloatArray:
        scale = np.sqrt((x**2).mean(axis=-1, keepdims=True) + np.float32(self.text["rms_norm_eps"]))
        normed: FloatArray = x / scale * self.weights[f"{name}.weight"]
        return normed

    def _heads(self, x: FloatArray) -> FloatArray:
        return x.reshape(*x.shape[:2], -1, self.width).swapaxes(1, 2)


def attention(
    q: FloatArray, k: FloatArray, v: FloatArray, hidden: NDArray[np.bool_] | None = None
) -> FloatArray:
    """Shapes ``(..., n, d)``, ``(..., m, d)`` twice and ``(n, m)`` for what may not be seen."""
    scores: FloatArray = q @ k.swapaxes(-1, -2)
    scores *= q.shape[-1] ** -0.5
    if hidden is not None:
        scores[..., hidden] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    seen: FloatArray = (weights / weights.sum(axis=-1, keepdims=True)) @ v
    return seen


def rotated(x: FloatArray, cos: FloatArray, sin: FloatArray) -> FloatArray:
    """Rotary positions: the halves of the last axis, ``(n, d / 2)`` each, are turned as pairs."""
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def gelu(x: FloatArray) -> FloatArray:
    """``x`` times the standard normal distribution function at `x`."""
    grown: FloatArray = 0.5 * x * (1 + erf(x * ROOT_HALF))
    return grown


def silu(x: FloatArray) -> FloatArray:
    """``x`` times the logistic function of `x`."""
    weighted: FloatArray = x * expit(x)
    return weighted


def _joined(x: FloatArray) -> FloatArray:
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)
