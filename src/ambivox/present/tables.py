"""A table as data: cells are text already, and the faces (terminal, page) only lay them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ambivox.present.numbers import MISSING
from ambivox.reasons import Reason


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Args:
        text: the number or word.
        detail: what stands beside or below it in small, such as its interval.
        notes: its footnotes.
        detail_notes: those of the detail.
        mark: ``best`` of its column beyond chance, or a ``warning``.
    """

    text: str
    detail: str = ""
    notes: tuple[str, ...] = ()
    detail_notes: tuple[str, ...] = ()
    mark: Literal["", "best", "warning"] = ""


@dataclass(frozen=True)
class Column:
    """A heading and how its cells are laid out.

    Args:
        title: the heading.
        detail: what it means, in small.
        kind: ``number``, ``text``, or a ``line`` of text that is never broken.
        rank: columns of the highest ranks are left out first where a terminal is narrow.
        detail_title, detail_rank: the same for the details of its cells; without a title they are left out.
    """

    title: str
    detail: str = ""
    kind: Literal["number", "text", "line"] = "number"
    rank: int = 0
    detail_title: str = ""
    detail_rank: int = 0


@dataclass(frozen=True)
class Line:
    """One line; its first cell is its name.

    Args:
        depth: how far it is indented, below the line that it is compared with.
    """

    cells: tuple[Cell, ...]
    depth: int = 0


@dataclass(frozen=True)
class Group:
    """Lines under a heading of their own; without one where it is empty."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """Groups of lines under columns; the first column holds the names.

    Args:
        notes: footnotes that belong to no cell.
    """

    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in order."""
        return tuple(line for group in self.groups for line in group.lines)

    def footnotes(self) -> list[str]:
        """Every footnote once, in the order of the cells."""
        cells = (cell for line in self.lines for cell in line.cells)
        every = (note for cell in cells for note in (*cell.notes, *cell.detail_notes))
        return list(dict.fromkeys((*every, *self.notes)))


def missing(reason: Reason | None, about: str = "") -> Cell:
    """What stands in place of a number, with the reason as its footnote."""
    return Cell(MISSING, notes=(footnote(reason, about),) if reason else ())


def footnote(reason: Reason, about: str = "") -> str:
    """A reason as a footnote, with the fix if there is one.

    >>> footnote(Reason("too-few-clusters", "2 speakers: at least 12 are needed", "run more"), "jsd_bits")
    'jsd_bits: 2 speakers: at least 12 are needed (run more)'
    """
    told = f"{reason.text} ({reason.fix})" if reason.fix else reason.text
    return f"{about}: {told}" if about else told
