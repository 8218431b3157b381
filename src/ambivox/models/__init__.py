"""Speech models: the contract (`protocol`), the registry, and one file per engine."""

from ambivox.models.load import MODELS, load_model
from ambivox.models.protocol import Reply, Request, SpeechModel, Watch
from ambivox.models.watch import make_watch, score_by_trie, written_variants

__all__ = [
    "MODELS",
    "Reply",
    "Request",
    "SpeechModel",
    "Watch",
    "load_model",
    "make_watch",
    "score_by_trie",
    "written_variants",
]
