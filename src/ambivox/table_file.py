"""Tables written as files: CSV, Parquet or JSON lines by the ending of the name, whole or not at all."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ambivox.errors import AmbivoxError, UsageError
from ambivox.write_aside import write_aside

ENDINGS = (".csv", ".parquet", ".jsonl")

_FORMULA = r"^([=+\-@\t\r])"


def write_table(table: pa.Table, path: Path, endings: tuple[str, ...] = (".csv", ".parquet")) -> Path:
    """Write a table; see `write_parts`."""
    return write_parts(table.schema, [table], path, endings)


def write_parts(
    schema: pa.Schema, parts: Iterable[pa.Table], path: Path, endings: tuple[str, ...] = ENDINGS
) -> Path:
    """Write a table that comes in parts, one at a time.

    CSV has no lists: they are written with spaces between, and text that a spreadsheet would run as a
    formula has a quote before it.

    Raises:
        UsageError: another ending than those of `endings`.
        AmbivoxError: the file cannot be written.
    """
    if path.suffix not in endings:
        raise UsageError(
            f"{path}: the table is written as {' or '.join(endings)}: end the name in one of them"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as aside:
            _WRITERS[path.suffix](schema, parts, aside)
    except OSError as error:
        reason = error.strerror or str(error)
        raise AmbivoxError(f"{path}: cannot be written ({reason}): choose another file") from None
    return path


def csv_text(table: pa.Table) -> str:
    """A table as the text of a CSV file, as `write_parts` writes it.

    >>> print(csv_text(pa.table({"id": ["=1+1", "a"], "n": [1, 2]})), end="")
    "id","n"
    "'=1+1",1
    "a",2
    """
    out = io.BytesIO()
    pa.csv.write_csv(without_formulas(_flat(table)), out)
    return out.getvalue().decode()


def _write_csv(schema: pa.Schema, parts: Iterable[pa.Table], path: Path) -> None:
    with pa.csv.CSVWriter(path, _flat(schema.empty_table()).schema) as writer:
        for part in parts:
            writer.write_table(without_formulas(_flat(part)))


def _write_parquet(schema: pa.Schema, parts: Iterable[pa.Table], path: Path) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part)


def _write_jsonl(schema: pa.Schema, parts: Iterable[pa.Table], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for part in parts:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in part.to_pylist())


_WRITERS: dict[str, Any] = {".csv": _write_csv, ".parquet": _write_parquet, ".jsonl": _write_jsonl}


def _flat(table: pa.Table) -> pa.Table:
    """The table with lists as text, and pairs of names and values too."""
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type) or pa.types.is_map(field.type):
            between, said = (", ", ": ".join) if pa.types.is_map(field.type) else (" ", str)
            texts = [
                None if value is None else between.join(map(said, value))
                for value in table.column(place).to_pylist()
            ]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def without_formula(text: str) -> str:
    """Text for a cell of CSV, with a quote before it if a spreadsheet would run it.

    >>> without_formula("=1+1"), without_formula("a")
    ("'=1+1", 'a')
    """
    return re.sub(_FORMULA, r"'\1", text)


def without_formulas(table: pa.Table) -> pa.Table:
    """The table with a quote before text that a spreadsheet would run as a formula.

    >>> without_formulas(pa.table({"id": ["=1+1", "a"]}))["id"].to_pylist()
    ["'=1+1", 'a']
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            guarded = pc.replace_substring_regex(table.column(place), _FORMULA, r"'\1")
            table = table.set_column(place, field, guarded)
    return table
