"""Sound files in storage (``s3://bucket/clips/a.wav``): fetched whole, and deleted when they were read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ambivox.errors import AmbivoxError, AudioError, no_such_clip
from ambivox.location import fetch, is_address, location


@contextmanager
def on_disk(name: str | os.PathLike[str]) -> Iterator[Path]:
    """The file itself, or a copy of what lies in storage, for the time of the block.

    Raises:
        AudioError: it is not there, or storage refuses; and what the block raises, with the address in place
            of the copy's path.
    """
    if not is_address(name):
        yield Path(name)
        return
    with tempfile.TemporaryDirectory(prefix="ambivox-") as scratch:
        try:
            path = location(name)
            copy = Path(scratch, path.name or "sound")
            fetch(path, copy)
        except FileNotFoundError:
            raise no_such_clip(path) from None
        except AmbivoxError as error:
            raise AudioError(str(error)) from None
        try:
            yield copy
        except AudioError as error:
            raise AudioError(str(error).replace(str(copy), str(path))) from None
