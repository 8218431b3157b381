"""Tables as rows of cells: CSV, JSONL and Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ambivox.corpora._files import open_csv, read_bytes, read_text
from ambivox.corpora._row import parse_json
from ambivox.errors import UsageError, first_line


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        columns: their names, in order; empty where there is no row.
        rows: where each row stands ("row 3"), and column -> value.
        decimal_comma: "0,75" is a number, as where cells are parted by semicolons.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, dict[str, Any]], ...]
    decimal_comma: bool = False


def read_table(path: Path, encoding: str | None = None) -> Table:
    """Read a table by the ending of its file.

    Raises:
        UsageError: another ending, or a file that is not such a table.
    """
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv"):
        csv = open_csv(path, encoding=encoding)
        return _table(((f"row {number}", cells) for number, cells in csv.rows), csv.delimiter in ";\t")
    if ending == ".jsonl":
        return _table(_jsonl_rows(path, encoding))
    if ending == ".parquet":
        return _table(_parquet_rows(path))
    raise UsageError(f"{path}: a manifest ends in .csv, .tsv, .jsonl or .parquet: save it as one of these")


def is_given(value: Any) -> bool:
    """Whether a cell has a value."""
    return value is not None and value != ""


def _table(rows: Iterator[tuple[str, dict[str, Any]]], decimal_comma: bool = False) -> Table:
    every = tuple(rows)
    return Table(tuple(dict.fromkeys(name for _, cells in every for name in cells)), every, decimal_comma)


def _jsonl_rows(path: Path, encoding: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    # not splitlines(), which also splits at characters that may stand inside a JSON string
    for number, line in enumerate(read_text(path, encoding, name_it=True).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = parse_json(line)
        except ValueError as error:
            raise UsageError(f"{path}: line {number}: not JSON ({error})") from None
        if not isinstance(cells, dict):
            raise UsageError(f'{path}: line {number}: expected an object such as {{"audio": "a.wav", ...}}')
        yield f"line {number}", cells


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    content = read_bytes(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        columns = file.schema_arrow.names
        rows = file.read().to_pylist() if len(set(columns)) == len(columns) else []
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UsageError(f"{path}: not a Parquet file ({first_line(error).rstrip('.')})") from None
    if len(set(columns)) < len(columns):
        raise UsageError(f"{path}: two columns have the same name: rename one of them")
    for number, cells in enumerate(rows, start=1):
        yield f"row {number}", cells
