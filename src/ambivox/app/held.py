"""The sound files that open pages hold: what no page holds any longer is deleted."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

UNCLAIMED_S = 60.0
"""An upload that broke off, or that no page holds, is deleted after this long."""


class Held:
    """Files in a folder of their own, by the page and the place in it that hold them.

    Two pages that were given the same sound may hold one file.

    Args:
        folder: where they lie; nothing else is deleted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[tuple[str, str], Path] = {}
        self._lock = threading.Lock()

    def hold(self, page: str, place: str, file: Path | None) -> None:
        """Let a place in a page hold a file, or none, instead of what it held before."""
        with self._lock:
            before = self._files.pop((page, place), None)
            if file is not None:
                self._files[page, place] = file.absolute()
            self._drop(before)

    def leave(self, page: str) -> None:
        """A page was closed."""
        with self._lock:
            for key in [key for key in self._files if key[0] == page]:
                self._drop(self._files.pop(key))

    def sweep(self, older_than_s: float = UNCLAIMED_S) -> None:
        """Delete what no page holds and nobody has written to for some time."""
        before = time.time() - older_than_s
        with self._lock:
            for file in [file for file in self.folder.rglob("*") if file.is_file()]:
                with suppress(OSError):
                    if file.stat().st_mtime <= before:
                        self._drop(file)

    def _drop(self, file: Path | None) -> None:
        if file is None or file in self._files.values() or not file.is_relative_to(self.folder):
            return
        with suppress(OSError):
            file.unlink()
            if file.parent != self.folder:
                file.parent.rmdir()  # only where it is empty
