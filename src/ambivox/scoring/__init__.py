"""Read records: every readout against the votes, with intervals, controls and cautions."""

from ambivox.scoring.score_run import score
from ambivox.scoring.table import ScoreRow, ScoreTable, SensitivityScore

__all__ = ["ScoreRow", "ScoreTable", "SensitivityScore", "score"]
