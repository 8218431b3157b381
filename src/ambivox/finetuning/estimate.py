"""What a training will take, from its configuration alone: parameters, memory by part, FLOPs and time.

Nothing is trained and no weights are loaded. Matrix products are counted (2 FLOPs per weight and position,
and attention); a backward pass costs as much as the forward pass for the gradients of activations, and once
more for those of weights that are trained (Kaplan et al. 2020, arXiv 2001.08361). Activations are Korthikanti
et al. 2022 (arXiv 2205.05198), 34 bytes per position, width and layer in 16 bit, without the attention
matrix, which fused kernels do not keep. Weights, gradients and optimiser are exact, activations are rough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.finetuning.answers import write_answer
from ambivox.finetuning.config import FinetuneConfig
from ambivox.finetuning.parts import Parts, look_up
from ambivox.finetuning.splits import Rated
from ambivox.finetuning.weights import adapted_modules, decoder_path, freeze
from ambivox.models.hf.chat_input import ChatInput
from ambivox.models.hf.checkpoint import load_without_weights
from ambivox.models.load import checkpoint_of

ACTIVATION_BYTES = 34
"""Per position, width and layer, in 16 bit."""

ADAM_BYTES = 8
"""Per trained weight: two moments in 32 bit."""

DEFAULT_CLIP_S = 3.0
"""Where no training clip can be looked at."""

LOOKED_AT = 50
"""How many training clips are looked at for their mean length."""


@dataclass(frozen=True)
class Shape:
    """What of a model decides the cost of a step; sizes in weights, positions per example.

    Args:
        audio, decoder, output: weights of the linear and convolutional maps of each part.
        audio_positions, positions: of the audio tower, and of the language model (audio and text).
        audio_layers, audio_width, layers, width, vocabulary: of tower and language model.
    """

    audio: int
    decoder: int
    output: int
    audio_positions: int
    positions: int
    audio_layers: int
    audio_width: int
    layers: int
    width: int
    vocabulary: int


@dataclass(frozen=True)
class Estimate:
    """What a training takes.

    Args:
        parameters, trained: of the model, and those that training changes (adapters, or part of the model).
        memory_gib: by part.
        step_flops: of one optimiser step on one device, accumulation included.
        steps: optimiser steps on one device.
        clip_s: the mean length of a training clip.
        positions: of the language model per example.
    """

    parameters: int
    trained: int
    memory_gib: dict[str, float]
    step_flops: float
    steps: int
    clip_s: float
    positions: int

    def hours(self, flops_per_s: float) -> float:
        """How long it takes at a rate that a device sustains, evaluation left out."""
        return self.steps * self.step_flops / flops_per_s / 3600


def estimate(config: FinetuneConfig) -> Estimate:
    """Estimate a training without loading weights.

    Raises:
        UsageError, AmbivoxError: as training would, before its first step.
    """
    parts = look_up(config)
    name = checkpoint_of(config.model.name)
    checkpoint = load_without_weights(name, **config.model.options)
    model, train = checkpoint.model, parts.splits["train"]
    clip_s = _mean_clip_s(train)
    positions = _positions(parts, ChatInput(checkpoint.processor, model.config, name), clip_s)
    shape = _shape(model, positions)
    schedule = config.schedule
    batch = schedule.batch_size * schedule.accumulation
    epoch_steps = -(-len(train) * len(parts.prompts) // batch)
    return Estimate(
        parameters=sum(p.numel() for p in model.parameters()),
        trained=count_trained(model, config),
        memory_gib={part: size / 2**30 for part, size in _memory_bytes(model, shape, config).items()},
        step_flops=batch * example_flops(shape, model, config),
        steps=schedule.max_steps or round(epoch_steps * schedule.epochs),
        clip_s=clip_s,
        positions=positions,
    )


def count_trained(model: Any, config: FinetuneConfig) -> int:
    """How many numbers training changes."""
    if config.lora is None:
        freeze(model, config.freeze)
        return sum(p.numel() for p in model.parameters() if p.requires_grad)
    modules = dict(model.named_modules())
    adapted = (modules[path] for path in adapted_modules(model, config.lora.modules))
    return sum(config.lora.rank * (m.in_features + m.out_features) for m in adapted)


def example_flops(shape: Shape, model: Any, config: FinetuneConfig) -> float:
    """FLOPs of one example, forward and backward."""
    again = int(config.schedule.activation_checkpointing)
    lora = config.lora is not None
    share = {"audio": 0.0, "decoder": 0.0, "output": 0.0} if lora else _trained_shares(model, config)
    # gradients of activations are needed from the end of the model back to its first trained weight
    into_audio = int(share["audio"] > 0.5)  # not for a projector alone
    into_decoder = int(lora or share["audio"] > 0 or share["decoder"] > 0)
    audio = _passes(
        2 * shape.audio * shape.audio_positions,
        _attention(shape.audio_layers, shape.audio_positions, shape.audio_width),
        into_audio,
        share["audio"],
        again * into_audio,
    )
    decoder = _passes(
        2 * shape.decoder * shape.positions,
        _attention(shape.layers, shape.positions, shape.width),
        into_decoder,
        share["decoder"],
        again,
    )
    output = _passes(2 * shape.output * shape.positions, 0.0, into_decoder, share["output"], 0)
    adapters = 3 * 2 * count_trained(model, config) * shape.positions if lora else 0
    return audio + decoder + output + adapters


def _passes(linear: float, attention: float, back: int, trained: float, again: int) -> float:
    """Forward, backward and repeated forward passes of a part; its attention has two inputs to go back to."""
    return linear * (1 + back + trained + again) + attention * (1 + 2 * back + again)


def _attention(layers: int, positions: int, width: int) -> float:
    return 4.0 * layers * positions**2 * width


def _memory_bytes(model: Any, shape: Shape, config: FinetuneConfig) -> dict[str, float]:
    half = config.lora is not None and str(getattr(model.config, "dtype", "")).endswith("16")
    weight_bytes = 2 if half else 4
    number_bytes = 2 if half or config.schedule.precision != "float32" else 4
    trained, batch = count_trained(model, config), config.schedule.batch_size
    whole_layer = shape.positions * shape.width * ACTIVATION_BYTES * number_bytes / 2
    kept = shape.positions * shape.width * number_bytes
    layers = shape.layers * (kept if config.schedule.activation_checkpointing else whole_layer)
    tower = shape.audio_positions * shape.audio_width * ACTIVATION_BYTES * number_bytes / 2
    tower *= 1 if config.lora or "audio_tower" in config.freeze else shape.audio_layers
    return {
        "weights": sum(p.numel() for p in model.parameters()) * weight_bytes,
        "adapters": 4.0 * trained if config.lora else 0.0,
        "gradients": 4.0 * trained,
        "optimiser": float(ADAM_BYTES * trained),
        "activations": batch * (layers + whole_layer + tower),
        # the logits of every position, and their gradient
        "logits": 2.0 * batch * shape.positions * shape.vocabulary * number_bytes,
    }


def _trained_shares(model: Any, config: FinetuneConfig) -> dict[str, float]:
    """The share of each part's weights that are trained."""
    freeze(model, config.freeze)
    decoder, output = decoder_path(model), model.get_output_embeddings()
    own_output = {id(p) for p in output.parameters()} if output is not None else set()
    counts = {"audio": [0, 0], "decoder": [0, 0], "output": [0, 0]}
    for path, parameter in model.named_parameters():
        part = "output" if id(parameter) in own_output else "decoder" if path.startswith(decoder) else "audio"
        counts[part][0] += parameter.numel() * parameter.requires_grad
        counts[part][1] += parameter.numel()
    return {part: trained / max(all_, 1) for part, (trained, all_) in counts.items()}


