"""Tables with a header: a column of labels and one of numbers, or a column for each label."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ambivox.readouts.answers.atoms import Item
from ambivox.readouts.answers.languages import Field, fields, is_harmless, says_percent
from ambivox.readouts.answers.mentions import Mention
from ambivox.readouts.answers.numbers import Number, find_numbers

_LINE = re.compile(r"[^\n]+")
_RULE = re.compile(r"[ |:+=─-]*")
_WORD = re.compile(r"[^\W\d_]+")
_CELLS = (re.compile(r"[^|]+"), re.compile(r"[^,]+"), re.compile(r"[^;]+"), re.compile(r"[^ ]+"))
_LONGEST_HEADER = 400
_SHORT = 2
"""Words of a cell that is a label; a sentence after a table is no row of it."""


class Tables(NamedTuple):
    """The tables of a text, and what is left of it.

    Args:
        items: the pairs of the tables, and the labels whose number cannot be told.
        low: the text with spaces in place of the tables.
        mentions: those outside the tables.
    """

    items: list[Item]
    low: str
    mentions: list[Mention]


class _Cell(NamedTuple):
    start: int
    end: int
    text: str
    labels: tuple[int, ...]


@dataclass(frozen=True)
class _Header:
    """Which column holds what.

    Args:
        cell: how a line is cut into cells.
        label, number: the columns of labels and of their numbers; no number if no one column is it.
        labels: the label of each column, where every label has its column.
    """

    cell: re.Pattern[str]
    n_columns: int
    label: int = -1
    number: int = -1
    tier: int = 1
    percent: bool = False
    labels: tuple[int, ...] = ()


class _Text:
    """A text by lines and cells."""

    def __init__(self, low: str, mentions: Sequence[Mention]) -> None:
        self.low, self.mentions = low, mentions
        self.starts = [mention.start for mention in mentions]
        self.lines = [match.span() for match in _LINE.finditer(low)]

    def line(self, k: int) -> str:
        return self.low[slice(*self.lines[k])]

    def cells(self, k: int, cell: re.Pattern[str]) -> list[_Cell]:
        start, end = self.lines[k]
        found = [match for match in cell.finditer(self.low, start, end) if match[0].strip(" \"'")]
        return [
            _Cell(m.start(), m.end(), m[0].strip(" \"'"), self.labels_in(m.start(), m.end())) for m in found
        ]

    def labels_in(self, start: int, end: int) -> tuple[int, ...]:
        own = self.mentions[bisect.bisect_left(self.starts, start) : bisect.bisect_left(self.starts, end)]
        return tuple(dict.fromkeys(mention.label for mention in own))


def find_tables(low: str, mentions: Sequence[Mention]) -> Tables:
    r"""The tables of a lower-case plain text: in Markdown, with commas, semicolons or spaces between columns.

    >>> tables = find_tables("emotion, rank, score\nsad, 1, 0.9\n", [Mention(3, 21, 24)])
    >>> [(item.labels, item.numbers[0].value) for item in tables.items]
    [((3,), 0.9)]
    """
    text = _Text(low, mentions)
    items: list[Item] = []
    rest, position, k = [], 0, 0
    while k < len(text.lines) - 1:
        header = _header(text, k)
        own, after = _rows(text, k + 1, header) if header else ([], k)
        if not own:
            k += 1
            continue
        items += own
        start, end = text.lines[k][0], text.lines[after - 1][1]
        rest += [low[position:start], " " * (end - start)]
        position, k = end, after
    blanked = "".join([*rest, low[position:]])
    return Tables(items, blanked, [m for m in mentions if not blanked[m.start].isspace()])


def _header(text: _Text, k: int) -> _Header | None:
    start, end = text.lines[k]
    if end - start > _LONGEST_HEADER or any(map(str.isdigit, text.line(k))):
        return None
    for cell in _CELLS:
        cells = text.cells(k, cell)
        if len(cells) < 2:
            continue
        kinds = [_kind(own) for own in cells]
        labels = [own.labels[0] for own in cells if kinds[cells.index(own)] == "one"]
        if len(labels) >= max(2, len(cells) - 1) and len(set(labels)) == len(labels) and "one" in kinds[1:]:
            return _Header(cell, len(labels), labels=tuple(labels))
        if kinds.count("label") == 1 and ("share" in kinds or "score" in kinds):
            if cell is not _CELLS[0] and None in kinds:
                continue
            best = "share" if "share" in kinds else "score"
            number = kinds.index(best) if kinds.count(best) == 1 else -1
            percent = number >= 0 and ("%" in cells[number].text or says_percent(cells[number].text))
            return _Header(
                cell, len(cells), kinds.index("label"), number, 1 if best == "share" else 2, percent
            )
    return None


def _kind(cell: _Cell) -> Field | str | None:
    """What a header says of its column; "one" for the column of one label, None for words not known."""
    words = _WORD.findall(cell.text)
    if cell.labels:
        return "one" if len(cell.labels) == 1 and len(words) <= 2 else None
    known = {fields()[word] for word in words if word in fields()}
    kinds: tuple[Field, ...] = ("beside", "place", "share", "score", "label")
    return next((kind for kind in kinds if kind in known), None) if all(map(is_harmless, words)) else None


def _rows(text: _Text, k: int, header: _Header) -> tuple[list[Item], int]:
    """What the rows from line k on say, and the line after the last of them."""
    items: list[Item] = []
    while k < len(text.lines):
        cells = text.cells(k, header.cell)
        if not _RULE.fullmatch(text.line(k)):
            own = _by_column(text, cells, header) if header.labels else _by_row(text, cells, header)
            if own is None:
                break
            items += own
        k += 1
    return items, k


def _by_column(text: _Text, cells: Sequence[_Cell], header: _Header) -> list[Item] | None:
    numbers = [_number(text, cell) for cell in cells[-header.n_columns :]]
    if len(cells) not in (header.n_columns, header.n_columns + 1) or None in numbers:
        return None
    pairs = zip(header.labels, filter(None, numbers), strict=True)
    return [Item("pair", (label,), (number,)) for label, number in pairs]


def _by_row(text: _Text, cells: Sequence[_Cell], header: _Header) -> list[Item] | None:
    if len(cells) != header.n_columns:
        return _cut_off(cells, header)
    name, number = cells[header.label], _number(text, cells[header.number])
    if {fields().get(word) for word in _WORD.findall(name.text)} & {"beside", "rest"}:
        return []
    if len(name.labels) == 1 and header.number >= 0 and number is not None:
        number = number._replace(percent=number.percent or header.percent)
        return [Item("pair", name.labels, (number,), tier=header.tier)]
    if not name.labels and _WORD.search(name.text) and number is not None:
        return [Item("foreign", (), (number,), name.text)]
    return [Item("fault", name.labels)] if name.labels else None


def _cut_off(cells: Sequence[_Cell], header: _Header) -> list[Item] | None:
    """A row that lost its last cells: a label without a number, whatever its other cells say."""
    named = cells[header.label] if header.label < len(cells) < header.n_columns and len(cells) > 1 else None
    if named is None or len(named.labels) != 1 or len(_WORD.findall(named.text)) > _SHORT:
        return None
    return [Item("fault", named.labels)]


def _number(text: _Text, cell: _Cell) -> Number | None:
    """The one number of a cell that holds nothing else."""
    numbers = list(find_numbers(text.low, cell.start, cell.end))
    whole = len(numbers) == 1 and not _WORD.search(
        text.low[cell.start : numbers[0].start] + text.low[numbers[0].end : cell.end]
    )
    return numbers[0] if whole else None
