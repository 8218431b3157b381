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

from ambivox.corpora._files import LFS_MEND, LFS_POINTER, read_text
from ambivox.corpora._row import Row
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.manifest import read_rows
from ambivox.errors import UsageError, first_line

_TABLES = (".csv", ".jsonl", ".parquet")
_BATCH_ROWS = 64  # rows hold whole sound files


@dataclass(frozen=True)
class Part:
    """A file of rows, the split it belongs to, and what the features say of coded labels."""

    path: Path
    split: str | None
    codes: Mapping[str, list[str]]


def find_parts(path: Path, load_issues: LoadIssues) -> Iterator[Part]:
    """The files of rows, in the order of splits and shards."""
    if path.is_file():
        yield from _whole(Part(path, None, _parquet_codes(path)), load_issues)
        return
    if (path / "dataset_dict.json").exists():
        for split in _json(path / "dataset_dict.json").get("splits", []):
            yield from _saved(path / split, split, load_issues)
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
    info = folder / "dataset_info.json"
    codes = _codes(_json(info).get("features") or {}) if info.exists() else {}
    for shard in _json(folder / "state.json").get("_data_files", []):
        yield from _whole(Part(folder / shard["filename"], split, codes), load_issues)


def _whole(part: Part, load_issues: LoadIssues) -> Iterator[Part]:
    try:
        with part.path.open("rb") as file:
            pointer = file.read(len(LFS_POINTER)) == LFS_POINTER
    except OSError:
        load_issues.add("shards that are missing", part.path.name, fix="copy or download them")
        return
    if pointer:
        load_issues.add("git-lfs pointers in place of shards", part.path.name, fix=LFS_MEND)
    else:
        yield part


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({first_line(error)}): copy the dataset again") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path}: expected a JSON object: copy the dataset again")
    return data


def _codes(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """The words of coded labels, for columns of one label and of lists of them."""
    codes = {}
    for column, feature in features.items():
        inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
        if isinstance(inner, dict) and isinstance(inner.get("names"), list):
            codes[column] = inner["names"]
    return codes


def _parquet_codes(path: Path) -> dict[str, list[str]]:
    """The words of coded labels that ``datasets`` notes in the schema of a Parquet file."""
    try:
        noted = (pq.read_schema(path).metadata or {}).get(b"huggingface", b"{}")
        return _codes(json.loads(noted).get("info", {}).get("features", {}))
    except (pa.ArrowException, OSError, ValueError):
        return {}  # whoever reads the rows will say what is wrong


def decoded(value: Any, names: list[str] | None) -> Any:
    """Codes of labels as words."""
    if names is None:
        return value
    if isinstance(value, list):
        return [decoded(item, names) for item in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def part_rows(part: Part) -> Iterator[Row]:
    if part.path.suffix in (".csv", ".jsonl"):
        yield from read_rows(part.path)
        return
    number = 0
    try:
        for batch in _batches(part.path):
            for cells in batch.to_pylist():
                number += 1
                given = {
                    column: value for column, value in cells.items() if value is not None and value != ""
                }
                yield Row(part.path, f"row {number}", given, tuple(cells))
    except (pa.ArrowException, OSError) as error:
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
