"""Figures as SVG inside a page: drawn once, the same on a screen, on paper and in a file.

Colours are attributes, for a light page; the classes ``ink``, ``soft``, ``grid`` and ``halo`` let the page's
style change them where the reader's screen is dark. Text is text.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from markupsafe import Markup

from ambivox.present.figures.charts import (
    TOKEN,
    Bars,
    Curve,
    Curves,
    Figure,
    Line,
    Mark,
    Panel,
    Rows,
    Shares,
    Style,
    shortened,
    ticks,
)
from ambivox.present.numbers import number

WIDE_PX, NARROW_PX = 720, 340
"""For a screen and paper, and for a phone."""

_LINE_PX, _STRIP_PX, _LETTER_PX, _EDGE_PX, _LEFT_PX = 16, 18, 6.6, 6, 44
_INK = {"class": "ink", "fill": "#1a1a1a"}
_SOFT = {"class": "soft", "fill": "#5c5c5c"}
_GRID = {"class": "grid", "stroke": "#e6e6e6", "stroke-width": "1"}
_RULE = {"class": "rule", "stroke": "#4d4d4d", "stroke-width": "1.2"}
_HALO = {"stroke": "#ffffff", "stroke-width": "4", "paint-order": "stroke"}
_HALF_CROSS = ((-1.0, 0.6), (-0.6, 1.0), (0.0, 0.4), (0.6, 1.0), (1.0, 0.6), (0.4, 0.0))
_CROSS = tuple((x * turn, y * turn) for turn in (1, -1) for x, y in _HALF_CROSS)
_DASHES = {"solid": "", "dashed": "6 4", "dotted": "2 3", "dashdot": "8 3 2 3"}


def draw(figure: Figure, width_px: int) -> Markup:
    """A figure as one ``<svg>`` element, so wide and as high as its panels need."""
    parts, top = _legend(figure.legend, width_px)
    for panels in _side_by_side(figure.panels, width_px):
        wide = width_px if len(panels) == 1 else width_px / len(panels) - 8
        heights = []
        for n, panel in enumerate(panels):
            drawn, high = _panel(panel, wide)
            parts.append(_tag("g", "".join(drawn), transform=f"translate({n * (wide + 16):.1f} {top})"))
            heights.append(high)
        top += max(heights) + 14
    return Markup(
        _tag(
            "svg",
            "".join(parts),
            viewBox=f"0 0 {width_px} {top}",
            width=str(width_px),
            height=str(top),
            role="img",
            font_family="system-ui, sans-serif",
            font_size="12",
            aria_label=figure.told(),
        )
    )


def _side_by_side(panels: Sequence[Panel], width_px: int) -> Iterator[Sequence[Panel]]:
    """Curves stand in pairs where there is room; everything else takes the whole width."""
    waiting: list[Panel] = []
    for panel in panels:
        if isinstance(panel, Curves) and width_px == WIDE_PX:
            waiting.append(panel)
            if len(waiting) == 2:
                yield waiting
                waiting = []
        else:
            yield [panel]
    if waiting:
        yield waiting


def _panel(panel: Panel, width_px: float) -> tuple[list[str], int]:
    """The elements of a panel and its height."""
    if isinstance(panel, Rows):
        return _rows(panel, width_px)
    if isinstance(panel, Curves):
        return _curves(panel, min(width_px, 440))
    if isinstance(panel, Bars):
        return _bars(panel, min(width_px, 440))
    return _shares(panel, width_px)


@dataclass(frozen=True)
class _Scale:
    """Where values stand on an axis: `low` at `start` pixels, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def _tag(name: str, inside: str = "", /, **attributes: object) -> str:
    """An element; attributes are quoted, and what is `inside` is markup already."""
    written = "".join(
        f" {key.replace('_', '-')}={quoteattr(_shown(str(value)))}" for key, value in attributes.items()
    )
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def _text(words: str, x: float, y: float, look: dict[str, str], anchor: str = "start", **more: object) -> str:
    return _tag("text", _words(words), x=x, y=y, text_anchor=anchor, **look, **more)


def _haloed(look: dict[str, str]) -> dict[str, str]:
    """A look that can be read on lines."""
    return look | _HALO | {"class": f"{look['class']} halo"}


