"""Make records: from a study, or from single clips, to what a model answered."""

from ambivox.run.clip_reading import Answer, ClipReading
from ambivox.run.hold import Progress
from ambivox.run.on_ray import Actors, run_on_ray
from ambivox.run.part import Part, merge_parts, parse_part
from ambivox.run.read_clip import read
from ambivox.run.runner import run_study
from ambivox.run.track import WindowReading, track
from ambivox.run_folder import Run
from ambivox.study import Study, load_study

__all__ = [
    "Actors",
    "Answer",
    "ClipReading",
    "Part",
    "Progress",
    "Run",
    "Study",
    "WindowReading",
    "load_study",
    "merge_parts",
    "parse_part",
    "read",
    "run_on_ray",
    "run_study",
    "track",
]
