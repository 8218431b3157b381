"""What a figure shows, as plain data; the page draws it as SVG and `paper` with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ambivox.present.numbers import number

Marker = Literal["circle", "diamond", "square", "triangle", "cross"]
Dash = Literal["solid", "dashed", "dotted", "dashdot"]


@dataclass(frozen=True)
class Style:
    """A series: its name, and how it looks. Marker and dashes tell it apart where there is no colour."""

    name: str
    colour: str
    marker: Marker = "circle"
    dash: Dash = "solid"
    hollow: bool = False


# Okabe and Ito's colours, which people with any colour vision can tell apart.
TEXT = Style("text level", "#e69f00", "diamond", "dashed")
TOKEN = Style("token level", "#0072b2", "circle", "solid")
LEVELS = {"text": TEXT, "token": TOKEN}
GREY = "#767676"
"""Reads as well on black as on white."""
CYCLE: tuple[tuple[str, Marker, Dash], ...] = (
    ("#0072b2", "circle", "solid"),
    ("#d55e00", "square", "dashed"),
    ("#009e73", "triangle", "dotted"),
    ("#cc79a7", "diamond", "dashdot"),
    (GREY, "cross", "solid"),
)
"""For series that are no level; from the sixth on they repeat."""

RULER_SIZE = 5
"""Ticks on an axis, about."""


@dataclass(frozen=True)
class Line:
    """A value that others are compared with, as a line across the plot."""

    value: float
    name: str
    dash: Dash = "dashed"


@dataclass(frozen=True)
class Mark:
    """A value with its interval, if it has one."""

    value: float
    style: Style
    ends: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """A line of a forest plot: its name, what else to say of it in small, and its marks, if there are any."""

    name: str
    marks: tuple[Mark, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Rows:
    """A forest plot: marks on one axis, row by row, and lines across all rows."""

    title: str
    x_label: str
    rows: tuple[Row, ...]
    lines: tuple[Line, ...] = ()

    @property
    def styles(self) -> tuple[Style, ...]:
        """For the legend."""
        return tuple(mark.style for row in self.rows for mark in row.marks)

    @property
    def x_range(self) -> tuple[float, float]:
        """The ends of the axis."""
        marks = [mark for row in self.rows for mark in row.marks]
        ends = [end for mark in marks for end in mark.ends or ()]
        return padded([*ends, *(mark.value for mark in marks), *(line.value for line in self.lines)])

    def told(self) -> str:
        """Its numbers in words."""
        lines = [f"{line.name} {number(line.value)}" for line in self.lines]
        return "; ".join([*lines, *(" ".join(filter(None, _told_of_row(row))) for row in self.rows)])


@dataclass(frozen=True)
class Curve:
    """Points, joined or not.

    Args:
        x, y: shape ``(n,)`` each.
        ends: the interval of each y, None where there is none; empty where no point has one.
        weights: what share of all readings each point stands for; empty where all stand for the same.
        names: of the points; empty where they have none.
    """

    style: Style
    x: tuple[float, ...]
    y: tuple[float, ...]
    ends: tuple[tuple[float, float] | None, ...] = ()
    weights: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    joined: bool = True


@dataclass(frozen=True)
class Curves:
    """Curves over one axis.

    Args:
        x_ticks: where ticks stand, and what they are called; empty for numbers.
        lines: across the plot, at a y.
        diagonal: whether a line marks where x is y.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_ticks: tuple[tuple[float, str], ...] = ()
    lines: tuple[Line, ...] = ()
    diagonal: bool = False

    @property
    def styles(self) -> tuple[Style, ...]:
        """For the legend."""
        return tuple(curve.style for curve in self.curves)

    def told(self) -> str:
        """Its numbers in words; of points that are not joined only how many there are."""
        named = dict(self.x_ticks)
        lines = [f"{line.name} {number(line.value)}" for line in self.lines]
        for curve in self.curves:
            points = [
                f"{named.get(x, f'{x:.3g}')} {number(y)}" for x, y in zip(curve.x, curve.y, strict=True)
            ]
            shown = ", ".join(points) if curve.joined else f"{len(points)} readings"
            lines.append(f"{curve.style.name}: {shown}")
        return "; ".join(lines)


@dataclass(frozen=True)
class Shares:
    """Bars of shares that add up to 1, row by row."""

    title: str
    x_label: str
    rows: tuple[tuple[str, tuple[tuple[Style, float, str], ...]], ...]

    @property
    def styles(self) -> tuple[Style, ...]:
        """For the legend."""
        return tuple(style for _, parts in self.rows for style, _, _ in parts)

    def told(self) -> str:
        """Its numbers in words."""
        return "; ".join(
            f"{name}: {', '.join(f'{style.name} {text}' for style, _, text in parts)}"
            for name, parts in self.rows
        )


@dataclass(frozen=True)
class Bars:
    """Bars over one axis: a histogram, or counts of whole numbers.

    Args:
        edges: shape ``(n + 1,)``, between which the bars stand.
        heights: shape ``(n,)``.
        summary: what to tell those who cannot see it.
    """

    title: str
    x_label: str
    y_label: str
    edges: tuple[float, ...]
    heights: tuple[float, ...]
    summary: str
    styles: tuple[Style, ...] = ()

    def told(self) -> str:
        """Its summary."""
        return self.summary


Panel = Rows | Curves | Shares | Bars


@dataclass(frozen=True)
class Figure:
    """Panels under one title.

    Args:
        name: for its file.
        title: what it shows, in a few words.
        caption: how to read it.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]

    @property
    def legend(self) -> tuple[Style, ...]:
        """Every style once, in the order in which they come."""
        return tuple(dict.fromkeys(style for panel in self.panels for style in panel.styles))

    def told(self) -> str:
        """What it shows in words, with its numbers, for those who cannot see it."""
        parts = (": ".join(filter(None, (panel.title, panel.told()))) for panel in self.panels)
        return f"{self.title}. {'. '.join(parts)}"


def padded(values: Iterable[float]) -> tuple[float, float]:
    """A range that holds all finite values, with some room.

    >>> padded([0.0, 1.0, float("inf")])
    (-0.04, 1.04)
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = 0.04 * (high - low) or 0.01
    return low - room, high + room


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, about `RULER_SIZE` of them.

    >>> ticks(-0.04, 1.04)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    step = (high - low) / RULER_SIZE
    size = 10.0 ** math.floor(math.log10(step))
    step = min((size * round_step for round_step in (1, 2, 5, 10)), key=lambda one: abs(one - step))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 12) for n in range(first, last + 1)]


def shortened(words: str, length: int) -> str:
    """Words without their middle where they are too long: names begin alike, and paths end in what matters.

    >>> shortened("crema-d · /models/tiny.en", 15)
    'crema-d…tiny.en'
    """
    if len(words) <= length:
        return words
    end = (length - 1) // 2
    return f"{words[: length - 1 - end]}…{words[-end:]}"


def styled(names: Sequence[str]) -> list[Style]:
    """A style for each name."""
    return [Style(name, *CYCLE[place % len(CYCLE)]) for place, name in enumerate(names)]


def _told_of_row(row: Row) -> Iterable[str]:
    yield row.name
    yield row.detail
    for mark in row.marks:
        ends = f" [{', '.join(map(number, mark.ends))}]" if mark.ends else ""
        yield f"{number(mark.value)}{ends}"
