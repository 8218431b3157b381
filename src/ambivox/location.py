"""Where a run lies: a folder of this machine, or a location that fsspec reaches (``s3://bucket/run``).

A location is used as a `Path` is (universal_pathlib). Where storage differs from a disk, it does so here: it
has no folders to make and nothing is renamed in it, an object is written whole, and what it raises is told in
one line that repeats nothing of what it said, since that may hold a secret.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from ambivox.errors import AmbivoxError, UsageError

SCHEMES = ("s3", "gs", "hf", "abfs", "memory")
"""Of storage that is read and written; what is not on the list could reach files of this machine by a URL."""

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)  # a `Path` keeps one slash of two


def location(name: str | os.PathLike[str]) -> Path:
    """A path of this machine, or a location in storage where the name is an address.

    Raises:
        UsageError: storage of another kind, an address with a password, or a package is missing.

    >>> location("runs/a"), is_stored(location("runs/a"))
    (PosixPath('runs/a'), False)
    """
    if not isinstance(name, str | Path):
        return cast(Path, name)  # a location already
    found = _ADDRESS.fullmatch(str(name))
    if found is None:
        return Path(name)
    scheme, rest = found.groups()
    if scheme not in SCHEMES or "::" in rest:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        raise UsageError(f"{scheme}://: storage of this kind is not used: give a path, or one of {known}")
    if ":" in rest.partition("/")[0].rpartition("@")[0]:
        raise UsageError(f"{scheme}://: an address holds no password: give it by the environment")
    try:
        from upath import UPath

        # Others write there, too, so listings are not remembered.
        path = UPath(f"{scheme}://{rest}", use_listings_cache=False)
        _ = path.fs
    except ImportError as error:
        need = "ambivox[s3]" if scheme == "s3" else f"ambivox[storage]' '{error.name or scheme}"
        raise UsageError(f"{scheme}://: a package is missing: pip install '{need}'") from None
    except Exception as error:  # whatever a storage raises
        raise _told(f"{scheme}://{rest}", error) from None
    return cast(Path, path)


def is_address(name: str | os.PathLike[str]) -> bool:
    """Whether a name is the address of a location in storage.

    >>> is_address("s3://bucket/a.wav"), is_address("clips/a.wav")
    (True, False)
    """
    found = _ADDRESS.fullmatch(str(name))
    return found is not None and found[1] in SCHEMES


def is_stored(path: Path) -> bool:
    """Whether a path lies in storage, and not on this machine."""
    return not isinstance(path, Path)


@contextmanager
def reached(path: Path) -> Iterator[None]:
    """What storage raises is one line; a disk raises `OSError` as ever.

    Raises:
        AmbivoxError: storage refused, or is not there.
    """
    try:
        yield
    except (AmbivoxError, FileNotFoundError):
        raise
    except Exception as error:
        if is_stored(path):
            raise _told(str(path), error) from None
        raise


def make_folder(path: Path) -> None:
    """Make a folder where there are folders."""
    if not is_stored(path):
        path.mkdir(parents=True, exist_ok=True)


def remove_folder(path: Path) -> None:
    """Delete a folder with all that is in it, if it is there."""
    if not is_stored(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with reached(path):
        if path.exists():
            _storage(path).rm(_key(path), recursive=True)


def move_folder(path: Path, to: Path) -> None:
    """Move a folder with all that is in it; in storage one object after the other."""
    if not is_stored(path):
        path.rename(to)
        return
    with reached(path):
        for one in sorted(path.iterdir(), key=lambda one: one.name):
            _storage(path).mv(_key(one), _key(to / one.name))


def send(file: Path, to: Path) -> None:
    """Put a file of this machine into storage: the object is there whole, or as it was before.

    Raises:
        AmbivoxError: storage refused, or is not there.
    """
    try:
        _storage(to).put_file(str(file), _key(to))
    except Exception as error:  # a bucket that is missing, too
        raise _told(str(to), error) from None


def fetch(path: Path, file: Path) -> None:
    """Copy an object in storage to a file of this machine.

    Raises:
        FileNotFoundError: there is no such object.
        AmbivoxError: storage refused, or is not there.
    """
    with reached(path):
        _storage(path).get_file(_key(path), str(file))


@contextmanager
def at_hand(path: Path) -> Iterator[Any]:
    """What pyarrow reads: the path itself, or a file that fetches what is asked of it."""
    if not is_stored(path):
        yield path
        return
    with reached(path), path.open("rb") as file:
        yield file


def _storage(path: Path) -> Any:
    return cast(Any, path).fs


def _key(path: Path) -> str:
    return str(cast(Any, path).path)


def _told(where: str, error: Exception) -> AmbivoxError:
    """The error by its kind and code only: messages of storage may quote keys and signed addresses."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    why = " ".join(filter(None, [type(error).__name__, str(code or "")]))
    return AmbivoxError(
        f"{where}: the storage refused or was not there ({why}): look at the address, the access that the "
        "environment gives, and the network; then run the same command again"
    )
