"""A table for a paper: LaTeX with the rules of booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ambivox.present.tables import Cell, Column, Line, Table

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "…": r"\dots{}",
    "·": r"$\cdot$",
    "Δ": r"$\Delta$",
    "∞": r"$\infty$",
    **{c: "\\" + c for c in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    """Text that LaTeX shows as it is.

    >>> print(escape_latex("jsd_bits · 95%"))
    jsd\\_bits $\\cdot$ 95\\%
    """
    printable = "".join(c if c.isprintable() else " " for c in text)
    return "".join(_ESCAPED.get(c, c) for c in printable)


def latex_table(table: Table) -> str:
    """A table as ``tabular`` with its notes below; it needs the package booktabs.

    Columns without a word in them are left out, and long ones that nobody asked for. An interval stands
    beside its number. Bold is what the table marks as best, which is so beyond chance only.
    """
    places = [
        n
        for n, column in enumerate(table.columns)
        if n == 0 or (any(_says(line.cells[n]) for line in table.lines) and not _is_long(column))
    ]
    columns = [table.columns[n] for n in places]
    kinds = "".join("r" if column.kind == "number" else "l" for column in columns)
    titles = " & ".join(escape_latex(column.title) for column in columns)
    lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", rf"{titles} \\"]
    notes: list[str] = []
    for group in table.groups:
        lines.append(r"\midrule")
        if group.heading:
            lines.append(
                rf"\multicolumn{{{len(columns)}}}{{l}}{{\textit{{{escape_latex(group.heading)}}}}} \\"
            )
        for line in group.lines:
            cells = _cells(line, places, columns, notes)
            lines.append(rf"{' & '.join(cells)} \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize $^{{{n}}}$ {escape_latex(note)}" for n, note in enumerate(notes, start=1)]
    lines += [rf"\par\footnotesize {escape_latex(note)}" for note in table.notes]
    return f"% {escape_latex(table.caption)}\n" + "\n".join(lines) + "\n"


def _is_long(column: Column) -> bool:
    """Whether it is a line of text that nobody asked for by name."""
    return column.kind == "line" and column.rank > 0


def _says(cell: Cell) -> bool:
    return bool(cell.text or cell.notes)


def _cells(line: Line, places: list[int], columns: list[Column], notes: list[str]) -> Iterator[str]:
    for n, column in zip(places, columns, strict=True):
        cell = line.cells[n]
        text = _text(cell, column)
        if n == 0 and line.depth:
            text = rf"\quad {text}"
        yield text + _marks(cell, notes)


def _text(cell: Cell, column: Column) -> str:
    text, detail = escape_latex(cell.text), escape_latex(cell.detail)
    if column.kind == "number":
        text, detail = (re.sub(r"-(?=[\d$])", "$-$", one) for one in (text, detail))
    if cell.mark == "best":
        text = rf"\textbf{{{text}}}"
    shown = column.detail_title and detail
    return rf"{text} {{\scriptsize {detail}}}" if shown else text


def _marks(cell: Cell, notes: list[str]) -> str:
    for note in cell.notes:
        if note not in notes:
            notes.append(note)
    marks = ",".join(str(notes.index(note) + 1) for note in cell.notes)
    return f"$^{{{marks}}}$" if marks else ""
