"""What emotions a voice carries when people themselves disagree about it.

>>> import ambivox
>>> ambivox.load_emotions("iemocap4").labels
('neutral', 'happy', 'angry', 'sad')
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ambivox.corpora import Corpus, Utterance, load_corpus
    from ambivox.emotions import EmotionSet, load_emotions
    from ambivox.errors import AmbivoxError, AudioError, UsageError
    from ambivox.field_claims import RunClaims, claims
    from ambivox.finetuning import FinetuneConfig, finetune, load_finetuning
    from ambivox.models import SpeechModel, load_model
    from ambivox.models.check import check_model
    from ambivox.present.html import write_report
    from ambivox.prompts import Prompt, load_prompt
    from ambivox.readouts import Reading, read_answer
    from ambivox.record import Record
    from ambivox.run import (
        Answer,
        ClipReading,
        Run,
        Study,
        WindowReading,
        load_study,
        read,
        run_study,
        track,
    )
    from ambivox.scoring import ScoreTable, ScoringOptions, calibrate, score

__version__ = "0.1.0"

# Where each public name lives; imported when first used, so that `import ambivox` stays quick.
_HOMES = {
    "AmbivoxError": "errors",
    "Answer": "run",
    "AudioError": "errors",
    "ClipReading": "run",
    "Corpus": "corpora",
    "EmotionSet": "emotions",
    "FinetuneConfig": "finetuning",
    "Prompt": "prompts",
    "Reading": "readouts",
    "Record": "record",
    "Run": "run",
    "RunClaims": "field_claims",
    "ScoreTable": "scoring",
    "ScoringOptions": "scoring",
    "SpeechModel": "models",
    "Study": "run",
    "UsageError": "errors",
    "Utterance": "corpora",
    "WindowReading": "run",
    "calibrate": "scoring",
    "check_model": "models.check",
    "claims": "field_claims",
    "finetune": "finetuning",
    "load_corpus": "corpora",
    "load_emotions": "emotions",
    "load_finetuning": "finetuning",
    "load_model": "models",
    "load_prompt": "prompts",
    "load_study": "run",
    "read": "run",
    "read_answer": "readouts",
    "run_study": "run",
    "score": "scoring",
    "track": "run",
    "write_report": "present.html",
}

__all__ = [
    "AmbivoxError",
    "Answer",
    "AudioError",
    "ClipReading",
    "Corpus",
    "EmotionSet",
    "FinetuneConfig",
    "Prompt",
    "Reading",
    "Record",
    "Run",
    "RunClaims",
    "ScoreTable",
    "ScoringOptions",
    "SpeechModel",
    "Study",
    "UsageError",
    "Utterance",
    "WindowReading",
    "__version__",
    "calibrate",
    "check_model",
    "claims",
    "finetune",
    "load_corpus",
    "load_emotions",
    "load_finetuning",
    "load_model",
    "load_prompt",
    "load_study",
    "read",
    "read_answer",
    "run_study",
    "score",
    "track",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ambivox' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ambivox.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
