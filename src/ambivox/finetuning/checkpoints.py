"""The folder of a training: its configuration, its checkpoints, its result; nothing half-written is used.

A checkpoint is whole once the list of its files is there and they are as it says. One that a kill or a full
disk cut off, or that was damaged since, is removed, and the training goes on from the one before it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from transformers import PreTrainedModel

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.finetuning.config import FinetuneConfig
from ambivox.write_aside import write_text

CONFIG, LEARNT_FROM, CHECKPOINTS, RESULT = "finetune.yaml", "learnt_from.json", "checkpoints", "model"
_FILES = "files.json"  # in a checkpoint: the sizes and digests of all others
_STATE = "trainer_state.json"
_FIRST_WRITTEN = {".lock", CHECKPOINTS, f"{CONFIG}.partial", LEARNT_FROM, f"{LEARNT_FROM}.partial"}
_WRITE_ERRORS = (
    "No space left",
    "File too large",
    "failed writing",
    "PytorchStreamWriter",
    "I/O error",
    "quota",
)

log = logging.getLogger("ambivox")


def make_folder(out: Path, config: FinetuneConfig) -> None:
    """Make the folder of a training, unless it is there.

    Raises:
        UsageError: the folder holds another training, or something else.
        AmbivoxError: it cannot be made.
    """
    path = out / CONFIG
    try:
        if path.exists():
            if path.read_text(encoding="utf-8") != _yaml(config):
                raise UsageError(f"{out} holds another training ({path}): choose another --out")
        elif out.exists() and (not out.is_dir() or _holds_something(out)):
            raise UsageError(f"{out} is not empty and holds no training: choose another --out")
        (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise AmbivoxError(f"{out}: cannot be used ({reason}): choose another --out") from None


def _holds_something(out: Path) -> bool:
    checkpoints = out / CHECKPOINTS
    return bool({path.name for path in out.iterdir()} - _FIRST_WRITTEN) or (
        checkpoints.exists() and any(checkpoints.iterdir())
    )


def keep_inputs(out: Path, config: FinetuneConfig, learnt_from: Mapping[str, str]) -> None:
    """Write down what the training is and what it learns from, or compare with what was written.

    Raises:
        UsageError: an input has changed since the training began.
        AmbivoxError: the folder cannot be read or written.
    """
    path = out / LEARNT_FROM
    if (out / CONFIG).exists():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name, value in learnt_from.items() if before.get(name) != value]
        except (OSError, ValueError, AttributeError) as error:
            raise AmbivoxError(
                f"{path}: cannot be read ({first_line(error)}), so nothing says what this training learnt "
                "from: choose another --out"
            ) from None
        if changed:
            raise UsageError(
                f"{out}: changed since this training began: {', '.join(changed)}: undo that, or choose "
                "another --out"
            )
    else:
        write_text(path, json.dumps(learnt_from, indent=1) + "\n")
        write_text(out / CONFIG, _yaml(config))


def _yaml(config: FinetuneConfig) -> str:
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def seal(folder: Path) -> None:
    """Write down what a checkpoint consists of; the last thing that is written into it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _FILES)
    files = {path.relative_to(folder).as_posix(): _facts(path) for path in paths}
    write_text(folder / _FILES, json.dumps(files, indent=1))


def last_checkpoint(out: Path, *, thorough: bool = False) -> Path | None:
    """The newest checkpoint that a training can go on from: it is whole, and so is the best one until then.

    Those that cannot be used are removed, and a warning is logged.

    Args:
        out: the folder of the training.
        thorough: whether to read the files, and not only ask for their sizes.
    """
    found: dict[int, Path] = {}
    faults: dict[Path, str] = {}
    for folder in (out / CHECKPOINTS).glob("checkpoint-*"):
        if fault := _fault(folder, thorough):
            faults[folder] = fault
        else:
            found[state_of(folder)["global_step"]] = folder
    for step, folder in sorted(found.items()):
        best = state_of(folder)["best_global_step"]
        if best and best not in found:
            faults[found.pop(step)] = f"checkpoint-{best}, the best until then, is gone"
    kept = found[max(found)] if found else None
    for folder, fault in sorted(faults.items()):
        log.warning(
            "%s cannot be used (%s): the training %s",
            folder,
            fault,
            f"goes on from {kept.name}" if kept else "begins again",
        )
        shutil.rmtree(folder, ignore_errors=True)
    return kept


def state_of(checkpoint: Path) -> dict[str, Any]:
    """The state of the trainer in a checkpoint that is whole."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    return state


def _fault(folder: Path, thorough: bool) -> str | None:
    """What is wrong with a checkpoint: a file is missing or is another than was written."""
    try:
        files = json.loads((folder / _FILES).read_text(encoding="utf-8"))
        for name, facts in files.items():
            path = folder / name
            if (_facts(path) if thorough else [path.stat().st_size, facts[1]]) != facts:
                return f"{name} is damaged"
    except FileNotFoundError:
        return "it was not written to its end"
    except (OSError, ValueError, AttributeError, TypeError, IndexError):
        return f"{_FILES} is damaged"
    return None if _STATE in files else f"{_FILES} is damaged"


def _facts(path: Path) -> list[int | str]:
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


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
