"""Finding, hashing and loading a checkpoint: hub name or folder, by the same path."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.utils import logging as transformers_logging

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.models.hf.checkpoint_files import Located, fingerprint, in_one_line, locate, quiet_hub


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model with what belongs to it."""

    model: Any
    processor: Any
    fingerprint: str


def load_checkpoint(
    name: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    located: Located | None = None,
) -> Checkpoint:
    """Load processor and weights of any audio-text chat model that transformers has a class for.

    Args:
        name: a folder, or a hub name such as ``Qwen/Qwen2-Audio-7B-Instruct``.
        device: where to put it; None takes the accelerator if there is one, ``auto`` spreads over several.
        dtype: for example ``float32`` or ``bfloat16``; None takes float32 on a CPU, else the checkpoint's.
        located: what `locate` found; None asks it.

    Raises:
        UsageError: no such folder or hub name, an unknown dtype or device.
        AmbivoxError: it cannot be loaded, or a part of it would stay random.
    """
    device = _device(device)
    precision = _dtype(dtype, device)
    located = located or locate(name, revision)
    source, options = located.source, {"trust_remote_code": trust_remote_code, "revision": located.commit}
    with _one_line(name):
        config = transformers.AutoConfig.from_pretrained(source, **options)
        processor = transformers.AutoProcessor.from_pretrained(source, **options)
        # An omni model answers with its thinker; the talker, which reads the answer aloud, is left out.
        part = getattr(config, "thinker_config", config)
        model, info = _model_class(part).from_pretrained(
            source,
            config=part,
            dtype=precision,
            device_map=device if device == "auto" else {"": device},
            use_safetensors=True,  # pickled weights may run code
            output_loading_info=True,
            **options,
        )
    _assert_complete(name, info, prefix="" if part is config else "thinker.")
    return Checkpoint(model.eval(), processor, _fingerprint(name, located, model.dtype))


def load_without_weights(name: str, **options: Any) -> Checkpoint:
    """A checkpoint's processor, and its model with shapes and no numbers (on the device ``meta``).

    It takes the memory of a small model whatever the size, and only the small files of the hub.

    Args:
        name: as in `load_checkpoint`.
        options: ``trust_remote_code`` and ``revision``; others are of no matter here.

    Raises:
        AmbivoxError: configuration or processor cannot be loaded.
    """
    located = locate(name, options.get("revision"), with_weights=False)
    known = {"trust_remote_code": options.get("trust_remote_code", False), "revision": located.commit}
    with _one_line(name):
        config = transformers.AutoConfig.from_pretrained(located.source, **known)
        processor = transformers.AutoProcessor.from_pretrained(located.source, **known)
        part = getattr(config, "thinker_config", config)
        found = _model_class(part)
        build = getattr(found, "from_config", None) or found._from_config
        with torch.device("meta"):
            model = build(part)
    return Checkpoint(model.eval(), processor, fingerprint="")


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Whatever a malformed checkpoint brings transformers to raise, as one line; and nothing else is printed.

    Raises:
        AmbivoxError: in place of any other error inside.
    """
    with in_one_line(name), quiet():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the logging, progress bars and warnings of transformers and the hub off the user's terminal."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    # These blocks are nested, and setting a level clears the caches of all loggers.
    loud = level != logging.CRITICAL
    if loud:
        transformers_logging.set_verbosity(logging.CRITICAL)
    if bars:
        transformers_logging.disable_progress_bar()
    try:
        with quiet_hub(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if loud:
            transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def _model_class(config: Any) -> Any:
    for auto in (transformers.AutoModelForMultimodalLM, transformers.AutoModelForSpeechSeq2Seq):
        remote = auto.__name__ in (getattr(config, "auto_map", None) or {})
        if remote or type(config) in auto._model_mapping:
            return auto
    for architecture in config.architectures or ():
        if found := getattr(transformers, architecture, None):
            return found
    raise ValueError(
        f"transformers {transformers.__version__} has no speech chat model for {config.model_type!r}"
    )


def _assert_complete(name: str, info: dict[str, Any], prefix: str) -> None:
    """Every weight of the model comes from the checkpoint, and every one of those went into the model.

    Args:
        name: of the checkpoint.
        info: what transformers tells about loading.
        prefix: of the weights that are wanted; the others belong to parts of a larger model.
    """
    random = sorted(info["missing_keys"]) + sorted(key[0] for key in info["mismatched_keys"])
    if random or info["error_msgs"]:
        first = random[0] if random else first_line(info["error_msgs"][0])
        raise AmbivoxError(
            f"{name}: {max(len(random), 1)} weights are missing or of another shape (first: {first}) and "
            "would stay random; the checkpoint is incomplete or made for another class"
        )
    surplus = sorted(key for key in info["unexpected_keys"] if key.startswith(prefix))
    if surplus:
        raise AmbivoxError(
            f"{name}: {len(surplus)} weights have no place in the model (first: {surplus[0]}) and would be "
            "left out; config.json does not describe these weights"
        )


def _device(device: str | None) -> str:
    if device is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "auto":
        return device
    try:
        known = torch.device(device)
    except RuntimeError:
        raise UsageError(f"unknown device {device!r}: give cpu, cuda, cuda:1, mps or auto") from None
    try:
        torch.zeros(1, device=known).item()
    except (RuntimeError, AssertionError):
        raise UsageError(
            f"device {device!r}: not there, or this torch is built without it; give cpu"
        ) from None
    return device


def _dtype(dtype: str | None, device: str) -> Any:
    if dtype is None:
        return torch.float32 if device == "cpu" else "auto"
    found = getattr(torch, dtype, None)
    if dtype != "auto" and not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise UsageError(f"unknown dtype {dtype!r}: give float32, bfloat16, float16 or auto")
    return "auto" if dtype == "auto" else found


def _fingerprint(name: str, located: Located, dtype: torch.dtype) -> str:
    """What identifies a checkpoint's answers: of a folder its files, of a hub name its commit."""
    precision = str(dtype).removeprefix("torch.")
    if Path(name).is_dir():
        return fingerprint(Path(name), precision)
    return hashlib.sha256(f"{precision}\n{name}@{located.commit}".encode()).hexdigest()
