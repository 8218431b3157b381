"""Which weights of a model are trained: low-rank adapters on its language model, or all but frozen parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ambivox.errors import UsageError
from ambivox.finetuning.config import LoraSpec, Part

_PATH_PARTS: dict[Part, tuple[str, ...]] = {
    "attention": ("attn", "attention"),
    "feed-forward": ("mlp", "feed_forward", "ffn", "expert"),
}
"""What families call a layer's two halves; linear maps are found by the path that leads to them."""


def adapted_modules(model: Any, parts: tuple[Part, ...]) -> list[str]:
    """The paths of the linear maps of a model's language model that adapters go on.

    The language model is what holds the word embeddings; audio and vision towers, projectors and the output
    layer are left as they are.

    Raises:
        UsageError: none is found.
    """
    decoder = decoder_path(model)
    wanted = tuple(name for part in parts for name in _PATH_PARTS[part])
    found = [
        path
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and path.startswith(decoder)
        and any(name in step for step in path[len(decoder) :].split(".") for name in wanted)
    ]
    if not found:
        raise UsageError(
            f"{type(model).__name__}: no linear map of its {' or '.join(parts)} was found for LoRA: train "
            "all weights with 'lora: null'"
        )
    return found


def decoder_path(model: Any) -> str:
    """The path of a model's language model, which holds the word embeddings, with a dot at its end."""
    embedding = model.get_input_embeddings()
    path: str = next(path for path, module in model.named_modules() if module is embedding)
    return path.rpartition(".")[0] + "."


def with_lora(model: Any, spec: LoraSpec) -> Any:
    """The model with fresh adapters, which alone are trained; at first it answers as before.

    Raises:
        UsageError: peft is not installed, or the model has nothing to put adapters on.
    """
    try:
        import peft
    except ModuleNotFoundError:
        raise UsageError("this needs the extra 'finetune': pip install 'ambivox[finetune]'") from None
    settings = peft.LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=adapted_modules(model, spec.modules),
        bias="none",
    )
    return peft.get_peft_model(model, settings)


def freeze(model: Any, names: tuple[str, ...]) -> None:
    """Train all weights but those whose path has one of the names in it.

    Raises:
        UsageError: a name that no path has, or nothing is left to train.
    """
    model.requires_grad_(True)
    for name in names:
        frozen = [p for path, p in model.named_parameters() if name in path.split(".")]
        if not frozen:
            raise UsageError(
                f"freeze: no part of the model is called {name!r} (known: {', '.join(_parts(model))})"
            )
        for parameter in frozen:
            parameter.requires_grad = False
    if not any(p.requires_grad for p in model.parameters()):
        raise UsageError("freeze: nothing is left to train")


def _parts(model: Any) -> list[str]:
    return sorted({step for path, _ in model.named_parameters() for step in path.split(".")[:3]})


def trained_parameters(model: Any) -> Iterator[torch.nn.Parameter]:
    """The parameters that training changes."""
    return (parameter for parameter in model.parameters() if parameter.requires_grad)
