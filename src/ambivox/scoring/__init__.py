"""Read records: every readout against the votes, with intervals, controls and cautions.

`read_run` reads the records of a run once, by `ScoringOptions`; `score_readings` makes the `ScoreTable` of
what was read, and `score` does both, for several runs in one table too. Claims and reports start from the
same readings.
"""

from ambivox.scoring.export import export_readings
from ambivox.scoring.fit_kept import calibrate
from ambivox.scoring.gate import Gate, GateResult, keep_gates, parse_gate
from ambivox.scoring.keys import ControlKey, RowKey
from ambivox.scoring.notes import Note
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.predictions_file import score_predictions_file
from ambivox.scoring.read_run import RunReadings, read_run
from ambivox.scoring.score_run import score, score_readings, score_runs
from ambivox.scoring.table import Difference, ScoreRow, ScoreTable, SensitivityScore

__all__ = [
    "DEFAULT_OPTIONS",
    "ControlKey",
    "Difference",
    "Gate",
    "GateResult",
    "Note",
    "RowKey",
    "RunReadings",
    "ScoreRow",
    "ScoreTable",
    "ScoringOptions",
    "SensitivityScore",
    "calibrate",
    "export_readings",
    "keep_gates",
    "parse_gate",
    "read_run",
    "score",
    "score_predictions_file",
    "score_readings",
    "score_runs",
]
