"""Which rows of a score table stand under which heading, and which share a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ambivox.present.names import row_name
from ambivox.present.tables import Cell, Group, Line
from ambivox.scoring import RowKey, ScoreRow, ScoreTable
from ambivox.scoring.keys import prompt_text, readout_text
from ambivox.scoring.table import plain

_DIGITS = 6
"""Rows that agree in all numbers to so many digits share a line; tables show three."""

_HEARING = {
    "swapped": "another clip",
    "no-audio": "nothing",
    "transcript-only": "nothing, reading the words",
}


def row_groups(
    scores: ScoreTable,
    corpus: str,
    cells: Callable[[ScoreRow], Iterator[Cell]],
    versions: Mapping[str, Sequence[int]] | None = None,
    *,
    controls: bool = True,
) -> tuple[Group, ...]:
    """Controls that ask no model, then by model and prompt every readout, with its controls below it."""
    rows = [row for row in scores.rows if row.key.corpus == corpus]
    groups: dict[str, list[Line]] = {}
    if controls:
        own = [row for row in rows if not isinstance(row.key, RowKey)]
        lines = [Line((Cell(row_name(row.key)), *cells(row))) for row in own]
        groups["Controls, which ask no model"] = lines
    asked = [(row, row.key) for row in rows if isinstance(row.key, RowKey)]
    places: dict[tuple[object, ...], int] = {}
    for _, key in asked:
        for part in _parts(key):
            places.setdefault(part, len(places))
    read: dict[tuple[object, ...], list[ScoreRow]] = {}
    for row, key in sorted(asked, key=lambda one: [places[part] for part in _parts(one[1])]):
        read.setdefault(_parts(key)[-1], []).append(row)
    for same in _folded(list(read.values())):
        heading, lines = _lines(same, cells, versions)
        groups.setdefault(heading, []).extend(lines)
    return tuple(Group(heading, tuple(lines)) for heading, lines in groups.items())


def _folded(read: Sequence[Sequence[ScoreRow]]) -> list[list[Sequence[ScoreRow]]]:
    """The rows of each readout of the same answers, those of which all have the same numbers together."""
    folded: dict[str, list[Sequence[ScoreRow]]] = {}
    for rows in read:
        key = rows[0].key
        assert isinstance(key, RowKey)
        numbers = [_numbers(row) for row in rows]
        folded.setdefault(repr((key.run, key.model, key.question, numbers)), []).append(rows)
    return list(folded.values())


def _numbers(row: ScoreRow) -> dict[str, Any]:
    """A row without its name, to `_DIGITS` digits: the last bits hang on the order of sums."""
    return {"control": row.key.control} | {n: _rounded(v) for n, v in plain(row).items() if n != "key"}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, _DIGITS) + 0.0 if isinstance(value, float) else value


def _lines(
    same: Sequence[Sequence[ScoreRow]],
    cells: Callable[[ScoreRow], Iterator[Cell]],
    versions: Mapping[str, Sequence[int]] | None,
) -> tuple[str, list[Line]]:
    """The lines of readouts with the same numbers, first of the clips and below of the controls."""
    keys = [rows[0].key for rows in same]
    named = ", ".join(readout_text(key) for key in keys if isinstance(key, RowKey))
    clips = [row for row in same[0] if row.of_clips]
    lines = [Line((Cell(named, f"{row.level} level"), *cells(row))) for row in clips]
    heard: dict[str, list[ScoreRow]] = {}
    for row in same[0]:
        if not row.of_clips:
            heard.setdefault(repr(_numbers(row) | {"control": ""}), []).append(row)
    for rows in heard.values():
        name = "hearing " + "; or ".join(_HEARING.get(row.key.control, row.key.control) for row in rows)
        lines.append(Line((Cell(name), *cells(rows[0])), depth=1))
    assert isinstance(keys[0], RowKey)
    return _heading(keys[0], versions), lines


def _parts(key: RowKey) -> list[tuple[object, ...]]:
    """What rows are sorted by, from the outside in."""
    parts = (key.run, key.model, key.question, key.read_by)
    return [parts[: n + 1] for n in range(len(parts))]


def of_run(key: RowKey) -> str:
    """The beginning of a heading where several runs stand in one table."""
    return f"{key.run}: " if key.run else ""


def _heading(key: RowKey, versions: Mapping[str, Sequence[int]] | None) -> str:
    known = " and ".join(f"v{version}" for version in (versions or {}).get(key.prompt, ()))
    asked = f"Prompt {prompt_text(key)}" if key.prompt else "Predictions made elsewhere"
    return f"{of_run(key)}{asked}{f' ({known})' if known else ''}, {key.model}"
