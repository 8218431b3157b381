"""What a corpus holds and how its raters disagree, before any model runs."""

from ambivox.inspection.check import CorpusCheck, check_corpus
from ambivox.inspection.facts import Inspection, default_emotions, inspect_corpus
from ambivox.inspection.utterances import utterance_table

__all__ = [
    "CorpusCheck",
    "Inspection",
    "check_corpus",
    "default_emotions",
    "inspect_corpus",
    "utterance_table",
]
