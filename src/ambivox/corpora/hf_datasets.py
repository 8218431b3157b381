"""Folders of Hugging Face ``datasets``, and Parquet files that hold the audio itself.

Read with pyarrow alone: the library ``datasets`` is not needed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ambivox.corpora._hf_files import Part, decoded, find_parts, part_rows
from ambivox.corpora._row import TEXTS, VOTES_PREFIX, Row
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.errors import AmbivoxError, UsageError, unknown_name

COLUMNS = {
    "audio": ("audio", "file_name"),
    "id": ("id", "utterance_id", "file_id"),
    "transcript": ("transcript", "transcription", "text", "sentence"),
    "speaker": ("speaker", "speaker_id", "spk_id"),
    "sex": ("sex", "gender"),
    "consensus": ("consensus", "label", "emotion"),
}
"""What is looked for under which names, in this order, where `columns` does not say."""

_KNOWN = ("id", "audio", "start", "end", "turn", *TEXTS, "consensus", "votes", "ratings")
_SEXES = {"f": "female", "m": "male"}
_ENDINGS = {
    b"RIFF": ".wav",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff": ".mp3",
    b"FORM": ".aiff",
}


def load_datasets(
    path: str | Path,
    *,
    name: str | None = None,
    licence: str = "not stated",
    columns: dict[str, str] | None = None,
    clips: str | None = None,
) -> Corpus:
    """Load a Hugging Face dataset that lies on disk, or Parquet files with audio.

    Reads what ``save_to_disk`` writes (one dataset, or several splits), Parquet shards as on the hub
    (``data/train-00000-of-00001.parquet``), one Parquet file, and folders of sound files with
    ``metadata.csv``, ``.jsonl`` or ``.parquet``. Columns are those of a manifest; `COLUMNS` lists other names
    that are understood, and `columns` names any. Coded labels (``ClassLabel``) become their words. The split
    becomes the partition.

    Sound that is stored in the rows is written to `clips`, each clip once, named by its content.

    Args:
        path: the folder or Parquet file.
        name: what the corpus is called; the name of the folder or file if None.
        licence: under which licence the clips are.
        columns: our column -> theirs, for example ``{"ratings": "annotations"}``.
        clips: the folder for sound that the rows hold; ``ambivox/clips`` in the user's cache if None.

    Returns:
        The corpus, in the order of the rows. Its load issues count rows without audio or votes, repeated ids
        (the first counts), columns that were not used, and git-lfs pointers.

    Raises:
        UsageError: nothing to read here, a column that is asked for and missing, or a cell that makes no
            sense (the row is named).
        AmbivoxError: the clips cannot be written.
    """
    path = Path(path)
    load_issues = LoadIssues()
    parts = list(find_parts(path, load_issues))
    if not parts:
        raise UsageError(
            f"{path}: no dataset here: give a folder that save_to_disk wrote, Parquet files with audio, or "
            "sound files with metadata.csv" + _fix(load_issues)
        )
    folder = path if path.is_dir() else path.parent
    reader = _Reader(folder.resolve(), Path(clips) if clips else _cache(), dict(columns or {}), load_issues)
    utterances: dict[str, Utterance] = {}
    for part in parts:
        for utterance in reader.utterances(part):
            if utterance.id in utterances:
                load_issues.add("rows that repeat an id, the first counts", utterance.id)
            else:
                utterances[utterance.id] = utterance
    if any(u.votes for u in utterances.values()):
        load_issues.add_all("utterances without votes", [u.id for u in utterances.values() if not u.votes])
    return Corpus(name or path.stem, licence, tuple(utterances.values()), load_issues.all())


def _fix(load_issues: LoadIssues) -> str:
    return "".join(f" ({load_issue})" for load_issue in load_issues.all())


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ambivox" / "clips"


class _Reader:
    """Turns rows into utterances."""

    def __init__(self, folder: Path, clips: Path, columns: dict[str, str], load_issues: LoadIssues) -> None:
        for ours in columns:
            if ours not in _KNOWN:
                raise unknown_name("column of a corpus", ours, _KNOWN)
        self.folder, self.clips, self.columns, self.load_issues = folder, clips, columns, load_issues
        self.used: dict[tuple[str, ...], dict[str, str]] = {}
        self.unused: set[str] = set()
        self.n_rows = 0

    def utterances(self, part: Part) -> Iterator[Utterance]:
        """The utterances of a file; rows without audio are counted and left out."""
        for row in part_rows(part):
            used = self._used(row)
            cells = {
                ours: decoded(row.cells.get(theirs), part.codes.get(theirs)) for ours, theirs in used.items()
            }
            cells = {ours: value for ours, value in cells.items() if value is not None}
            place, self.n_rows = f"{part.split or 'row'}-{self.n_rows}", self.n_rows + 1
            audio = self._audio(cells.pop("audio", None), row)
            if audio is None:
                self.load_issues.add("rows without audio, left out", f"{row.where} of {part.path.name}")
                continue
            path, stem = audio
            consensus = cells.pop("consensus", None)
            partition = {"partition": _partition(part.split)} if part.split else {}
            facts = {"id": stem or place} | partition | cells
            if isinstance(facts.get("sex"), str):
                facts["sex"] = _SEXES.get(facts["sex"].lower(), facts["sex"].lower())
            utterance = replace(row, cells=facts, columns=tuple(facts)).utterance(self.folder, path)
            yield replace(utterance, consensus=None if consensus is None else str(consensus))

    def _used(self, row: Row) -> dict[str, str]:
        """Our column -> theirs, for the columns of this row."""
        if row.columns in self.used:
            return self.used[row.columns]
        used = {}
        for ours in _KNOWN:
            wanted = (self.columns[ours],) if ours in self.columns else COLUMNS.get(ours, (ours,))
            found = next((theirs for theirs in wanted if theirs in row.columns), None)
            if found is not None:
                used[ours] = found
            elif ours in self.columns or ours == "audio":
                known = ", ".join(row.columns)
                raise UsageError(
                    f"{row.path}: no column {' or '.join(map(repr, wanted))} for {ours!r}: name it with the "
                    f"option columns (there are: {known})"
                )
        used |= {column: column for column in row.columns if column.startswith(VOTES_PREFIX)}
        unused = sorted(set(row.columns) - set(used.values()) - self.unused)
        self.load_issues.add_all("columns that are not used", unused)
        self.unused |= set(unused)
        self.used[row.columns] = used
        return used

    def _audio(self, value: Any, row: Row) -> tuple[Path, str] | None:
        """The sound file and its name without ending; sound that the row holds is written out."""
        if isinstance(value, bytes):
            value = {"bytes": value, "path": None}
        given = value.get("path") if isinstance(value, dict) else value
        stem = Path(given).stem if isinstance(given, str) else ""
        if isinstance(value, dict) and value.get("bytes"):
            return self._written(value["bytes"]), stem
        if not isinstance(given, str) or not given:
            return None
        path = (row.path.parent / given).resolve()
        if not path.is_relative_to(self.folder):
            raise row.fault("audio", f"{given!r} leaves the folder of the dataset: move its audio inside")
        return path, stem

    def _written(self, content: bytes) -> Path:
        ending = next((e for magic, e in _ENDINGS.items() if content.startswith(magic)), ".audio")
        path = self.clips / f"{hashlib.sha256(content).hexdigest()[:32]}{ending}"
        if not path.exists():
            aside = path.with_name(f"{path.name}.{os.getpid()}.partial")
            try:
                self.clips.mkdir(parents=True, exist_ok=True)
                aside.write_bytes(content)
                aside.replace(path)
            except OSError as error:
                raise AmbivoxError(
                    f"{path}: cannot be written ({error.strerror}): make room, or name another folder with "
                    "the option clips"
                ) from None
        return path


def _partition(split: str | None) -> str | None:
    return "development" if split in ("validation", "valid", "dev") else split
