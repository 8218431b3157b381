"""The files of a Hugging Face dataset on disk: which there are, in which split, and their rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ambivox.corpora._files import LFS_FIX, LFS_POINTER, is_file, read_text
from ambivox.corpora._row import parse_json
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.tables import read_table
from ambivox.corpora.words import NOT_RATED, has_control
from ambivox.errors import UsageError, first_line

_TABLES = (".csv", ".jsonl", ".parquet")
_BATCH_ROWS = 64  # rows hold whole sound files
_AGAIN = "copy the dataset again"


@dataclass(frozen=True)
class Part:
    """A file of rows, the split it belongs to, and what the features say of coded labels."""

    path: Path
    split: str | None
    codes: Mapping[str, list[str]]


def find_parts(path: Path, load_issues: LoadIssues) -> Iterator[Part]:
    """The files of rows, in the order of splits and shards.

    Raises:
        UsageError: a description that is not as ``datasets`` writes it, or that names files elsewhere.
    """
    if is_file(path):
        yield from _whole(Part(path, None, _parquet_codes(path)), load_issues)
        return
    listed = path / "dataset_dict.json"
    if listed.exists():
        splits = _json(listed).get("splits", [])
        if not isinstance(splits, list) or not all(isinstance(split, str) for split in splits):
            raise UsageError(f"{listed}: 'splits' is not a list of names: {_AGAIN}")
        for split in splits:
            yield from _saved(_inside(path, split, listed), split, load_issues)
    elif (path / "state.json").exists():
        yield from _saved(path, None, load_issues)
    elif tables := sorted(t for t in path.glob("**/metadata.*") if t.suffix in _TABLES):
        for table in tables:
            split = table.parent.name if table.parent != path else None
            yield from _whole(Part(table, split, {}), load_issues)
    else:
        for shard in sorted(path.glob("**/*.parquet")):
            found = re.fullmatch(r"(\w+)-\d+-of-\d+.*", shard.stem)
            yield from _whole(Part(shard, found[1] if found else None, _parquet_codes(shard)), load_issues)


def _saved(folder: Path, split: str | None, load_issues: LoadIssues) -> Iterator[Part]:
    """What ``save_to_disk`` wrote: ``state.json`` names the shards, ``dataset_info.json`` the features."""
    info, state = folder / "dataset_info.json", folder / "state.json"
    codes = _codes(_json(info).get("features")) if info.exists() else {}
    shards = _json(state).get("_data_files", [])
    for shard in shards if isinstance(shards, list) else [None]:
        name = shard.get("filename") if isinstance(shard, dict) else None
        if not isinstance(name, str):
            raise UsageError(f"{state}: '_data_files' is not a list of file names: {_AGAIN}")
        yield from _whole(Part(_inside(folder, name, state), split, codes), load_issues)


def _inside(folder: Path, name: str, listed: Path) -> Path:
    """The file or folder that a description names, in its own folder."""
    try:
        inside = (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        inside = False
    if not inside or has_control(name):
        raise UsageError(f"{listed}: {name!r} is not a name in this folder: {_AGAIN}")
    return folder / name


def _whole(part: Part, load_issues: LoadIssues) -> Iterator[Part]:
    if not is_file(part.path):
        load_issues.add("shards that are missing", part.path.name, fix="copy or download them")
        return
    try:
        with part.path.open("rb") as file:
            pointer = file.read(len(LFS_POINTER)) == LFS_POINTER
    except OSError as error:
        raise UsageError(f"{part.path}: cannot be read ({error.strerror})") from None
    if pointer:
        load_issues.add("git-lfs pointers in place of shards", part.path.name, fix=LFS_FIX)
    else:
        yield part


def _json(path: Path) -> dict[str, Any]:
    try:
        data = parse_json(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({first_line(error)}): {_AGAIN}") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path}: expected a JSON object: {_AGAIN}")
    return data


def _codes(features: object) -> dict[str, list[str]]:
    """The words of coded labels, for columns of one label and of lists of them.

    A list is ``{"feature": ..., "_type": "Sequence"}``, or ``[...]`` before version 4 of ``datasets``.
    """
    codes = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        while isinstance(feature, list) and feature:
            feature = feature[0]
        while isinstance(feature, dict) and "feature" in feature:
            feature = feature["feature"]
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            codes[column] = names
    return codes


def _parquet_codes(path: Path) -> dict[str, list[str]]:
    """The words of coded labels that ``datasets`` notes in the schema of a Parquet file."""
    try:
        noted = json.loads((pq.read_schema(path).metadata or {}).get(b"huggingface", b"{}"))
    except (pa.ArrowException, OSError, ValueError, RecursionError):
        return {}  # whoever reads the rows will say what is wrong
    info = noted.get("info") if isinstance(noted, dict) else None
    return _codes(info.get("features")) if isinstance(info, dict) else {}


def decoded(value: Any, names: list[str] | None) -> Any:
    """Codes of labels as words, None for a label that was not given.

    Raises:
        ValueError: a code that stands for no word.
    """
    if names is None:
        return value
    if isinstance(value, list):
        return [decoded(item, names) for item in value]
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    if value == NOT_RATED:
        return None
    if not 0 <= value < len(names):
        raise ValueError(f"the code {value} is none of the {len(names)} labels that the dataset names")
    return names[value]


def part_rows(part: Part) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each row stands, and column -> value."""
    if part.path.suffix in (".csv", ".jsonl"):
        yield from read_table(part.path).rows
        return
    number = 0
    try:
        for batch in _batches(part.path):
            if len(set(batch.schema.names)) < len(batch.schema.names):
                raise UsageError(f"{part.path}: two columns have the same name: rename one of them")
            for cells in batch.to_pylist():
                number += 1
                yield f"row {number}", cells
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{part.path}: not readable as Arrow or Parquet ({first_line(error).rstrip('.')}): copy it again"
        ) from None


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    if path.suffix == ".arrow":
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    yield batch.slice(start, _BATCH_ROWS)
        return
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(_BATCH_ROWS)
