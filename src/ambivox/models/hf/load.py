"""The door of the engine: what can be checked without torch is checked before torch is imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field

from ambivox.models.hf.checkpoint_files import locate
from ambivox.models.protocol import SpeechModel

BATCH_SIZE = 64
BATCH_TOKENS = 16384

NEW_OBJECTS = 200_000
"""Before the garbage collector looks, in place of 700: 0.1 s apart while modules are imported."""


def load_transformers(
    name_or_path: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    batch_size: Annotated[int, Field(ge=1)] = BATCH_SIZE,
    batch_tokens: Annotated[int, Field(ge=1)] = BATCH_TOKENS,
    share: bool = True,
    trust_remote_code: bool = False,
    revision: str | None = None,
) -> SpeechModel:
    """Load a speech model from a folder or the hub.

    Whisper is found too, and asked as `load_whisper` says; options for batches are not for it.

    Args:
        name_or_path: a folder, or a hub name such as ``Qwen/Qwen2-Audio-7B-Instruct``.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (spread over several accelerators); None
            takes the accelerator if there is one.
        dtype: for example ``float32`` or ``bfloat16``; None takes float32 on a CPU, else the checkpoint's.
        batch_size: answers at a time, at least 1.
        batch_tokens: tokens of prompts and answers at a time, at least 1; halved when memory runs out.
        share: compute what requests have in common once, where the family allows it; False asks everything
            by transformers' own `generate`.
        trust_remote_code: run model code that comes with the checkpoint.
        revision: branch, tag or commit on the hub.

    Raises:
        UsageError: an unknown name, an option out of range, or a model without a chat template.
        AmbivoxError: the checkpoint cannot be loaded whole.
    """
    located = locate(name_or_path, revision)
    with seldom_collecting():
        from ambivox.models.hf.adapter import TransformersModel
        from ambivox.models.hf.checkpoint import load_checkpoint
        from ambivox.models.whisper.engine import Whisper

        checkpoint = load_checkpoint(
            name_or_path,
            device=device,
            dtype=dtype,
            trust_remote_code=trust_remote_code,
            revision=revision,
            located=located,
        )
    if checkpoint.model.config.model_type == "whisper":
        return Whisper(
            checkpoint.model, checkpoint.processor, name=name_or_path, fingerprint=checkpoint.fingerprint
        )
    return TransformersModel(
        checkpoint.model,
        checkpoint.processor,
        name=name_or_path,
        fingerprint=checkpoint.fingerprint,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        share=share,
    )


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Let the garbage collector look seldom: 3,000 modules make 400,000 objects, and all of them stay.

    It would go over them again and again, for a fifth of the time that torch and transformers take to import.
    """
    usual = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
