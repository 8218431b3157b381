"""Folders of Hugging Face ``datasets``, and Parquet files that hold the audio itself.

Read with pyarrow alone: the library ``datasets`` is not needed.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal

import numpy as np
import soundfile as sf

from ambivox.corpora._assemble import Placed, corpus_of
from ambivox.corpora._columns import Columns
from ambivox.corpora._files import is_file
from ambivox.corpora._hf_files import Part, decoded, find_parts, part_rows
from ambivox.corpora._row import Row, VoteKind
from ambivox.corpora.corpus import Corpus
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.tables import is_given
from ambivox.corpora.words import has_control
from ambivox.errors import AmbivoxError, UsageError
from ambivox.raters.ratings import LabelChoice
from ambivox.write_aside import write_aside

_SEXES = {"f": "female", "m": "male"}
_ENDINGS = {
    b"RIFF": ".wav",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff": ".mp3",
    b"FORM": ".aiff",
}
_RATES_HZ = range(1_000, 768_001)


def load_datasets(
    path: str | Path,
    *,
    name: str | None = None,
    licence: str = "not stated",
    columns: dict[str, str] | None = None,
    vote_columns: list[str] | None = None,
    votes: VoteKind | None = None,
    rows: Literal["clips", "ratings"] | None = None,
    labels: LabelChoice = "all-labels",
    clips: str | None = None,
    votes_invented: bool = False,
) -> Corpus:
    """Load a Hugging Face dataset that lies on disk, or Parquet files with audio.

    Reads what ``save_to_disk`` writes (one dataset, or several splits), Parquet shards as on the hub
    (``data/train-00000-of-00001.parquet``), one Parquet file, and folders of sound files with
    ``metadata.csv``, ``.jsonl`` or ``.parquet``. Columns are those of a manifest (see `load_manifest`, also
    for the options that are not told here). Coded labels (``ClassLabel``) become their words, -1 is no label.
    The split becomes the partition.

    Sound that is stored in the rows, as a file or as numbers with a rate, is written to `clips`, each clip
    once, named by its content. Rows without a column of ids are called by their sound file; where several
    have the same name, by as much of its path as tells them apart, or by their place.

    Args:
        path: the folder or Parquet file.
        name: what the corpus is called; the name of the folder or file if None.
        licence: under which licence the clips are.
        columns: our column -> theirs, for example ``{"ratings": "annotations"}``.
        clips: the folder for sound that the rows hold; ``ambivox/clips`` in the user's cache if None.

    Returns:
        The corpus, in the order of the rows. Its load issues count rows without audio or votes, repeated ids
        and sounds, columns that were not used, and git-lfs pointers.

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
    known = Columns(
        load_issues,
        columns,
        vote_columns or (),
        strict=False,
        by_rating=None if rows is None else rows == "ratings",
    )
    reader = _Reader(folder.resolve(), Path(clips) if clips else _cache(), known, votes, load_issues)
    placed = [row for part in parts for row in reader.rows(part)]
    if not placed:
        raise UsageError(f"{path}: no row has audio{_fix(load_issues)}: copy the dataset again")
    return corpus_of(
        placed,
        load_issues,
        path,
        ratings=bool(known.by_rating),
        name=name,
        licence=licence,
        labels=labels,
        votes=votes,
        votes_invented=votes_invented,
        repair_ids=True,
    )


def _fix(load_issues: LoadIssues) -> str:
    return "".join(f" ({load_issue})" for load_issue in load_issues.all())


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ambivox" / "clips"


