"""What a corpus holds and how its raters disagree, before any model runs."""

from ambivox.inspection.check import CorpusCheck, check_corpus
from ambivox.inspection.facts import Inspection, inspect_corpus

__all__ = ["CorpusCheck", "Inspection", "check_corpus", "inspect_corpus"]
