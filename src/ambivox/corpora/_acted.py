"""Acted corpora whose file names tell all: who speaks, which words, and the emotion that was asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ambivox.corpora._files import LFS_FIX, LFS_POINTER_BYTES, is_pointer
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.errors import UsageError

ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus")

Describe = Callable[[str], dict[str, Any] | None]
"""The name of a file without its ending -> ``id``, ``speaker``, ``intended`` and so on, or None."""


def load_by_name(
    root: str | Path,
    name: str,
    licence: str,
    describe: Describe,
    *,
    example: str,
    notes: LoadIssues | None = None,
) -> Corpus:
    """All clips below a folder, however it is laid out: by actor, flat or deeper; sorted by speaker and id.

    Args:
        root: the folder.
        describe: what a file name tells.
        example: a file name of the corpus, for messages.
        notes: load issues from before.

    Raises:
        UsageError: no such folder, or no clip in it.
    """
    root = Path(root)
    load_issues = notes or LoadIssues()
    found: dict[str, Utterance] = {}
    for path in _sound_files(root):
        facts = describe(path.stem)
        if facts is None:
            load_issues.add("files that are not named as the corpus's clips, left out", path.name)
        elif path.stat().st_size < LFS_POINTER_BYTES and is_pointer(path):
            load_issues.add("git-lfs pointers in place of audio", path.name, fix=LFS_FIX)
        elif facts["id"] in found:
            load_issues.add(
                "clips that are there twice, counted once",
                str(path.relative_to(root)),
                fix="leave one copy out",
            )
        else:
            source = str(path.relative_to(root))
            found[facts["id"]] = Utterance(audio=path, source=source, **facts)
    if not found:
        told = "".join(f" ({issue})" for issue in load_issues.all())
        raise UsageError(f"{root}: no clip such as {example} in here{told}: give the folder of {name}")
    return Corpus(
        name, licence, tuple(sorted(found.values(), key=lambda u: (u.speaker, u.id))), load_issues.all()
    )


def _sound_files(root: Path) -> Iterator[Path]:
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix.lower() in ENDINGS and not file.startswith(".") and _is_regular(path):
                yield path


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:  # a link to nowhere
        return False
