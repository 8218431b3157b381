"""A table in a terminal: as many columns as fit, those of rank 0 in any case, and footnotes for these."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable

from ambivox.present.escape import escaped
from ambivox.present.numbers import raised
from ambivox.present.tables import Cell, Column, Line, Table
from ambivox.present.text.plain import plain

_SPACE = 2
_FOLDED = 24
"""A column of text is not left out for being wide: it is folded, to this width if need be."""


@dataclass
class Footnotes:
    """Footnotes by number, each told once below all tables.

    >>> notes = Footnotes()
    >>> notes.mark(["1 speaker"]), notes.mark(["all failed", "1 speaker"]), notes.mark([])
    ('¹', '²˒¹', '')
    """

    told: list[str] = field(default_factory=list)
    of_columns: list[str] = field(default_factory=list)
    """Lines on whole columns that are not shown; they have no mark."""

    def mark(self, notes: Sequence[str]) -> str:
        """The marks of some footnotes."""
        for note in notes:
            if note not in self.told:
                self.told.append(note)
        return "˒".join(raised(self.told.index(note) + 1) for note in notes)

    def show(self, console: Console) -> None:
        """Print all that were marked, and before them what whole columns are without."""
        for line in dict.fromkeys(self.of_columns):
            console.print(plain(line, style="dim"))
        for place, note in enumerate(self.told):
            console.print(plain(f"{raised(place + 1)} {note}", style="dim"))


@dataclass(frozen=True)
class _Shown:
    """A column of the terminal: a column of the table, or the details of one."""

    place: int
    title: str
    kind: str
    rank: int
    of_details: bool = False

    @property
    def folds(self) -> bool:
        """Whether its cells may go over several lines."""
        return self.place > 0 and (self.kind == "text" or (self.kind == "line" and self.rank == 0))

    def says(self, cells: Sequence[Cell]) -> bool:
        """Whether it has anything in a line; of details, the footnote alone is nothing."""
        cell = cells[self.place]
        return bool(cell.detail) if self.of_details else bool(cell.text or cell.notes)

    def text(self, cell: Cell, notes: Footnotes) -> str:
        if self.of_details:
            return escaped(cell.detail) + notes.mark(cell.detail_notes)
        return escaped(cell.text) + notes.mark(cell.notes)


def print_table(console: Console, table: Table, notes: Footnotes, *, caption: bool = False) -> None:
    """Print a table. Columns of the highest rank go where there is no room; those of rank 0 that do not fit
    beside each other go on below. Columns without a word in them are left out."""
    titles = [table.caption, *(column.title for column in table.columns[1:])]
    if not caption:
        titles[0] = table.columns[0].title
    titles = [escaped(title) for title in titles]
    every = [one for place, column in enumerate(table.columns) for one in _columns(place, column, titles)]
    shown = [one for one in every if one.place == 0 or any(one.says(line.cells) for line in table.lines)]
    headings = any(group.heading for group in table.groups)
    indents = {id(line): "  " * (line.depth + headings) for line in table.lines}
    trial = Footnotes()  # only what is shown has its footnotes told

    def text(one: _Shown, line: Line, told: Footnotes) -> str:
        indent = indents[id(line)] if one.place == 0 else ""
        return indent + one.text(line.cells[one.place], told)

    natural = {
        one: max([len(one.title), *(len(text(one, line, trial)) for line in table.lines)]) + _SPACE
        for one in shown
    }
    widths = {one: min(width, _FOLDED + _SPACE) if one.folds else width for one, width in natural.items()}
    for kept in _blocks(shown, widths, console.width):
        spare = max(0, console.width - sum(widths[one] for one in kept))
        room = {one: min(natural[one], widths[one] + spare) - _SPACE for one in kept}
        console.print(_drawn(room, header=True))
        for group in table.groups:
            if group.heading:  # it may be longer than the names below it
                console.print(plain(group.heading, style="bold"))
            rows = _drawn(room)
            for line in group.lines:
                cells = [plain(text(one, line, notes), style=_style(line.cells[one.place])) for one in kept]
                rows.add_row(*cells, style="dim" if line.depth else "")
            console.print(rows)
        for one in every:
            if one.of_details and one not in shown and one.place in {other.place for other in kept}:
                why = (note for line in table.lines for note in line.cells[one.place].detail_notes)
                notes.of_columns += [f"no {one.title} intervals: {note}" for note in dict.fromkeys(why)]
    notes.mark(table.notes)
    console.print()


def _drawn(room: Mapping[_Shown, int], *, header: bool = False) -> RichTable:
    """An empty table of columns of so many characters each."""
    drawn = RichTable(
        box=None, pad_edge=False, padding=(0, _SPACE, 0, 0), header_style="bold", show_header=header
    )
    for one, width in room.items():
        justify: JustifyMethod = "right" if one.kind == "number" else "left"
        drawn.add_column(plain(one.title), justify=justify, no_wrap=not one.folds, width=width)
    return drawn


def _blocks(shown: Sequence[_Shown], widths: Mapping[_Shown, int], width: int) -> list[list[_Shown]]:
    """The columns that are printed beside each other; names come again in each block."""
    names = list(itertools.takewhile(lambda one: one.kind == "text", shown)) or list(shown[:1])
    by_rank = sorted((one for one in shown if one not in names), key=lambda one: one.rank)
    room = width - sum(widths[one] for one in names)
    while by_rank and by_rank[-1].rank > 0 and sum(widths[one] for one in by_rank) > room:
        by_rank.pop()
    blocks: list[list[_Shown]] = [[]]
    for one in (one for one in shown if one in by_rank):
        if blocks[-1] and sum(widths[other] for other in (*blocks[-1], one)) > room:
            blocks.append([])
        blocks[-1].append(one)
    return [[*names, *block] for block in blocks]


def _columns(place: int, column: Column, titles: Sequence[str]) -> list[_Shown]:
    shown = [_Shown(place, titles[place], column.kind, column.rank if place else -1)]
    if column.detail_title:
        shown.append(_Shown(place, column.detail_title, "number", column.detail_rank, of_details=True))
    return shown


def _style(cell: Cell) -> str:
    return {"warning": "yellow", "best": "bold", "": ""}[cell.mark]
