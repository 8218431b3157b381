"""The report pages of runs that were opened."""

from __future__ import annotations

import secrets
from pathlib import Path

from ambivox.errors import UsageError
from ambivox.present.html import write_report
from ambivox.run import Run


class Reports:
    """Writes reports into a folder of their own, under names that cannot be guessed.

    Args:
        folder: where they are written.
        run: the run that is offered; empty for none.
        any_folder: whether any run of this machine may be opened, by whoever sees the page.
    """

    def __init__(self, folder: Path, run: str = "", *, any_folder: bool = True) -> None:
        self.folder = folder
        self.run = run
        self.any_folder = any_folder

    @property
    def offered(self) -> bool:
        """Whether there is anything to open."""
        return self.any_folder or bool(self.run)

    def write(self, run: str) -> str:
        """Write the report of a run, with its sound.

        Returns:
            The name of the page, see `path`.

        Raises:
            UsageError: there is no such run, or it may not be opened.
            AmbivoxError: the run cannot be scored.
        """
        if not run.strip():
            raise UsageError("no folder: give the one that 'ambivox run' wrote")
        if not self.any_folder and run != self.run:
            raise UsageError(f"{run}: only the run that the app was started with can be opened here")
        name = secrets.token_urlsafe(16)
        write_report(Run(run), self.path(name), audio="embed")
        return name

    def path(self, name: str) -> Path:
        """Where a page lies, or would; only names that `write` gave lead to one."""
        return self.folder / f"{Path(name).name}.html"
