"""The files of a checkpoint: which weights are loaded, whether they may be, what identifies its answers."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from pathlib import Path, PurePosixPath
from typing import Any

from ambivox.errors import AmbivoxError, UsageError, first_line
from ambivox.write_aside import write_aside

HASHED = (".json", ".jinja", ".model", ".txt", ".py", ".safetensors")
"""The files beside the weights that decide the answers, too: config, tokenizer, processor, template, code."""

DECIDING = ("config.json", "adapter_config.json", "model.safetensors.index.json")
"""The small files that say which weights are loaded."""

WEIGHTS = "model.safetensors"
INDEX_SUFFIX = ".index.json"

CACHED_BYTES = 32 * 2**20
"""The digests of files from this size on are kept: 16 GB take ten seconds, and every command needs them."""

SETTLED_S = 2.0
"""A file that was changed so recently might be changed again within one tick of its file system's clock."""


def weight_files(folder: Path) -> list[str]:
    """The weights that transformers loads from a folder, as paths relative to it; none of them is opened.

    Empty where the folder names none (of a hub name they may not be fetched yet).

    Raises:
        UsageError: the folder holds an adapter beside or in place of a model.
        AmbivoxError: config or index are malformed, or name weights outside the folder or in another format.
    """
    if (folder / "adapter_config.json").exists():
        # Without peft it would be left out in silence; with it nothing says which base weights are missing.
        raise UsageError(
            f"{folder}: holds an adapter (adapter_config.json): merge it into its model first "
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
