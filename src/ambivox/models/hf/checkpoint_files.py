"""The files of a checkpoint: which weights are loaded, whether they may be, what identifies its answers."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.write_aside import write_aside

HASHED = (".json", ".jinja", ".model", ".txt", ".py", ".safetensors")
"""The files beside the weights that decide the answers, too: config, tokenizer, processor, template, code."""

ADAPTERS = ("adapter_config.json", "speech-lora/adapter_config.json")
"""An adapter of the model itself, or, as Phi-4 multimodal has it, for speech alone."""

DECIDING = ("config.json", *ADAPTERS, "model.safetensors.index.json")
"""The small files that say which weights are loaded."""

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")

HUB_TIMEOUT_S = 3.0
"""How long the hub has to answer, unless HF_HUB_ETAG_TIMEOUT is set: who is offline should hear it soon."""

HTTP_SERVER_ERROR = 500

WEIGHTS = "model.safetensors"
INDEX_SUFFIX = ".index.json"

CACHED_BYTES = 32 * 2**20
"""The digests of files from this size on are kept: 16 GB take ten seconds, and every command needs them."""

SETTLED_S = 2.0
"""A file that was changed so recently might be changed again within one tick of its file system's clock."""


@dataclass(frozen=True)
class Located:
    """Where all files of a checkpoint are taken from, as ``from_pretrained`` is told."""

    source: str
    """A folder or a hub name. What was fetched before, and a hub that does not answer, make a folder: given a
    name, transformers would ask the hub for some files whatever it is told."""
    commit: str | None = None
    """On the hub; None for a folder of the user's."""


def locate(name: str, revision: str | None, *, with_weights: bool = True) -> Located:
    """Look at what names the weights, before torch is imported and anything is loaded.

    Args:
        name: a folder, or a hub name, of which the small files in `DECIDING` are fetched.
        revision: branch, tag or commit on the hub.
        with_weights: whether a folder must hold them.

    Raises:
        UsageError: no such folder or hub name, or the folder is not one of a model.
        AmbivoxError: the hub cannot be reached or has no such model, or the weights are not there or may not
            be loaded.
    """
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file():
            raise UsageError(f"{name}: no config.json in it: not a model folder")
        if not with_weights:
            return Located(name)
        if not (weights := weight_files(folder)):
            raise AmbivoxError(f"{name}: no weights in it that can be loaded: model.safetensors is needed")
        for weight in weights:
            if not (folder / weight).is_file():
                raise AmbivoxError(f"{name}: {weight} is missing, and its index names it")
    elif HUB_NAME.fullmatch(name):
        with in_one_line(name), quiet_hub():
            kept_only = not hub_answers(name, revision)
            fetched = [_fetched(name, file, revision, kept_only) for file in DECIDING]
        if kept_only and not fetched[0]:
            raise AmbivoxError(
                f"{name}: the hub cannot be reached, and the model is not among those fetched before: go "
                "online, or give the folder of a model"
            )
        snapshots = [file.parent for file in fetched if file]
        for snapshot in snapshots:
            weight_files(snapshot)
        if not snapshots:
            return Located(name, revision)
        return Located(str(snapshots[0]) if kept_only else name, snapshots[0].name)
    else:
        raise UsageError(f"{name}: no such folder, and no hub name such as 'Qwen/Qwen2-Audio-7B-Instruct'")
    return Located(name)


