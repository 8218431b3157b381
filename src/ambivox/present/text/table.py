"""A table in a terminal: as many columns as fit, and footnotes for what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table as RichTable

from ambivox.present.escape import escaped
from ambivox.present.numbers import raised
from ambivox.present.tables import Cell, Column, Table
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

    def mark(self, notes: Sequence[str]) -> str:
        """The marks of some footnotes."""
        for note in notes:
            if note not in self.told:
                self.told.append(note)
        return "˒".join(raised(self.told.index(note) + 1) for note in notes)

    def show(self, console: Console) -> None:
        """Print all that were marked."""
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
        return self.kind == "text" and self.place > 0

    def text(self, cell: Cell, notes: Footnotes) -> str:
        if self.of_details:
            return escaped(cell.detail) + notes.mark(cell.detail_notes)
        return escaped(cell.text) + notes.mark(cell.notes)


def print_table(console: Console, table: Table, notes: Footnotes, *, caption: bool = False) -> None:
    """Print a table; columns of the highest rank go where there is no room."""
    titles = [table.caption, *(column.title for column in table.columns[1:])]
    if not caption:
        titles[0] = table.columns[0].title
    titles = [escaped(title) for title in titles]
    shown = [one for place, column in enumerate(table.columns) for one in _columns(place, column, titles)]
    headings = any(group.heading for group in table.groups)
    indents = {id(line): "  " * (line.depth + headings) for line in table.lines}
    trial = Footnotes()  # only what is shown has its footnotes told

    def text(one: _Shown, line: object, cells: Sequence[Cell], told: Footnotes) -> str:
        indent = indents[id(line)] if one.place == 0 else ""
        return indent + one.text(cells[one.place], told)

    widths = {
        one: max([len(one.title), *(len(text(one, line, line.cells, trial)) for line in table.lines)])
        for one in shown
    }
    widths = {one: min(width, _FOLDED if one.folds else width) + _SPACE for one, width in widths.items()}
    by_rank = sorted(shown, key=lambda one: one.rank)
    while len(by_rank) > 1 and sum(widths[one] for one in by_rank) > console.width:
        by_rank.pop()
    kept = [one for one in shown if one in by_rank]
    drawn = RichTable(box=None, pad_edge=False, padding=(0, _SPACE, 0, 0), header_style="bold")
    for one in kept:
        justify = "right" if one.kind == "number" else "left"
        drawn.add_column(plain(one.title), justify=justify, no_wrap=not one.folds)  # type: ignore[arg-type]
    for group in table.groups:
        if group.heading:
            drawn.add_row(plain(group.heading, style="bold"))
        for line in group.lines:
            cells = [
                plain(text(one, line, line.cells, notes), style=_style(line.cells[one.place])) for one in kept
            ]
            drawn.add_row(*cells, style="dim" if line.depth else "")
    console.print(drawn)
    notes.mark(table.notes)
    console.print()


def _columns(place: int, column: Column, titles: Sequence[str]) -> list[_Shown]:
    shown = [_Shown(place, titles[place], column.kind, column.rank if place else -1)]
    if column.detail_title:
        shown.append(_Shown(place, column.detail_title, "number", column.detail_rank, of_details=True))
    return shown


def _style(cell: Cell) -> str:
    return "yellow" if cell.mark == "warning" else ""
