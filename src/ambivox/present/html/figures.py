"""The pictures, as plain data that plotly.js draws; every string in them is written to be shown literally."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ambivox.metrics import Metric
from ambivox.present.html.facts import Answer
from ambivox.present.names import row_name, several_models
from ambivox.present.numbers import number
from ambivox.readouts import STATUSES
from ambivox.scoring import ScoreRow, ScoreTable
from ambivox.statistics import Interval

# Okabe and Ito's colours, which people with any colour vision can tell apart.
VOTES, TEXT, TOKEN = "#4d4d4d", "#e69f00", "#0072b2"
_HATCHED = "repeating-linear-gradient(135deg, #777777 0 2px, #ffffff 2px 5px)"
LEVELS = {"text": TEXT, "token": TOKEN}
SYMBOLS = {"text": "diamond", "token": "circle"}
_STATUS_COLOURS = {
    "ok": "#0072b2",
    "renormalised": "#56b4e9",
    "partial": "#f0e442",
    "bounded": "#c2a5cf",
    "improbable": "#9970ab",
    "foreign": "#e69f00",
    "refused": "#cc79a7",
    "unparsed": "#d55e00",
    "collided": "#009e73",
    "undefined": "#b3b3b3",
    "silent": "#6e6e6e",
    "failed": "#262626",
}
_ON_DARK = ("ok", "failed", "unparsed", "collided", "silent")
ROW_HEIGHT = 40
POINTS_SHOWN = 2000
LABEL_LENGTH = 80

Swatch = tuple[str, str]
"""A name and its colour, for the legend beside a picture."""


@dataclass(frozen=True)
class Figure:
    """A picture: what it shows in words (`label`, for those who cannot see it), its legend and its data."""

    label: str
    height: int
    spec: dict[str, Any]
    legend: tuple[Swatch, ...] = ()
    title: str = ""
    text: str = ""


def literal(text: str) -> str:
    """Text that plotly shows as it is: it reads tags and entities in labels.

    >>> literal("<b>a.wav")
    '&lt;b&gt;a.wav'
    """
    flat = " ".join(text.split())
    return html.escape(flat if len(flat) <= LABEL_LENGTH else flat[: LABEL_LENGTH - 1] + "…", quote=False)


def score_figure(table: ScoreTable, corpus: str) -> Figure:
    """The headline score of every readout as a bar with its interval, between lines of controls: uniform, the
    vote prior and the noise ceiling.
    """
    metric = table.metric(table.headline)
    several = several_models(table.rows)
    rows = [row for row in table.rows if row.key.corpus == corpus and row.level != "control"]
    values = [row.value(metric.name) for row in rows]
    drawn = [value if value is not None and math.isfinite(value) else 0.0 for value in values]
    lines = _control_lines(table, corpus, metric)
    ends = [x for row in rows for x in _ends(row.intervals.get(metric.name))]
    end = max([*drawn, *ends, *(value for _, value in lines), 0.01]) * 1.05
    start = min([*drawn, *ends, *(value for _, value in lines), 0.0]) * 1.05
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": drawn,
        "y": list(range(len(rows))),
        "width": 0.42,
        "marker": {
            "color": [LEVELS[row.level] for row in rows],
            "pattern": {"shape": ["" if row.of_clips else "/" for row in rows]},
        },
        "error_x": _whiskers([row.intervals.get(metric.name) for row in rows], drawn),
        "hoverinfo": "skip",
    }
    layout = plain_layout(
        xaxis={"title": {"text": _axis_title(metric)}, "range": [start, end]},
        yaxis=_rows_axis(len(rows)),
        shapes=[_line(value, len(rows)) for _, value in lines],
        annotations=_line_names(lines, start, end),
        margin={"l": 12, "r": 24, "t": 60, "b": 44},
    )
    names = [
        f"{'no score' if value is None else number(value)} · {row_name(row.key, model=several)}"
        for row, value in zip(rows, values, strict=True)
    ]
    described = "; ".join([*(f"{number(value)} · {name}" for name, value in lines), *names])
    hatched = (("heard something else", _HATCHED),) if not all(row.of_clips for row in rows) else ()
    return Figure(
        f"{metric.name} of every readout on {corpus}: {described}",
        106 + ROW_HEIGHT * len(rows),
        {"data": [bars, _row_labels(names, start)], "layout": layout},
        (("text level", TEXT), ("token level", TOKEN), *hatched),
    )


def _ends(found: Interval | None) -> tuple[float, ...]:
    """Where an interval begins and ends; nothing where there is none."""
    return () if found is None or found.reason else (found.low, found.high)


def _whiskers(intervals: Sequence[Interval | None], values: Sequence[float]) -> dict[str, Any]:
    """The intervals around the ends of the bars."""
    ends = [_ends(found) or (value, value) for found, value in zip(intervals, values, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for (_, high), value in zip(ends, values, strict=True)],
        "arrayminus": [value - low for (low, _), value in zip(ends, values, strict=True)],
        "color": VOTES,
        "thickness": 1.5,
        "width": 4,
    }


def _control_lines(table: ScoreTable, corpus: str, metric: Metric) -> list[tuple[str, float]]:
    rows = [table.control(corpus, name) for name in ("uniform", "vote-prior", "noise-ceiling")]
    found = [(row_name(row.key), row.value(metric.name)) for row in rows if row is not None]
    return [(name, value) for name, value in found if value is not None and math.isfinite(value)]


def _line(x: float, rows: int) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": rows - 0.4,
        "y1": -0.6,
        "line": {"color": VOTES, "width": 1.5, "dash": "dash"},
    }


def _line_names(lines: Sequence[tuple[str, float]], start: float, end: float) -> list[dict[str, Any]]:
    return [
        {
            "x": value,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "yshift": 2 + 16 * place,  # one above the other, since the two are often close
            "xanchor": "right" if value - start > 0.6 * (end - start) else "left",
            "text": f"{name} {number(value)}",
            "showarrow": False,
            "font": {"size": 12, "color": VOTES},
        }
        for place, (name, value) in enumerate(lines)
    ]


def status_figure(table: ScoreTable, corpus: str) -> Figure | None:
    """What became of the answers, per prompt and text readout; None without a text readout."""
    several = several_models(table.rows)
    rows = [row for row in table.rows if row.key.corpus == corpus and row.level == "text"]
    if not rows:
        return None
    statuses = [status for status in STATUSES if any(row.statuses.get(status) for row in rows)]
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": status,
            "x": [row.statuses.get(status, 0) / row.utterances for row in rows],
            "y": list(range(len(rows))),
            "width": 0.42,
            "marker": {
                "color": _STATUS_COLOURS[status],
                "line": {"color": "#ffffff", "width": 1},
            },
            "text": [str(row.statuses.get(status) or "") for row in rows],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "insidetextfont": {"color": "#fefefe" if status in _ON_DARK else "#101010"},
            "hoverinfo": "skip",
        }
        for status in statuses
    ]
    names = [row_name(row.key, model=several) for row in rows]
    layout = plain_layout(
        barmode="stack",
        xaxis={"title": {"text": "share of readings"}, "range": [0, 1], "tickformat": ".0%"},
        yaxis=_rows_axis(len(rows)),
        margin={"l": 12, "r": 24, "t": 8, "b": 44},
    )
    described = "; ".join(
        f"{name}: {', '.join(f'{s} {row.statuses[s]}' for s in statuses if row.statuses.get(s))}"
        for name, row in zip(names, rows, strict=True)
    )
    return Figure(
        f"Statuses of the text-level readings on {corpus}: {described}",
        62 + ROW_HEIGHT * len(rows),
        {"data": [*bars, _row_labels(names, 0)], "layout": layout},
        tuple((status, _STATUS_COLOURS[status]) for status in statuses),
    )


Shown = Sequence[tuple[ScoreRow, Sequence[Answer]]]
"""The rows whose readings are drawn clip by clip, at most one of a level, with those readings."""


def plain_layout(**given: Any) -> dict[str, Any]:
    """The layout that all pictures share; both axes must be given."""
    layout: dict[str, Any] = {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1a1a1a"},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "showlegend": False,
        "dragmode": False,
        "autosize": True,
        **given,
    }
    for name in ("xaxis", "yaxis"):
        layout[name] = {"gridcolor": "#e6e6e6", "fixedrange": True, **layout[name]}
    return layout


def _rows_axis(rows: int) -> dict[str, Any]:
    """An axis of numbered rows, the first on top; their names are drawn above the bars, to fit a phone."""
    return {"range": [rows - 0.4, -0.6], "showticklabels": False, "showgrid": False, "zeroline": False}


def _row_labels(names: Iterable[str], x: float) -> dict[str, Any]:
    shown = [f"\u00a0{literal(name)}" for name in names]  # the space keeps it off the axis
    return {
        "type": "scatter",
        "mode": "text",
        "x": [x] * len(shown),
        "y": [place - 0.36 for place in range(len(shown))],
        "text": shown,
        "textposition": "middle right",
        "textfont": {"size": 12},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _axis_title(metric: Metric) -> str:
    unit = "" if metric.unit == "1" else f" ({metric.unit})"
    return f"{metric.name}{unit}, {'lower' if metric.lower_is_better else 'higher'} is better"


def evenly(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of the items, evenly spaced, the first and the last among them.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(items) <= count:
        return list(items)
    return [items[round(place * (len(items) - 1) / (count - 1))] for place in range(count)]
