"""Studies: the grid of corpora, models and prompts from one YAML file, run into records."""

from ambivox.studies.config import Study, load_study
from ambivox.studies.reader import ClipReading, read
from ambivox.studies.run import Run
from ambivox.studies.runner import Progress, run_study
from ambivox.studies.scorer import score
from ambivox.studies.table import ScoreRow, ScoreTable, SpreadScore, TertileScore

__all__ = [
    "ClipReading",
    "Progress",
    "Run",
    "ScoreRow",
    "ScoreTable",
    "SpreadScore",
    "Study",
    "TertileScore",
    "load_study",
    "read",
    "run_study",
    "score",
]
