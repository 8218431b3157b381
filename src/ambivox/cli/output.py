"""What commands print with: consoles, tables and JSON, and one line for an error or a warning."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

from ambivox.present.escape import escaped

# A pipe or a file has no width of its own: rich would take 80 columns and fold the tables.
_width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
console = Console(width=_width, markup=False, emoji=False, highlight=False)
errors = Console(stderr=True, markup=False, emoji=False, highlight=False)


def show_list(columns: tuple[str, ...], rows: list[tuple[Any, ...]], as_json: bool) -> None:
    """Print a listing as a table or as JSON."""
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


def print_table(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Print rows below bold headers."""
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, header_style="bold")
    for row in rows:
        table.add_row(*(Text(escaped(str(cell))) for cell in row))
    console.print(table)


def print_json(value: object) -> None:
    """Print one line of JSON, in ASCII where the output takes no other characters."""
    text = json.dumps(value, ensure_ascii=not _takes_unicode(sys.stdout))
    typer.echo("".join(c if escaped(c) == c else json.dumps(c)[1:-1] for c in text))


def _takes_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def say(text: str) -> None:
    """Print what was done as one line beside the output."""
    with suppress(OSError):  # where nobody can be told, the exit code still says it
        typer.echo(_line(text), err=True)


def warn(warning: object) -> None:
    """Print a warning as one line beside the output."""
    say(f"warning: {warning}")


def say_error(error: object) -> None:
    """Print an error as one line."""
    say(f"error: {error}")


def _line(text: str) -> str:
    """One line, without what could steer the terminal."""
    return escaped(" ".join(text.split()))


def write_anything(*streams: TextIO) -> None:
    """Let streams write characters that their encoding has not: as a look-alike, or escaped."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


_ESCAPED = "ambivox-escaped"
_LOOK_ALIKE = dict(zip("█·˒…⁰¹²³⁴⁵⁶⁷⁸⁹", ["#", "-", ",", "...", *"0123456789"], strict=True))
"""Of the characters that the program itself writes."""


def _encode(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_LOOK_ALIKE.get(c) or c.encode("unicode_escape").decode() for c in found), error.end


codecs.register_error(_ESCAPED, _encode)


def discard(stream: TextIO) -> None:
    """Drop what a stream could not write, which Python would try to write again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
