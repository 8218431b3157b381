"""Who writes into storage, where no lock of a file system is: a note with a time that its writer renews."""

from __future__ import annotations

import json
import platform
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ambivox.errors import AmbivoxError, UsageError
from ambivox.location import reached

LEASE_S = 60.0
"""A note that was not renewed for so long is of a process that died."""
RENEWED_S = 15.0
SETTLED_S = 0.5
"""Of two that begin at the same moment, the one whose note is there after so long goes on."""


@contextmanager
def leased(note: Path, refusal: str) -> Iterator[None]:
    """Hold what a note stands for until the end of the block.

    It keeps two people from asking the same twice. Two that write all the same, since one slept for longer
    than `LEASE_S`, do no harm: both write the same objects, each whole.

    Args:
        note: the object.
        refusal: the error where another process holds it.

    Raises:
        UsageError: another process holds it.
        AmbivoxError: storage refuses.
    """
    own = secrets.token_hex(8)
    holder = _holder(note)
    if holder is not None:
        raise UsageError(f"{refusal} ({holder}; one that died lets go after {LEASE_S:g} s)")
    _renew(note, own)
    time.sleep(SETTLED_S)
    if _owner(note) != own:
        raise UsageError(f"{refusal} (it began at the same moment)")
    ended = threading.Event()
    renewing = threading.Thread(target=_keep, args=(note, own, ended), name="lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        if _owner(note) == own:
            with reached(note):
                note.unlink(missing_ok=True)


def _keep(note: Path, own: str, ended: threading.Event) -> None:
    while not ended.wait(RENEWED_S):
        try:
            _renew(note, own)
        except AmbivoxError:  # whoever writes records meets the same, and says so
            continue


def _renew(note: Path, own: str) -> None:
    text = json.dumps({"owner": own, "host": platform.node(), "at_s": time.time()})
    try:
        with reached(note):
            note.write_text(text, encoding="utf-8")
    except FileNotFoundError:
        raise AmbivoxError(f"{note.parent}: no such bucket or place: make it first") from None


def _read(note: Path) -> dict[str, object]:
    try:
        with reached(note):
            found = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _owner(note: Path) -> object:
    return _read(note).get("owner")


def _holder(note: Path) -> str | None:
    """Who holds it, and how long ago that was said; None where nobody does."""
    found = _read(note)
    at_s = found.get("at_s")
    if not isinstance(at_s, float) or time.time() - at_s > LEASE_S:
        return None
    return f"on {found.get('host')}, {max(0.0, time.time() - at_s):.0f} s ago"
