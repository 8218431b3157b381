"""What emotions a voice carries when people themselves disagree about it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ambivox.corpora import load_corpus
    from ambivox.models import load_model
    from ambivox.run import load_study, read, run_study
    from ambivox.scoring import score

__version__ = "0.1.0"
__all__ = ["__version__", "load_corpus", "load_model", "load_study", "read", "run_study", "score"]

# Where each public name lives; imported when first used, so that `import ambivox` stays quick.
_HOMES = {
    "load_corpus": "ambivox.corpora",
    "load_model": "ambivox.models",
    "load_study": "ambivox.run",
    "read": "ambivox.run",
    "run_study": "ambivox.run",
    "score": "ambivox.scoring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ambivox' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
