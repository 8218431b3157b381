"""Encode each clip once, and only the part of it that is real."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ambivox.models.hf.chat_input import TEXT_INPUTS, Inputs
from ambivox.models.hf.prefix_sharing.text_model import TextModel

FRAMES_PER_STATE = 2
"""Whisper's second convolution halves the mel frames."""

TOLERANCE = 1e-4
"""Relative to the largest: how far the short encoding may be from the full one in float32."""


class AudioEncoder:
    """The embeddings that stand in a prompt for a clip, kept for as long as there is room.

    Args:
        text: the model.
        place: puts a tensor on the model's device, in its precision.
        room_bytes: how much is kept; the clip that was not asked for the longest goes first.
    """

    def __init__(self, text: TextModel, place: Any, room_bytes: int) -> None:
        self.text, self.place, self.room_bytes = text, place, room_bytes
        self.kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self.encodings = 0
        self.tower = _whisper_tower(text.model)
        self.shortens: bool | None = None if self.tower is not None else False

    def __call__(self, clip: bytes, inputs: Inputs) -> Tensor:
        """Shape ``(placeholders, width)``; `inputs` are those of any prompt on the clip."""
        if clip in self.kept:
            self.kept.move_to_end(clip)
            return self.kept[clip]
        self.encodings += 1
        heard = self.kept[clip] = self._encode(inputs)
        while len(self.kept) > 1 and sum(map(_bytes, self.kept.values())) > self.room_bytes:
            self.kept.popitem(last=False)
        return heard

    def _encode(self, inputs: Inputs) -> Tensor:
        short = None if self.shortens is False else real_part(inputs)
        if short is None:
            return self.hear(inputs)
        if self.shortens is None:
            # Exact where the encoder masks its padding (Qwen2-Audio, the Flamingos), wrong where it does not
            # (Voxtral, GLM-ASR), and nothing in a config says which: so it is tried once.
            self.shortens = self._agrees(inputs, short, self.hear(inputs))
        return self._hear_short(inputs, short) if self.shortens else self.hear(inputs)

    def _agrees(self, inputs: Inputs, short: Inputs, full: Tensor) -> bool:
        try:
            part = self._hear_short(inputs, short)
        except (ValueError, RuntimeError, IndexError, TypeError):
            return False
        if part.shape != full.shape:
            return False
        # in a low precision both are rounded, and a wrong encoding is off by far more
        tolerance = TOLERANCE if full.dtype == torch.float32 else 0.05
        return bool((part - full).abs().max() <= tolerance * full.abs().max())

    def _hear_short(self, inputs: Inputs, short: Inputs) -> Tensor:
        frames = short["input_features"].shape[-1]
        with _shortened(self.tower, frames // FRAMES_PER_STATE):
            return self.hear(inputs | short)

    def hear(self, inputs: Inputs) -> Tensor:
        """Run the model until its decoder is given the embeddings, and take those of the audio."""
        given: list[Tensor] = []

        def take(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
            given.append(kwargs["inputs_embeds"])
            raise _HeardError

        hook = self.text.decoder.register_forward_pre_hook(take, with_kwargs=True)
        placed = {key: self.place(value) for key, value in inputs.items()}
        try:
            self.text.model(**placed, **self.text.fixed)
        except _HeardError:
            pass
        finally:
            hook.remove()
        return given[0][placed["input_ids"] == self.text.audio_token].clone()


class _HeardError(Exception):
    """Ends a forward pass at the decoder."""


def real_part(inputs: Inputs) -> Inputs | None:
    """Features and their mask without the padding behind the clip; None where there is none to cut.

    The two convolutions of Whisper's front end reach one frame over the end; one more state keeps them from
    seeing the edge. It is masked like the padding was.
    """
    features = inputs.get("input_features")
    if features is None or features.dim() != 3:
        return None
    shape = (features.shape[0], features.shape[-1])
    masks = {k: v for k, v in inputs.items() if k not in TEXT_INPUTS and tuple(v.shape) == shape}
    if len(masks) != 1:
        return None
    ((name, mask),) = masks.items()
    real = int(mask.long().sum(-1).max())
    frames = FRAMES_PER_STATE * ((real - 1) // FRAMES_PER_STATE + 2)
    if frames >= shape[1]:
        return None
    return {"input_features": features[..., :frames], name: mask[:, :frames]}


@contextmanager
def _shortened(tower: Any, states: int) -> Iterator[None]:
    """Let an encoder that wants its full window take a part of it."""
    positions, config = tower.embed_positions, tower.config
    window = config.max_source_positions
    tower.embed_positions = torch.nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        positions.weight[:states]
    )
    config.max_source_positions = states
    try:
        yield
    finally:
        tower.embed_positions = positions
        config.max_source_positions = window


def _whisper_tower(model: Any) -> Any:
    """The audio encoder, if it is one of Whisper's kind with a learnt or stored position for each state."""
    for module in model.modules():
        if isinstance(getattr(module, "embed_positions", None), torch.nn.Embedding) and hasattr(
            module, "conv2"
        ):
            return module
    return None


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
