"""What the commands on finished runs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ambivox.cli.output import warn

if TYPE_CHECKING:
    from ambivox.run import Run


def open_run(folder: Path, partial: bool) -> Run:
    """The run, after a word on what is left out of it."""
    from ambivox.run import Run

    run = Run(folder, partial=partial)
    left_out = [path.name for path in run.strays()]
    if left_out:
        names = f"{', '.join(left_out[:3])}{', ...' if len(left_out) > 3 else ''}"
        warn(f"{folder}: {len(left_out)} file(s) of records are not of the present study, left out: {names}")
    done, requests = run.progress()
    if done < requests and partial:
        warn(f"{folder}: unfinished: {done} of {requests} requests are recorded")
    return run


def names_in(given: str) -> list[str]:
    """The names of a list with commas.

    >>> names_in("1001, 1002,")
    ['1001', '1002']
    """
    return [name.strip() for name in given.split(",") if name.strip()]
