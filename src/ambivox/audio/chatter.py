"""What the mp3 decoder prints: kept from the terminal, and taken for the sign of damage that it is."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()
_STDERR = 2
_FAULT = b"[src/libmpg123"  # how mpg123 begins its lines; it cannot be made quiet
_REMARKS = (b"Note: ", b"Warning: ")  # on tags and headers, which are looked at elsewhere


@contextmanager
def kept_chatter() -> Iterator[list[str]]:
    """Keep what mpg123 prints on the standard error of the process, which it does from C.

    What anybody else prints meanwhile goes out at the end. One thread at a time; others wait.

    Yields:
        A list that holds what mpg123 found wrong with the sound, a line each, once the block has ended.
    """
    lines: list[str] = []
    with _LOCK, tempfile.TemporaryFile() as kept:
        try:
            real = os.dup(_STDERR)
        except OSError:  # no standard error at all
            yield lines
            return
        try:
            os.dup2(kept.fileno(), _STDERR)
            yield lines
        finally:
            os.dup2(real, _STDERR)
            os.close(real)
            kept.seek(0)
            for line in kept.read().splitlines(keepends=True):
                if line.startswith(_FAULT):
                    lines.append(line.decode("utf-8", "replace").strip())
                elif not line.startswith(_REMARKS):
                    os.write(_STDERR, line)
