"""The score table as a picture for a paper: SVG or PDF, one or two columns wide."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from ambivox.choices import PictureWidth
from ambivox.errors import AmbivoxError, UsageError
from ambivox.metrics import Metric
from ambivox.present.names import row_name, several_models
from ambivox.present.numbers import number
from ambivox.scoring import RowKey, ScoreRow, ScoreTable
from ambivox.scoring.keys import control_text
from ambivox.write_aside import write_aside

ENDINGS = (".svg", ".pdf")

WIDTHS_INCH: dict[PictureWidth, float] = {"column": 3.35, "page": 7.0}
"""85 mm and 178 mm: one and two columns of most journals and proceedings."""

_ROW_INCH, _FRAME_INCH = 0.27, 0.74
_COLOURS = {"text": "#e69f00", "token": "#0072b2"}
"""Okabe and Ito's, as on the page."""
_LINES = {"vote-prior": "--", "noise-ceiling": ":"}
_STYLE: Any = {
    "font.size": 7,
    "font.family": "sans-serif",
    "svg.fonttype": "none",  # words stay words
    "pdf.fonttype": 42,
    "svg.hashsalt": "ambivox",  # the same table gives the same bytes
}


def write_picture(scores: ScoreTable, path: Path, width: PictureWidth = "column") -> Path:
    """Draw the headline score of every readout of the clips with its interval, beside prior and ceiling.

    Args:
        scores: of one run or several.
        path: ends in .svg or .pdf.
        width: of one ``column`` or of a whole ``page``, see `WIDTHS_INCH`.

    Raises:
        UsageError: another ending or width, nothing to draw, or matplotlib is missing.
        AmbivoxError: the file cannot be written.
    """
    if path.suffix not in ENDINGS:
        raise UsageError(
            f"{path}: the picture is written as {' or '.join(ENDINGS)}: end the name in one of them"
        )
    if width not in WIDTHS_INCH:
        raise UsageError(f"width: {width!r} is not one of {', '.join(get_args(PictureWidth))}")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("this needs the extra 'report': pip install 'ambivox[report]'") from None
    rows = {corpus: _rows(scores, corpus) for corpus in scores.corpora}
    rows = {corpus: own for corpus, own in rows.items() if own}
    if not rows:
        raise UsageError(f"{path}: no readout has a score in {scores.headline}: there is nothing to draw")
    heights = [_FRAME_INCH + _ROW_INCH * len(own) for own in rows.values()]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTHS_INCH[width], sum(heights)), layout="constrained")
        grid = figure.subplots(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (corpus, own) in zip(grid, rows.items(), strict=True):
            _draw(axes, scores, corpus, own)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_aside(path) as aside:
                metadata = {"Date": None} if path.suffix == ".svg" else {"CreationDate": None}
                figure.savefig(aside, format=path.suffix[1:], metadata=metadata)
        except OSError as error:
            reason = error.strerror or str(error)
            raise AmbivoxError(f"{path}: cannot be written ({reason}): choose another file") from None
    return path


def _rows(scores: ScoreTable, corpus: str) -> list[ScoreRow]:
    return [
        row
        for row in scores.rows
        if row.of_clips and row.key.corpus == corpus and row.value(scores.headline) is not None
    ]


def _draw(axes: Any, scores: ScoreTable, corpus: str, rows: list[ScoreRow]) -> None:
    """One corpus: a row for each readout, its name above the mark."""
    metric, named = scores.metric(scores.headline), several_models(scores.rows)
    for place, row in enumerate(rows):
        value, found = row.scores[metric.name].value, row.intervals.get(metric.name)
        colour = _COLOURS[row.level]
        if found is not None and not found.reason:
            axes.plot([found.low, found.high], [place, place], color=colour, linewidth=1.2)
        axes.plot(value, place, color=colour, marker="o" if row.level == "token" else "D", markersize=3.5)
        name = f"{number(value)} {row_name(row.key, model=named)}"
        axes.text(
            0.01,
            place - 0.28,
            name,
            fontsize=6,
            va="center",
            transform=axes.get_yaxis_transform(),
            parse_math=False,
        )
    for control in scores.rows:
        style = None if isinstance(control.key, RowKey) else _LINES.get(control.key.control)
        where = control.value(metric.name)
        if style and control.key.corpus == corpus and where is not None:
            axes.axvline(where, color="#4d4d4d", linewidth=0.8, linestyle=style, zorder=0)
            axes.annotate(
                _control_name(control),
                (where, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=6,
                color="#4d4d4d",
                parse_math=False,
            )
    axes.set_ylim(len(rows) - 0.4, -0.8)
    axes.set_yticks([])
    axes.set_xlabel(_label(metric, corpus), parse_math=False)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _control_name(row: ScoreRow) -> str:
    assert not isinstance(row.key, RowKey)
    return control_text(row.key) + (f" of {row.key.run}" if row.key.run else "")


def _label(metric: Metric, corpus: str) -> str:
    unit = "" if metric.unit == "1" else f" ({metric.unit})"
    better = "lower" if metric.lower_is_better else "higher"
    return f"{corpus}: {metric.name}{unit}, {better} is better\n◆ text level   ● token level"
