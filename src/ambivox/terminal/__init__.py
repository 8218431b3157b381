"""How things look in a terminal: bars of distributions, tables, progress."""

from ambivox.terminal.estimate import show_estimate
from ambivox.terminal.findings import show_findings
from ambivox.terminal.grid import show_grid
from ambivox.terminal.progress import RunProgressBar, run_progress, train_progress
from ambivox.terminal.reading import show_reading
from ambivox.terminal.scores import show_scores

__all__ = [
    "RunProgressBar",
    "run_progress",
    "show_estimate",
    "show_findings",
    "show_grid",
    "show_reading",
    "show_scores",
    "train_progress",
]
