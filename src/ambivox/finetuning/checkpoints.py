"""The folder of a training: its configuration, its checkpoints, its result; nothing half-written is used.

A checkpoint is whole once its last file (the trainer's state) is there and can be read. One that a kill or a
full disk cut off is removed, and the one before it stays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from transformers import PreTrainedModel

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.finetuning.config import FinetuneConfig

CONFIG, CHECKPOINTS, RESULT = "finetune.yaml", "checkpoints", "model"
_STATE = "trainer_state.json"  # the last file that the Trainer writes into a checkpoint
_WRITE_ERRORS = (
    "No space left",
    "File too large",
    "failed writing",
    "PytorchStreamWriter",
    "I/O error",
    "quota",
)


def open_folder(out: Path, config: FinetuneConfig) -> Path | None:
    """Make the folder of a training, or find where the one in it stopped.

    Returns:
        The last whole checkpoint; None to begin at the beginning.

    Raises:
        UsageError: the folder holds another training, or something else.
        AmbivoxError: it cannot be written.
    """
    path = out / CONFIG
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise UsageError(f"{out} holds another training ({path}): choose another --out")
    elif out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and holds no training: choose another --out")
    else:
        with writing(out):
            (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(".partial")
            aside.write_text(text, encoding="utf-8")
            aside.replace(path)
    return last_checkpoint(out)


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint of a training; broken ones are removed."""
    found: dict[int, Path] = {}
    for folder in (out / CHECKPOINTS).glob("checkpoint-*"):
        try:
            found[int(json.loads((folder / _STATE).read_text(encoding="utf-8"))["global_step"])] = folder
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(folder, ignore_errors=True)
    return found[max(found)] if found else None


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn a write that failed into one line that says what is left.

    Raises:
        AmbivoxError: in place of what the libraries raise when a disk is full or a folder cannot be written.
    """
    try:
        yield
    except AmbivoxError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and not any(sign in str(error) for sign in _WRITE_ERRORS):
            raise
        reason = getattr(error, "strerror", None) or first_line(error)
        kept = last_checkpoint(out)
        left = f"{kept.name} is whole, and the same command goes on from it" if kept else "nothing was kept"
        raise AmbivoxError(f"{out}: cannot be written ({reason}): make room; {left}") from error


@contextmanager
def saved_by_own_names(model: Any) -> Iterator[None]:
    """Let checkpoints hold weights by the names that the model has for them while it runs.

    ``save_pretrained`` writes the names of the hub, and the Trainer of transformers 5.23 looks for the
    others: without this, going on from a checkpoint or to the best one would leave the weights as they are
    (huggingface/transformers issue 43701).
    """
    whole = isinstance(model, PreTrainedModel)  # adapters have one set of names
    if whole:
        model.save_pretrained = partial(model.save_pretrained, save_original_format=False)
    try:
        yield
    finally:
        if whole:
            del model.save_pretrained


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes its place only when all is written."""
    aside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        if folder.exists():
            shutil.rmtree(folder)
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
