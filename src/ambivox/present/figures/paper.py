"""Figures for papers, by matplotlib: SVG and PDF in the widths of one and two columns, fonts inside."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from ambivox.choices import PictureWidth
from ambivox.errors import AmbivoxError, UsageError
from ambivox.present.escape import escaped
from ambivox.present.figures.charts import Curve, Curves, Figure, Mark, Row, Rows, Style, shortened, ticks
from ambivox.present.figures.of_scores import score_figure
from ambivox.present.figures.standard import standard_figures
from ambivox.present.latex import escape_latex
from ambivox.scoring import RunReadings, ScoreTable, score_runs
from ambivox.write_aside import write_aside, write_text

ENDINGS = (".svg", ".pdf")
WIDTHS_MM: dict[PictureWidth, float] = {"column": 85, "page": 178}
"""One and two columns of most journals and proceedings."""

_POINTS_PER_MM = 72 / 25.4
_STYLE: Any = {
    "font.size": 7,
    "font.family": "sans-serif",
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.fonttype": "path",  # looks alike everywhere
    "pdf.fonttype": 42,  # TrueType inside the file; publishers refuse type 3
    "svg.hashsalt": "ambivox",  # the same numbers give the same bytes
}
_SMALL, _LINE_PT, _STRIP_PT, _GAP_PT, _EDGE_PT = 6, 7.6, 9.0, 3.5, 6.0
_INK, _SOFT = "#1a1a1a", "#4d4d4d"
_MARKERS = {"circle": "o", "diamond": "D", "square": "s", "triangle": "^", "cross": "X"}
_DASHES = {"solid": "-", "dashed": "--", "dotted": ":", "dashdot": "-."}


def write_figures(readings: Sequence[RunReadings], folder: Path) -> list[Path]:
    """Write the standard figures of runs, each as SVG and PDF in both widths, and LaTeX that includes them.

    Args:
        readings: of the runs.
        folder: is made; files of the same names are replaced.

    Returns:
        The files, ``figures.tex`` last.

    Raises:
        UsageError: runs that do not belong together, or matplotlib is missing.
        AmbivoxError: a file cannot be written.
    """
    _need_matplotlib()
    figures = standard_figures(score_runs(readings), readings)
    if not figures:
        raise UsageError(f"{folder}: nothing was scored: there is nothing to draw")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AmbivoxError(f"{folder}: cannot be made ({error.strerror}): choose another folder") from None
    files = [
        write_figure(figure, folder / f"{figure.name}-{width}{ending}", width)
        for figure in figures
        for width in WIDTHS_MM
        for ending in ENDINGS
    ]
    write_text(folder / "figures.tex", latex(figures))
    return [*files, folder / "figures.tex"]


def write_picture(scores: ScoreTable, path: Path, width: PictureWidth = "column") -> Path:
    """Draw the headline score of every readout of the clips with its interval, beside prior and ceiling.

    Args:
        scores: of one run or several.
        path: ends in .svg or .pdf.
        width: of one ``column`` or of a whole ``page``, see `WIDTHS_MM`.

    Raises:
        UsageError: another ending or width, nothing to draw, or matplotlib is missing.
        AmbivoxError: the file cannot be written.
    """
    figure = score_figure(scores, of_clips=True)
    if figure is None:
        raise UsageError(f"{path}: no readout has a score in {scores.headline}: there is nothing to draw")
    return write_figure(figure, path, width)


def write_figure(figure: Figure, path: Path, width: PictureWidth = "column") -> Path:
    """Draw a figure into a file, whole or not at all; arguments and errors as in `write_picture`."""
    if path.suffix not in ENDINGS:
        raise UsageError(
            f"{path}: the picture is written as {' or '.join(ENDINGS)}: end the name in one of them"
        )
    if width not in WIDTHS_MM:
        raise UsageError(f"width: {width!r} is not one of {', '.join(get_args(PictureWidth))}")
    _need_matplotlib()
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        drawn = draw(figure, WIDTHS_MM[width])
        dated = "Date" if path.suffix == ".svg" else "CreationDate"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_aside(path) as aside:
                drawn.savefig(aside, format=path.suffix[1:], metadata={dated: None, "Title": figure.title})
        except OSError as error:
            reason = error.strerror or str(error)
            raise AmbivoxError(f"{path}: cannot be written ({reason}): choose another file") from None
    return path


def latex(figures: Sequence[Figure]) -> str:
    """LaTeX that includes figures, in one column; what includes them in two stands there as a comment.

    >>> print(latex([Figure("scores", "50% of it", "What _is_ shown.", ())]))
    % One column: 85 mm; both columns: 178 mm. \\usepackage{graphicx}
    <BLANKLINE>
    \\begin{figure}
      \\centering
      \\includegraphics{scores-column.pdf}
      % both columns, in figure*: \\includegraphics{scores-page.pdf}
      \\caption{50\\% of it. What \\_is\\_ shown.}
      \\label{fig:scores}
    \\end{figure}
    <BLANKLINE>
    """
    widths = f"One column: {WIDTHS_MM['column']:g} mm; both columns: {WIDTHS_MM['page']:g} mm."
    parts = [rf"% {widths} \usepackage{{graphicx}}"]
    parts += [
        "\n".join(
            (
                r"\begin{figure}",
                r"  \centering",
                rf"  \includegraphics{{{figure.name}-column.pdf}}",
                rf"  % both columns, in figure*: \includegraphics{{{figure.name}-page.pdf}}",
                rf"  \caption{{{escape_latex(f'{figure.title}. {figure.caption}')}}}",
                rf"  \label{{fig:{figure.name}}}",
                r"\end{figure}",
            )
        )
        for figure in figures
    ]
    return "\n\n".join(parts) + "\n"


def draw(figure: Figure, width_mm: float) -> Any:
    """A figure of matplotlib, so wide and as high as its panels need.

    Every length is in points, from the top: names of rows are wrapped, so rows differ in height.
    """
    from matplotlib.figure import Figure as Canvas

    width_pt = width_mm * _POINTS_PER_MM
    legend_columns = max(1, int(width_mm // 40))
    legend_pt = _EDGE_PT + 9 * math.ceil(len(figure.legend) / legend_columns)
    places, height_pt = _places(figure, width_pt, legend_pt)
    canvas = Canvas(figsize=(width_pt / 72, height_pt / 72))
    joined = any(isinstance(panel, Curves) for panel in figure.panels)
    legend = canvas.legend(
        handles=[_handle(style, joined=joined) for style in figure.legend],
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=legend_columns,
        frameon=False,
        fontsize=_SMALL,
        handlelength=2.4,
        borderaxespad=0.2,
        labelspacing=0.3,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    for panel, (left, top, wide, high) in zip(figure.panels, places, strict=True):
        axes = canvas.add_axes(
            (left / width_pt, 1 - (top + high) / height_pt, wide / width_pt, high / height_pt)
        )
        axes.spines[["top", "right"]].set_visible(False)
        if isinstance(panel, Rows):
            _draw_rows(axes, panel, wide)
        elif isinstance(panel, Curves):
            _draw_curves(axes, panel, wide)
    return canvas


Place = tuple[float, float, float, float]
"""Left, top, width and height of a plot in points, from the upper left corner."""


def _places(figure: Figure, width_pt: float, top_pt: float) -> tuple[list[Place], float]:
    """Where the plots stand, and how high the whole is; curves stand side by side where there is room."""
    curves = [panel for panel in figure.panels if isinstance(panel, Curves)]
    beside = max(1, min(len(curves), int(width_pt // 160)))
    wide = min(width_pt / beside, 252)
    places: list[Place] = []
    column = 0
    for panel in figure.panels:
        if isinstance(panel, Curves):
            high = 0.72 * (wide - 42)
            places.append((column * wide + 36, top_pt + 12, wide - 42, high))
            column += 1
            if column < beside and panel is not curves[-1]:
                continue
            top_pt, column = top_pt + high + 42, 0
            continue
        assert isinstance(panel, Rows), "bars of shares are for pages"
        room, inner = 12 + 8 * len(panel.lines), width_pt - 2 * _EDGE_PT
        high = sum(_height(row, inner) for row in panel.rows)
        places.append((_EDGE_PT, top_pt + room, inner, high))
        top_pt += room + high + 30
    return places, top_pt


def _wrapped(text: str, wide_pt: float) -> list[str]:
    """Lines of small type; a letter is some 0.55 of its size wide."""
    return textwrap.wrap(escaped(text), max(20, int(wide_pt / (0.55 * _SMALL))))


def _height(row: Row, wide_pt: float) -> float:
    lines = len(_wrapped(row.name, wide_pt)) + len(_wrapped(row.detail, wide_pt))
    return _LINE_PT * lines + _STRIP_PT + _GAP_PT


def _handle(style: Style, *, joined: bool) -> Any:
    from matplotlib.lines import Line2D

    looks = _mark(style) | {"linestyle": _DASHES[style.dash] if joined else ""}
    return Line2D([], [], label=style.name, **looks)


def _mark(style: Style, size: float = 3.6) -> dict[str, Any]:
    return {
        "color": style.colour,
        "marker": _MARKERS[style.marker],
        "markersize": size,
        "markerfacecolor": "white" if style.hollow else style.colour,
        "markeredgewidth": 0.8,
        "linewidth": 1.1,
    }


def _draw_rows(axes: Any, panel: Rows, wide_pt: float) -> None:
    low, high = panel.x_range
    top = 0.0
    for row in panel.rows:
        _name_row(axes, row, top, wide_pt)
        top += _height(row, wide_pt)
        for mark in row.marks:
            _draw_mark(axes, mark, top - _GAP_PT - _STRIP_PT / 2)
    for place, line in enumerate(panel.lines):
        look = {"color": _SOFT, "linewidth": 0.7, "linestyle": _DASHES[line.dash], "zorder": 0}
        axes.axvline(line.value, ymax=1 + (8 * place + 7) / top, clip_on=False, **look)
        right = line.value > low + 0.6 * (high - low)
        axes.annotate(
            f"{line.name} ",
            (line.value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-1 if right else 1, 2 + 8 * place),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=_SMALL,
            color=_SOFT,
            parse_math=False,
        )
    axes.set(xlim=(low, high), ylim=(top, 0), yticks=[])
    _ticks(axes.set_xticks, low, high)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(panel.x_label, parse_math=False, labelpad=2)
    _title(axes, panel.title, 4 + 8 * len(panel.lines), wide_pt)


def _name_row(axes: Any, row: Row, top: float, wide_pt: float) -> None:
    lines = [(line, _INK) for line in _wrapped(row.name, wide_pt)]
    lines += [(line, _SOFT) for line in _wrapped(row.detail, wide_pt)]
    for n, (line, colour) in enumerate(lines):
        axes.text(
            0,
            top + (n + 0.5) * _LINE_PT,
            line,
            color=colour,
            fontsize=_SMALL,
            va="center",
            transform=axes.get_yaxis_transform(),
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )


def _draw_mark(axes: Any, mark: Mark, y: float) -> None:
    if mark.ends is not None:
        axes.plot(mark.ends, [y, y], color=mark.style.colour, linewidth=1.1)
    axes.plot(mark.value, y, linestyle="", **_mark(mark.style))


def _draw_curves(axes: Any, panel: Curves, wide_pt: float) -> None:
    axes.set(xlim=panel.x_range, ylim=panel.y_range)
    if panel.diagonal:
        axes.axline((0, 0), slope=1, color=_SOFT, linewidth=0.7, linestyle="--", zorder=0)
    for line in panel.lines:
        axes.axhline(line.value, color=_SOFT, linewidth=0.7, linestyle=_DASHES[line.dash], zorder=0)
        axes.annotate(
            line.name,
            (1, line.value),
            xycoords=("axes fraction", "data"),
            xytext=(0, 1.5),
            textcoords="offset points",
            ha="right",
            fontsize=_SMALL,
            color=_SOFT,
            parse_math=False,
        )
    for curve in panel.curves:
        _draw_curve(axes, curve)
    _ticks(axes.set_yticks, *panel.y_range)
    if panel.x_ticks:
        axes.set_xticks([x for x, _ in panel.x_ticks], [name for _, name in panel.x_ticks])
    else:
        _ticks(axes.set_xticks, *panel.x_range)
    axes.set_xlabel(panel.x_label, parse_math=False, labelpad=2)
    axes.set_ylabel(panel.y_label, parse_math=False, labelpad=2)
    _title(axes, panel.title, 4, wide_pt)


def _draw_curve(axes: Any, curve: Curve) -> None:
    style = curve.style
    for x, pair in zip(curve.x, curve.ends or [None] * len(curve.x), strict=True):
        if pair is not None:
            axes.plot([x, x], pair, color=style.colour, linewidth=0.8)
    looks = _mark(style) | {"linestyle": _DASHES[style.dash] if curve.joined else ""}
    if not curve.weights:
        axes.plot(curve.x, curve.y, **looks)
        return
    axes.plot(curve.x, curve.y, **looks | {"marker": ""})
    for x, y, weight in zip(curve.x, curve.y, curve.weights, strict=True):
        axes.plot(x, y, linestyle="", **_mark(style, 2.5 + 6 * math.sqrt(weight)))


def _ticks(set_ticks: Callable[..., object], low: float, high: float) -> None:
    """The same round numbers as on the page."""
    found = ticks(low, high)
    set_ticks(found, [f"{tick:g}" for tick in found])


def _title(axes: Any, text: str, above_pt: float, wide_pt: float) -> None:
    axes.annotate(
        shortened(escaped(text), int(wide_pt / 4.6)),  # 7 pt in bold
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, above_pt),
        textcoords="offset points",
        fontweight="bold",
        parse_math=False,
    )


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("this needs the extra 'figures': pip install 'ambivox[figures]'") from None