def _shown(words: str) -> str:
    """What XML admits, in one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _words(words: str) -> str:
    """The same as the content of an element."""
    return escape(_shown(words))


def _legend(styles: Sequence[Style], width_px: int) -> tuple[list[str], int]:
    if len(styles) < 2:
        return [], 4
    parts, x, y = list[str](), 4.0, 14
    for style in styles:
        wide = 26 + _LETTER_PX * len(style.name)
        if x > 4 and x + wide > width_px:
            x, y = 4.0, y + 20
        parts += [_mark(style, x + 6, y - 4), _text(style.name, x + 17, y, _INK)]
        x += wide
    return parts, y + 14


def _mark(style: Style, x: float, y: float, size: float = 5, title: str = "") -> str:
    colours = {
        "fill": "#ffffff" if style.hollow else style.colour,
        "stroke": style.colour,
        "stroke-width": "1.6" if style.hollow else "0",
        "class": "halo-fill" if style.hollow else "data",
    }
    inside = _tag("title", _words(title)) if title else ""
    if style.marker == "circle":
        return _tag("circle", inside, cx=x, cy=y, r=round(size, 1), **colours)
    corners = {
        "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "triangle": ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        "cross": _CROSS,
    }[style.marker]
    points = " ".join(f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in corners)
    return _tag("polygon", inside, points=points, **colours)


def _straight(x1: float, y1: float, x2: float, y2: float, look: dict[str, str], dash: str = "solid") -> str:
    dashes = {"stroke_dasharray": _DASHES[dash]} if _DASHES[dash] else {}
    return _tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **look, **dashes)


def _title(words: str, width_px: float) -> list[str]:
    """In bold, whose letters are wider."""
    shown = shortened(_shown(words), int(width_px / (1.15 * _LETTER_PX)))
    return [_text(shown, 2, 14, _INK, font_weight="600")] if words else []


def _rows(panel: Rows, width_px: float) -> tuple[list[str], int]:
    """Names above marks, so that both have the whole width."""
    scale = _Scale(*panel.x_range, _EDGE_PX, width_px - _EDGE_PX)
    start = 26 + 15 * len(panel.lines)
    words, marks, y = list[str](), list[str](), float(start)
    for row in panel.rows:
        for told, look in ((row.name, _INK), (row.detail, _SOFT)):
            for line in _wrapped(told, width_px):
                words.append(_text(line, 2, y + 12, _haloed(look)))
                y += _LINE_PX
        marks += [element for mark in row.marks for element in _drawn_mark(mark, scale, y + 8)]
        y += (_STRIP_PX if row.marks else 0) + 5
    return [
        *_title(panel.title, width_px),
        *_axis(scale, start, y, panel.x_label, width_px),
        *(element for n, line in enumerate(panel.lines) for element in _upright(line, scale, 36 + 15 * n, y)),
        *words,
        *marks,
    ], int(y + 40)


def _wrapped(words: str, width_px: float) -> list[str]:
    return textwrap.wrap(_shown(words), int(width_px / _LETTER_PX)) if words else []


def _drawn_mark(mark: Mark, scale: _Scale, y: float) -> list[str]:
    told, whisker = f"{mark.style.name}: {number(mark.value)}", ""
    if mark.ends is not None:
        told += f" [{', '.join(map(number, mark.ends))}]"
        start, end = map(scale, mark.ends)
        whisker = _straight(start, y, end, y, {"stroke": mark.style.colour, "stroke-width": "2"})
    return [whisker, _mark(mark.style, scale(mark.value), y, title=told)]


def _axis(scale: _Scale, top: float, bottom: float, label: str, width_px: float) -> list[str]:
    """Ticks below, with lines that go up to the top."""
    parts = []
    for tick in ticks(scale.low, scale.high):
        x = scale(tick)
        anchor = "start" if x < 20 else "end" if x > width_px - 20 else "middle"
        parts += [_straight(x, top, x, bottom, _GRID), _text(f"{tick:g}", x, bottom + 15, _SOFT, anchor)]
    return [*parts, _text(label, (scale.start + scale.end) / 2, bottom + 32, _SOFT, "middle")]


def _upright(line: Line, scale: _Scale, name_y: float, bottom: float) -> list[str]:
    """A line across all rows with its name at its head, on the side where there is room."""
    x = scale(line.value)
    anchor = "end" if x > (scale.start + scale.end) / 2 else "start"
    shift = -5 if anchor == "end" else 5
    return [
        _straight(x, name_y - 10, x, bottom, _RULE, line.dash),
        _text(f"{line.name} {number(line.value)}", x + shift, name_y, _haloed(_SOFT), anchor),
    ]


def _frame(
    panel: Curves | Bars, x_scale: _Scale, y_scale: _Scale, x_ticks: Sequence[tuple[float, str]] = ()
) -> list[str]:
    """Title, grid, ticks and labels; that of the y axis stands above it, where nobody turns the head."""
    left, right, top, bottom = x_scale.start, x_scale.end, y_scale.end, y_scale.start
    parts = [*_title(panel.title, right), _text(panel.y_label, 2, top - 9, _SOFT)]
    for x, name in x_ticks or [(tick, f"{tick:g}") for tick in ticks(x_scale.low, x_scale.high)]:
        parts += [
            _straight(x_scale(x), top, x_scale(x), bottom, _GRID),
            _text(name, x_scale(x), bottom + 15, _SOFT, "end" if x_scale(x) > right - 12 else "middle"),
        ]
    for tick in ticks(y_scale.low, y_scale.high):
        parts += [
            _straight(left, y_scale(tick), right, y_scale(tick), _GRID),
            _text(f"{tick:g}", left - 5, y_scale(tick) + 4, _SOFT, "end"),
        ]
    return [*parts, _text(panel.x_label, (left + right) / 2, bottom + 32, _SOFT, "middle")]


def _curves(panel: Curves, width_px: float) -> tuple[list[str], int]:
    top, bottom = 40, 40 + round(0.78 * (width_px - _LEFT_PX))
    right = width_px - _EDGE_PX
    x_scale = _Scale(*panel.x_range, _LEFT_PX, right)
    y_scale = _Scale(*panel.y_range, bottom, top)
    parts = _frame(panel, x_scale, y_scale, panel.x_ticks)
    if panel.diagonal:
        low = max(panel.x_range[0], panel.y_range[0])
        high = min(panel.x_range[1], panel.y_range[1])
        parts.append(_straight(x_scale(low), y_scale(low), x_scale(high), y_scale(high), _RULE, "dashed"))
    for line in panel.lines:
        y = y_scale(line.value)
        parts.append(_straight(_LEFT_PX, y, right, y, _RULE, line.dash))
        parts.append(_text(line.name, right, y - 4, _haloed(_SOFT), "end"))
    for curve in panel.curves:
        parts += _curve(curve, x_scale, y_scale)
    return parts, bottom + 40


def _bars(panel: Bars, width_px: float) -> tuple[list[str], int]:
    top, bottom = 24, 200
    if panel.title:
        top, bottom = 40, 216
    x_scale = _Scale(panel.edges[0], panel.edges[-1], _LEFT_PX, width_px - _EDGE_PX)
    y_scale = _Scale(0, 1.06 * max(*panel.heights, 1e-9), bottom, top)
    parts = _frame(panel, x_scale, y_scale)
    for low, high, height in zip(panel.edges, panel.edges[1:], panel.heights, strict=False):
        x, y = x_scale(low), y_scale(height)
        told = _tag("title", _words(f"{low:.3g} to {high:.3g}: {height:g}"))
        size = {"width": round(x_scale(high) - x, 1), "height": round(bottom - y, 1)}
        bar = {"fill": TOKEN.colour, "stroke": "#ffffff", "stroke-width": "0.5", "class": "bar"}
        parts.append(_tag("rect", told, x=x, y=y, **size, **bar))
    return parts, bottom + 40


def _curve(curve: Curve, x_scale: _Scale, y_scale: _Scale) -> Iterator[str]:
    look = {"stroke": curve.style.colour, "stroke-width": "1.6", "fill": "none"}
    places = [(x_scale(x), y_scale(y)) for x, y in zip(curve.x, curve.y, strict=True)]
    if curve.joined:
        dashes = _DASHES[curve.style.dash]
        yield _tag(
            "polyline",
            points=" ".join(f"{x},{y}" for x, y in places),
            **look,
            **({"stroke_dasharray": dashes} if dashes else {}),
        )
    for (x, _), pair in zip(places, curve.ends or [None] * len(places), strict=True):
        if pair is not None:
            yield _straight(x, y_scale(pair[0]), x, y_scale(pair[1]), look)
    sizes: Iterable[float] = (3 + 8 * math.sqrt(weight) for weight in curve.weights)
    sizes = list(sizes) or [4.0 if curve.joined else 3.0] * len(places)
    names = curve.names or [curve.style.name] * len(places)
    for (x, y), size, name, value in zip(places, sizes, names, curve.y, strict=True):
        yield _mark(curve.style, x, y, size, f"{name}: {number(value)}")


def _shares(panel: Shares, width_px: float) -> tuple[list[str], int]:
    scale = _Scale(0, 1, _EDGE_PX, width_px - _EDGE_PX)
    parts, y = _title(panel.title, width_px), 24
    for name, shares in panel.rows:
        for line in _wrapped(name, width_px):
            parts.append(_text(line, 2, y + 12, _INK))
            y += _LINE_PX
        left = 0.0
        for style, share, count in shares:
            x, end = scale(left), scale(left + share)
            told = _tag("title", _words(f"{style.name}: {count}"))
            bar = {"fill": style.colour, "stroke": "#ffffff", "class": "bar"}
            parts.append(_tag("rect", told, x=x, y=y + 2, width=round(end - x, 1), height=18, **bar))
            if end - x > _LETTER_PX * len(count):
                ink = {"fill": "#ffffff" if _is_dark(style.colour) else "#1a1a1a"}
                parts.append(_text(count, round((x + end) / 2, 1), y + 15, ink, "middle"))
            left += share
        y += 26
    for tick in (0, 0.25, 0.5, 0.75, 1):
        anchor = "start" if tick == 0 else "end" if tick == 1 else "middle"
        parts.append(_text(f"{tick:.0%}", scale(tick), y + 14, _SOFT, anchor))
    return [*parts, _text(panel.x_label, width_px / 2, y + 31, _SOFT, "middle")], y + 40


def _is_dark(colour: str) -> bool:
    """Whether white reads better on it than black."""
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
