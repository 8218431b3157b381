"""Which corpus a folder or file is, from its layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from ambivox.corpora import audformat, emo_db, mesd, nemo, ravdess
from ambivox.corpora._acted import ENDINGS
from ambivox.corpora._files import is_there
from ambivox.errors import UsageError

_LOOKED_AT = 200
"""Sound files of a folder whose names are looked at."""


def _has_audio_column(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return False
    return any(pa.types.is_struct(field.type) or pa.types.is_binary(field.type) for field in schema)


def _is_datasets(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".parquet" and _has_audio_column(path)
    marks = ("dataset_dict.json", "state.json", "metadata.csv", "metadata.jsonl", "metadata.parquet")
    return (
        any((path / mark).exists() for mark in marks)
        or any(path.glob("*/metadata.*"))
        or any(path.glob("*.parquet"))
        or any(path.glob("data/*.parquet"))
    )


def _has_clips(pattern: re.Pattern[str]) -> Callable[[Path], bool]:
    """Whether clips are named like those of a corpus, however its folder is laid out."""

    def holds(path: Path) -> bool:
        files = islice((f for f in path.rglob("*") if f.suffix.lower() in ENDINGS), _LOOKED_AT)
        return path.is_dir() and any(pattern.fullmatch(file.stem) for file in files)

    return holds


# The first that holds is taken, so the telling ones come first.
_LAYOUTS: dict[str, Callable[[Path], bool]] = {
    "iemocap": lambda p: (
        any(p.glob("Session[1-5]/dialog")) or any(p.glob("IEMOCAP_full_release/Session[1-5]/dialog"))
    ),
    "msp-podcast": lambda p: any((p / "Labels").glob("labels_*.csv")),
    "crema-d": lambda p: (
        (p / "processedResults").is_dir()
        or (p / "AudioWAV").is_dir()
        or (p / "finishedResponses.csv").exists()
    ),
    "ravdess": _has_clips(ravdess.CLIP),
    "emo-db": _has_clips(emo_db.CLIP),
    "nemo": _has_clips(nemo.CLIP),
    "mesd": _has_clips(mesd.CLIP),
    "audformat": lambda p: (p / audformat.HEADER).is_file(),
    "label-studio": lambda p: p.is_file() and p.suffix.lower() == ".json",
    "datasets": _is_datasets,
    "manifest": lambda p: p.is_file() and p.suffix.lower() in (".csv", ".tsv", ".jsonl", ".parquet"),
}


def guess_corpus(path: str | Path) -> str:
    """The name of the loader for a folder or file, from the names of what lies in it.

    Raises:
        UsageError: nothing is there, or it is laid out as no corpus that can be told by its layout.
    """
    path = Path(path)
    if not is_there(path):
        raise UsageError(f"{path}: no such file or folder: where is the corpus?")
    for name, holds in _LAYOUTS.items():
        if holds(path):
            return name
    raise UsageError(
        f"{path}: laid out as no corpus that is known by its layout ({', '.join(_LAYOUTS)}): give the folder "
        "that was unpacked or cloned, or name the corpus with --corpus"
    )
