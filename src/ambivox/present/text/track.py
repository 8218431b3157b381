"""The windows of a recording, a line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from rich.console import Console

from ambivox.present.escape import escaped
from ambivox.present.text.plain import plain
from ambivox.run import WindowReading
from ambivox.table_file import without_formula


def show_window(console: Console, window: WindowReading) -> None:
    """Print where a window lies, its first label with its share, and its entropy; or why there is none."""
    where = f"{window.start_s:9.2f} {window.end_s:9.2f} s"
    p = window.distribution
    if p is None or window.entropy_bits is None:
        why = f" ({window.reading.note})" if window.status != "silent" else ""
        console.print(plain(f"{where}  {window.status}{why}", style="yellow"), soft_wrap=True)
        return
    width = max(map(len, window.labels))
    top = int(p.argmax())
    line = f"{where}  {window.labels[top]:<{width}} {p[top]:6.1%}  {window.entropy_bits:4.2f} bits"
    odd: list[str] = [] if window.status == "ok" else [window.status]
    odd += [caution.code for caution in window.cautions]
    console.print(plain(line), plain(", ".join(odd), style="yellow"), soft_wrap=True)


def csv_header(window: WindowReading) -> str:
    """The names of the columns, with one for each label, as in ``p.angry``."""
    shares = (f"p.{escaped(label)}" for label in window.labels)
    return _csv_line(("start_s", "end_s", "status", *shares, "mass", "entropy_bits", "note", "cautions"))


def csv_row(window: WindowReading) -> str:
    """A window in the columns of `csv_header`; a cell without a value is empty."""
    p = window.distribution
    shares = [None] * len(window.labels) if p is None else p.tolist()
    codes = " ".join(caution.code for caution in window.cautions)
    note = without_formula(escaped(window.reading.note))
    numbers = (*shares, window.mass, window.entropy_bits)
    return _csv_line((window.start_s, window.end_s, window.status, *numbers, note, codes))


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