def hub_answers(name: str, revision: str | None) -> bool:
    """Whether the hub can be reached, by one try: its own client goes on trying for half a minute.

    Raises:
        HfHubHTTPError: the hub answers that there is no such model, or none for this user.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    timeout_s = HF_HUB_ETAG_TIMEOUT if "HF_HUB_ETAG_TIMEOUT" in os.environ else HUB_TIMEOUT_S
    said: list[Exception | None] = []

    def ask() -> None:
        try:
            get_hf_file_metadata(hf_hub_url(name, DECIDING[0], revision=revision), timeout=timeout_s)
        except Exception as error:  # of whatever client the hub's library uses in this version
            said.append(error)
        else:
            said.append(None)

    # not waited for beyond its time: looking up the address of a host knows no timeout
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout_s)
    match said:
        case [HfHubHTTPError() as error] if error.response.status_code < HTTP_SERVER_ERROR:
            if isinstance(error, EntryNotFoundError):
                return True  # of an adapter without a config
            raise error
        case [None]:
            return True
    return False


def _fetched(name: str, file: str, revision: str | None, kept_only: bool) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(hf_hub_download(name, file, revision=revision, local_files_only=kept_only))
    except EntryNotFoundError:
        return None


@contextmanager
def in_one_line(name: str) -> Iterator[None]:
    """Whatever is raised while a checkpoint is loaded, as one line that names it.

    Raises:
        AmbivoxError: in place of any other error inside.
    """
    try:
        yield
    except AmbivoxError:
        raise
    except Exception as error:  # files of others: config.json alone gives a dozen kinds
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = lines[0] if lines else type(error).__name__
        raise AmbivoxError(f"{name}: cannot be loaded: {said}") from error


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep the logging and progress bars of the hub off the user's terminal."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from huggingface_hub.utils import logging as hub_logging

    level, bars = hub_logging.get_verbosity(), not are_progress_bars_disabled()
    loud = level != logging.CRITICAL
    if loud:
        hub_logging.set_verbosity(logging.CRITICAL)
    if bars:
        disable_progress_bars()
    try:
        yield
    finally:
        if loud:
            hub_logging.set_verbosity(level)
        if bars:
            enable_progress_bars()


def weight_files(folder: Path) -> list[str]:
    """The weights that transformers loads from a folder, as paths relative to it; none of them is opened.

    Empty where the folder names none (of a hub name they may not be fetched yet).

    Raises:
        UsageError: the folder holds an adapter beside or in place of a model.
        AmbivoxError: config or index are malformed, or name weights outside the folder or in another format.
    """
    for adapter in ADAPTERS:
        if not (folder / adapter).exists():
            continue
        # Without peft it would be left out in silence, and one in a folder of its own always is; with peft
        # nothing says which base weights are missing.
        raise UsageError(
            f"{folder}: holds an adapter ({adapter}): merge it into its model first "
            "(peft: merge_and_unload, then save_pretrained)"
        )
    named = _read_json(folder / "config.json").get("transformers_weights")
    if named is None:
        named = WEIGHTS if (folder / WEIGHTS).is_file() else WEIGHTS + INDEX_SUFFIX
        if not (folder / named).is_file():
            return []
    if not str(named).endswith(INDEX_SUFFIX):
        return [_safe(folder / "config.json", named)]
    index = folder / _safe(folder / "config.json", str(named).removesuffix(INDEX_SUFFIX))
    index = index.with_name(index.name + INDEX_SUFFIX)
    shards = _read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise AmbivoxError(f"{index}: no weight_map in it: not an index of weights")
    return sorted({_safe(index, shard) for shard in shards.values()})


def fingerprint(folder: Path, dtype: str) -> str:
    """What identifies a checkpoint's answers: every byte of its weights and of the small files beside them.

    Args:
        folder: the checkpoint.
        dtype: the precision it runs in.

    Raises:
        AmbivoxError: as `weight_files`, or a file cannot be read.
    """
    names = {file.name for file in folder.iterdir() if file.suffix in HASHED and file.is_file()}
    digest = hashlib.sha256(dtype.encode())
    for name in sorted(names.union(weight_files(folder))):
        digest.update(f"\n{name} {file_digest(folder / name)}".encode())
    return digest.hexdigest()


def file_digest(file: Path) -> str:
    """The SHA-256 of a file; a large one is read once, until its size, times or place on the disk change.

    Raises:
        AmbivoxError: it cannot be read.
    """
    try:
        before = file.stat()
        kept = _kept(before)
        if before.st_size >= CACHED_BYTES and (known := _read_digest(kept)):
            return known
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        settled = _kept(file.stat()) == kept and time.time() - before.st_mtime > SETTLED_S
    except OSError as error:
        raise AmbivoxError(f"{file}: cannot be read ({error.strerror})") from None
    if before.st_size >= CACHED_BYTES and settled:
        _keep_digest(kept, digest)
    return digest


def _kept(stat: os.stat_result) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ambivox" / "digests"
    return cache / "-".join(
        map(str, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    )


def _read_digest(kept: Path) -> str | None:
    try:
        known = kept.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return known if re.fullmatch("[0-9a-f]{64}", known) else None


def _keep_digest(kept: Path, digest: str) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(kept, shared=True) as aside:
            aside.write_text(digest, encoding="ascii")
    except (OSError, UsageError):
        return  # a cache that cannot be written costs time only


def _safe(source: Path, name: object) -> str:
    """A name of weights that stays inside its folder and holds no code."""
    if not isinstance(name, str) or not name.endswith(".safetensors"):
        raise AmbivoxError(
            f"{source}: names the weights {name!r}: only .safetensors are loaded, since others may run code"
        )
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
        raise AmbivoxError(f"{source}: names the weights {name!r}, outside its folder")
    return name


def _read_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise AmbivoxError(f"{file}: no such file")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AmbivoxError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise AmbivoxError(f"{file}: not JSON ({first_line(error)})") from None
    if not isinstance(found, dict):
        raise AmbivoxError(f"{file}: not a JSON object")
    return found
