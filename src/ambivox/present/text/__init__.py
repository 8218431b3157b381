"""How things look in a terminal: bars of distributions, tables, progress."""

from ambivox.present.text.claims import show_claims
from ambivox.present.text.estimate import show_estimate
from ambivox.present.text.plan import show_plan
from ambivox.present.text.progress import RunProgressBar, finetune_progress, run_progress
from ambivox.present.text.reading import show_reading
from ambivox.present.text.scores import show_gates, show_grid, show_scores
from ambivox.present.text.track import csv_header, csv_row, show_window

__all__ = [
    "RunProgressBar",
    "csv_header",
    "csv_row",
    "finetune_progress",
    "run_progress",
    "show_claims",
    "show_estimate",
    "show_gates",
    "show_grid",
    "show_plan",
    "show_reading",
    "show_scores",
    "show_window",
]
