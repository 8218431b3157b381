"""Files and folders that are written whole or not at all: beside their place first, then renamed.

An object in storage is written on this machine first, then sent whole.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ambivox.errors import AmbivoxError, UsageError
from ambivox.location import is_stored, send


@contextmanager
def write_aside(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a path to write to, and rename it to `path` when that went well.

    Args:
        path: the file.
        shared: whether several processes, on any machines, may write it at the same time, all of them the
            same; one that is killed leaves a file that ends in ``.partial``.

    Raises:
        UsageError: `path` is a folder, a device or a pipe, which a rename would replace.
        OSError: as writing raises it.
        AmbivoxError: storage refused, or is not there.
    """
    if is_stored(path):
        with tempfile.TemporaryDirectory(prefix="ambivox-") as scratch:
            file = Path(scratch, path.name)
            yield file
            send(file, path)
        return
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a plain file; give the name of one")
    own = f".{secrets.token_hex(4)}" if shared else ""
    aside = path.with_name(f"{path.name}{own}.partial")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def write_folder_aside(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, and let it take the place of `folder` when that went well.

    Raises:
        OSError: as writing raises it.
    """
    aside = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        if folder.exists():
            shutil.rmtree(folder)
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    try:
        with write_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be written ({error.strerror}): make room") from None
