"""What `listen` and `follow` give, as HTML; text from outside is escaped."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ambivox.app.follow import Followed
from ambivox.app.listen import Listened, Piece
from ambivox.present.escape import escaped
from ambivox.present.figures.charts import LEVELS
from ambivox.present.text.track import csv_header, csv_row
from ambivox.run import WindowReading

# Okabe and Ito's colours, which people with any colour vision can tell apart, and two greys.
COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#999999",
    "#555555",
)
_NAMED = 3
"""Labels that are named of a window."""


def show_listened(listened: Listened) -> str:
    """The answers to questions about a clip, side by side."""
    colours = {name: style.colour for name, style in LEVELS.items()}
    return _render("listened.html.j2", listened=listened, levels=colours)


def show_error(error: object) -> str:
    """One line that says what is wrong."""
    return _render("error.html.j2", text=_one_line(error))


def show_progress(followed: Followed) -> str:
    """How far a recording was read."""
    return _render("progress.html.j2", followed=followed)


def show_followed(followed: Followed, source: str) -> str:
    """A recording as bands over time, with a player.

    Args:
        followed: what was read.
        source: the address of the sound.
    """
    windows = _placed(followed)
    colours = {label: COLOURS[n % len(COLOURS)] for n, label in enumerate(followed.labels)}
    return _render(
        "followed.html.j2",
        followed=followed,
        source=source,
        colours=colours,
        paths=_paths(followed, windows),
        windows=json.dumps([(one.from_s, one.to_s, _told(one.window)) for one in windows]),
        csv=_csv(followed),
    )


def show_notice() -> str:
    """What the page is for, and what the law says."""
    return _render("notice.html.j2")


def show_report(name: str) -> str:
    """The report of a run, in a frame."""
    return _render("report.html.j2", name=name)


def template(name: str) -> str:
    """A file of the templates as it stands."""
    return _environment().loader.get_source(_environment(), name)[0]  # type: ignore[union-attr]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ambivox.app", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"percent": _percent, "told": _told_of_piece, "plain": _one_line}
    return environment


def _render(name: str, /, **context: Any) -> str:
    return _environment().get_template(name).render(context)


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _one_line(text: object) -> str:
    return escaped(" ".join(str(text).split()))


def _told_of_piece(piece: Piece) -> str:
    lines = []
    for step in piece.steps:
        labels = ", ".join(f"{label} {_percent(share)}" for label, share in step.labels)
        lines.append(f"token {step.number}: {_percent(step.mass)} on labels{labels and f' ({labels})'}")
    return "\n".join(lines)


@dataclass(frozen=True)
class _Placed:
    """A window, and the part of the recording that it stands for: as much about its middle as windows hop."""

    window: WindowReading
    from_s: float
    to_s: float


def _placed(followed: Followed) -> list[_Placed]:
    windows, found = followed.windows, list[_Placed]()
    middles = [(one.start_s + one.end_s) / 2 for one in windows]
    for n, window in enumerate(windows):
        start_s = (middles[n - 1] + middles[n]) / 2 if n else 0.0
        end_s = (middles[n] + middles[n + 1]) / 2 if n + 1 < len(windows) else window.end_s
        found.append(_Placed(window, start_s, end_s))
    return found


def _paths(followed: Followed, windows: list[_Placed]) -> dict[str, str]:
    """For each label the SVG path of its band: 1000 wide, 100 high, the first label at the bottom."""
    parts: dict[str, list[str]] = {label: [] for label in followed.labels}
    for one in windows:
        if one.window.distribution is None:
            continue
        left, right = (1000 * at_s / followed.length_s for at_s in (one.from_s, one.to_s))
        top = 100.0
        for label, share in zip(followed.labels, one.window.distribution.tolist(), strict=True):
            top -= 100 * share
            parts[label].append(f"M{left:.2f} {top:.2f}H{right:.2f}v{100 * share:.2f}H{left:.2f}z")
    return {label: "".join(drawn) for label, drawn in parts.items()}


def _told(window: WindowReading) -> str:
    where = f"{window.start_s:.1f} to {window.end_s:.1f} s"
    if window.distribution is None:
        return f"{where}: {window.status}"
    shares = zip(window.distribution.tolist(), window.labels, strict=True)
    first = sorted(shares, key=lambda pair: -pair[0])[:_NAMED]
    return f"{where}: " + ", ".join(f"{label} {_percent(share)}" for share, label in first)


def _csv(followed: Followed) -> str:
    """The windows as `ambivox track --csv` prints them, as an address."""
    windows = followed.windows
    lines = [csv_header(windows[0]), *map(csv_row, windows)] if windows else []
    return "data:text/csv;base64," + base64.b64encode("\n".join([*lines, ""]).encode()).decode("ascii")
