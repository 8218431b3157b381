"""What commands print with: consoles, tables and JSON, and one line for an error or a warning."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

# A pipe or a file has no width of its own: rich would take 80 columns and fold the tables.
_width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
console = Console(width=_width)
errors = Console(stderr=True)


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
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)


def print_json(value: object) -> None:
    """Print one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def warn(text: str) -> None:
    """Print a caution as one line beside the output."""
    typer.echo(f"warning: {' '.join(text.split())}", err=True)


def say_error(error: object) -> None:
    """Print an error as one line."""
    _say("error", error)


def say_warning(warning: object) -> None:
    """Print a warning as one line."""
    _say("warning", warning)


def _say(kind: str, text: object) -> None:
    typer.echo(f"{kind}: {' '.join(str(text).split())}", err=True)