class _Reader:
    """Turns the rows of files into rows of ours, with their sound."""

    def __init__(
        self, folder: Path, clips: Path, columns: Columns, kind: VoteKind | None, load_issues: LoadIssues
    ) -> None:
        self.folder, self.clips, self.columns = folder, clips, columns
        self.kind, self.load_issues = kind, load_issues
        self.n_rows = 0

    def rows(self, part: Part) -> Iterator[Placed]:
        """The rows of a file; those without audio are counted and left out."""
        for where, cells in part_rows(part):
            place, self.n_rows = f"{part.split or 'row'}-{self.n_rows}", self.n_rows + 1
            used = self.columns.of(part.path, tuple(cells))
            row = Row(part.path, where, {}, used, self.load_issues, self.kind)
            audio = self._audio(cells.get(used["audio"]), row)
            if audio is None:
                self.load_issues.add("rows without audio, left out", f"{where} of {part.path.name}")
                continue
            given = self._given(cells, used, part, row)
            sound, source = audio
            yield Placed(
                Row(part.path, where, given, used, self.load_issues, self.kind), sound, _names(source, place)
            )

    def _given(
        self, cells: Mapping[str, Any], used: Mapping[str, str], part: Part, row: Row
    ) -> dict[str, Any]:
        given: dict[str, Any] = {"partition": _partition(part.split)} if part.split else {}
        for ours, theirs in used.items():
            try:
                value = decoded(cells.get(theirs), part.codes.get(theirs))
            except ValueError as error:
                raise row.fault(ours, str(error)) from None
            if is_given(value) and ours != "audio":
                given[ours] = value
        if isinstance(given.get("sex"), str):
            given["sex"] = _SEXES.get(given["sex"].lower(), given["sex"].lower())
        return given

    def _audio(self, value: Any, row: Row) -> tuple[Path, str] | None:
        """The sound file, and the path or name that it had; sound that the row holds is written out."""
        if isinstance(value, bytes):
            value = {"bytes": value}
        content = value if isinstance(value, dict) else {"path": value}
        given = content.get("path") or content.get("file_name")
        source = given if isinstance(given, str) else ""
        if isinstance(content.get("bytes"), bytes) and content["bytes"]:
            return self._written(content["bytes"]), source
        if content.get("array") is not None:
            samples = _as_wav(content["array"], content.get("sampling_rate"), row)
            return None if samples is None else (self._written(samples), source)
        if given is None or given == "":
            return None
        if not isinstance(given, str):
            raise row.fault("audio", f"{str(given)[:40]!r} is neither a file nor its content")
        if "://" in given:
            raise row.fault(
                "audio", f"{given!r} is an address: download the sound, and put it beside the table"
            )
        placed = Row(row.path, row.where, {"audio": given}, row.named, row.load_issues)
        beside = row.path.parent.resolve()
        try:
            return placed.audio(beside), given
        except UsageError:
            moved = (beside / PureWindowsPath(given).as_posix()).resolve()
            if not moved.is_relative_to(self.folder):
                raise
            return moved, given

    def _written(self, content: bytes) -> Path:
        ending = next((e for magic, e in _ENDINGS.items() if content.startswith(magic)), ".audio")
        path = self.clips / f"{hashlib.sha256(content).hexdigest()[:32]}{ending}"
        if not is_file(path):
            try:
                self.clips.mkdir(parents=True, exist_ok=True)
                with write_aside(path, shared=True) as aside:
                    aside.write_bytes(content)
            except OSError as error:
                raise AmbivoxError(
                    f"{path}: cannot be written ({error.strerror}): make room, or name another folder with "
                    "the option clips"
                ) from None
        return path


def _as_wav(array: Any, rate_hz: Any, row: Row) -> bytes | None:
    """Samples as a WAV file of 32-bit numbers, which 16-bit sound survives to the last bit; None of none."""
    if not isinstance(rate_hz, int) or rate_hz not in _RATES_HZ:
        raise row.fault(
            "audio", f"a sampling rate of {rate_hz!r} Hz: rates from 1,000 to 768,000 are believed"
        )
    try:
        samples = np.array(array, dtype=np.float32)
    except (TypeError, ValueError):
        raise row.fault("audio", "an array that is not of numbers, all channels of one length") from None
    if samples.ndim not in (1, 2):
        raise row.fault("audio", f"an array of {samples.ndim} dimensions: samples, or channels of samples")
    if not samples.size:
        return None
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T  # a file has all channels of one moment together
    file = io.BytesIO()
    sf.write(file, samples, rate_hz, format="WAV", subtype="FLOAT")
    return file.getvalue()


def _names(source: str, place: str) -> tuple[str, ...]:
    """Candidates for an id: the name of the sound file, its path, and the row's place."""
    path = PurePosixPath(PureWindowsPath(source).as_posix()) if not has_control(source) else PurePosixPath()
    if not path.stem:
        return (place,)
    return path.stem, str(path.with_suffix("")), f"{path.stem} ({place})"


def _partition(split: str | None) -> str | None:
    return "development" if split in ("validation", "valid", "dev") else split
