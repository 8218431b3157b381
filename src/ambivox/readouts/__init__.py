"""Readouts: pure functions from a record to a distribution with a status."""

from ambivox.readouts.answers import read_answer
from ambivox.readouts.reading import STATUSES, Reading, Status
from ambivox.readouts.registry import (
    DEFAULT_READOUTS,
    READOUTS,
    Level,
    Need,
    Readout,
    load_readout,
    load_readouts,
    needs_of,
    of_all_layers,
    unfold,
    written,
)
from ambivox.readouts.tokens import label_steps

__all__ = [
    "DEFAULT_READOUTS",
    "READOUTS",
    "STATUSES",
    "Level",
    "Need",
    "Reading",
    "Readout",
    "Status",
    "label_steps",
    "load_readout",
    "load_readouts",
    "needs_of",
    "of_all_layers",
    "read_answer",
    "unfold",
    "written",
]
