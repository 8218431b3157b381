"""The door of the engine: what can be checked without torch is checked before torch is imported."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ambivox.models.hf.checkpoint_files import locate
from ambivox.models.hf.load import seldom_collecting
from ambivox.models.protocol import SpeechModel

BATCH_SIZE = 8
"""Clips that are encoded together, 30 s each whatever their length."""


def load_whisper(
    name_or_path: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    batch_size: Annotated[int, Field(ge=1)] = BATCH_SIZE,
    revision: str | None = None,
) -> SpeechModel:
    """Load a Whisper model of any size from a folder or the hub.

    Args:
        name_or_path: a folder, or a hub name such as ``openai/whisper-small``.
        device, dtype, revision: as for `load_transformers`.
        batch_size: clips at a time, at least 1; halved when memory runs out.

    Raises:
        UsageError: an unknown name, an option out of range, or a checkpoint of another class.
        AmbivoxError: the checkpoint cannot be loaded whole.
    """
    located = locate(name_or_path, revision)
    with seldom_collecting():
        from ambivox.models.hf.checkpoint import load_checkpoint
        from ambivox.models.whisper.engine import Whisper

        checkpoint = load_checkpoint(
            name_or_path, device=device, dtype=dtype, revision=revision, located=located
        )
    return Whisper(
        checkpoint.model,
        checkpoint.processor,
        name=name_or_path,
        fingerprint=checkpoint.fingerprint,
        batch_size=batch_size,
    )
