"""Make records: from a study, or from single clips, to what a model answered."""

from ambivox.run.config import Study, load_study
from ambivox.run.folder import Run
from ambivox.run.read_clip import ClipReading, read
from ambivox.run.runner import Progress, run_study

__all__ = ["ClipReading", "Progress", "Run", "Study", "load_study", "read", "run_study"]
