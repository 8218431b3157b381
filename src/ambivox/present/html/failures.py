"""The table of failed readings and why."""

from __future__ import annotations

from collections.abc import Sequence

from ambivox.present.html.facts import Failure
from ambivox.present.names import listed, row_name
from ambivox.present.tables import Cell, Column, Group, Line, Table

FAILURES_SHOWN = 60
CLIPS_NAMED = 3


def failures_table(failures: Sequence[Failure], *, models: bool) -> Table | None:
    """Failed readings with their reasons; None if none failed.

    Args:
        models: whether names need the model.
    """
    if not failures:
        return None
    shown = failures[:FAILURES_SHOWN]
    left = len(failures) - len(shown)
    return Table(
        "Failed readings and why",
        (
            Column("corpus and readout", kind="text"),
            Column("status", kind="text"),
            Column("reason", kind="text"),
            Column("readings"),
            Column("clips", kind="text"),
        ),
        (Group("", tuple(Line(_cells(failure, models)) for failure in shown)),),
        (f"{left} further reasons are not shown",) if left else (),
    )


def _cells(failure: Failure, models: bool) -> tuple[Cell, ...]:
    key = failure.key
    name = row_name(key, model=models) if key.readout else f"{row_name(key, model=models)} · every readout"
    return (
        Cell(f"{key.corpus} · {name}"),
        Cell(failure.status),
        Cell(failure.reason or "no reason was given"),
        Cell(str(failure.readings)),
        Cell(listed(failure.clips, CLIPS_NAMED)),
    )
