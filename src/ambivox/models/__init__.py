"""Speech models: the contract (`protocol`), the registry, and one file per engine."""

from ambivox.models.label_tokens import (
    Forms,
    find_label_tokens,
    score_by_trie,
    select_forms,
    written_variants,
)
from ambivox.models.load import MODELS, load_model
from ambivox.models.protocol import LabelTokens, Reply, Request, SpeechModel

__all__ = [
    "MODELS",
    "Forms",
    "LabelTokens",
    "Reply",
    "Request",
    "SpeechModel",
    "find_label_tokens",
    "load_model",
    "score_by_trie",
    "select_forms",
    "written_variants",
]