def _shape(model: Any, positions: int) -> Shape:
    decoder = decoder_path(model)
    output = model.get_output_embeddings()
    sizes = {"audio": 0, "decoder": 0}
    for path, module in model.named_modules():
        if module is not output and isinstance(module, (torch.nn.Linear, torch.nn.Conv1d)):
            sizes["decoder" if path.startswith(decoder) else "audio"] += module.weight.numel()
    text = model.config.get_text_config()
    audio = getattr(model.config, "audio_config", text)
    return Shape(
        audio=sizes["audio"],
        decoder=sizes["decoder"],
        output=output.weight.numel(),
        audio_positions=getattr(audio, "max_source_positions", None) or positions,
        positions=positions,
        audio_layers=_first_of(audio, "encoder_layers", "num_hidden_layers", default=1),
        audio_width=_first_of(audio, "d_model", "hidden_size", default=text.hidden_size),
        layers=text.num_hidden_layers,
        width=text.hidden_size,
        vocabulary=text.vocab_size,
    )


def _first_of(config: Any, *names: str, default: int) -> int:
    return next((int(getattr(config, name)) for name in names if hasattr(config, name)), default)


def _positions(parts: Parts, chat: ChatInput, clip_s: float) -> int:
    """Mean number of positions of an example over the prompts, the answer included."""
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, round(clip_s * SAMPLE_RATE_HZ)).astype(np.float32)
    even = np.full(len(parts.emotions), 1 / len(parts.emotions))
    counts = []
    for prompt in parts.prompts:
        rendered = prompt.render(parts.emotions)
        answer = write_answer(rendered, parts.emotions.labels, even, 0, rng, numbers=parts.config.numbers)
        asked = chat(samples, rendered.text)["input_ids"].shape[1]
        counts.append(asked + len(chat.tokenizer.encode(answer, add_special_tokens=False)) + 1)
    return round(float(np.mean(counts)))


def _mean_clip_s(rated: Sequence[Rated]) -> float:
    """Mean length of up to `LOOKED_AT` clips, spread over the corpus; those without audio are passed over."""
    found = []
    for one in rated[:: max(1, len(rated) // LOOKED_AT)]:
        clip = one.utterance
        if clip.end_s is not None:
            found.append(clip.end_s - (clip.start_s or 0.0))
        elif Path(clip.audio).is_file():
            found.append(soundfile.info(clip.audio).duration - (clip.start_s or 0.0))
    return float(np.mean(found)) if found else DEFAULT_CLIP_S
