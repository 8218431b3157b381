"""Rows of a score table found by what they are called."""

from ambivox.scoring import RowKey, ScoreRow, ScoreTable
from ambivox.scoring.keys import control_text, prompt_text, readout_text


def prompt_of(row: ScoreRow) -> str:
    return prompt_text(row.key) if isinstance(row.key, RowKey) else ""


def readout_of(row: ScoreRow) -> str:
    """The readout, or the control that asks no model."""
    return readout_text(row.key) if isinstance(row.key, RowKey) else control_text(row.key)


def find_row(table: ScoreTable, readout: str, prompt: str = "", control: str = "clip") -> ScoreRow:
    """The one row of that name; of a control that asks no model by its own."""
    [row] = [
        row
        for row in table.rows
        if (readout_of(row), prompt_of(row)) == (readout, prompt)
        and (not isinstance(row.key, RowKey) or row.key.control == control)
    ]
    return row
