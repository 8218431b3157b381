"""Which labels a checkpoint learnt: data kept with the model, where it says so."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ambivox.emotions import EmotionSet, fold
from ambivox.errors import UsageError
from ambivox.models.load import checkpoint_of
from ambivox.yaml_file import read_mapping

FILE = "learnt.yaml"

_LABELS = TypeAdapter(dict[str, tuple[str, ...]])


def unlearnt(model: str, emotions: EmotionSet) -> tuple[str, ...]:
    """The labels of a set of which a checkpoint knows no form; none where it does not say what it learnt.

    Args:
        model: as for `load_model`.
        emotions: what it is to be asked about.

    Raises:
        UsageError: the file of the checkpoint is not ``labels`` with a list of words.

    >>> from ambivox.emotions import load_emotions
    >>> unlearnt("mini", load_emotions("cremad6+other"))
    ('other',)
    >>> unlearnt("org/name", load_emotions("cremad6+other"))
    ()
    """
    path = Path(checkpoint_of(model)) / FILE
    if not path.is_file():
        return ()
    try:
        known = {
            fold(word) for word in _LABELS.validate_python(read_mapping(path, "what was learnt"))["labels"]
        }
    except (ValidationError, KeyError):
        raise UsageError(f"{path}: give the words that were learnt, as 'labels: [happy, sad]'") from None
    labels = zip(emotions.labels, emotions.forms, strict=True)
    return tuple(label for label, forms in labels if known.isdisjoint(map(fold, forms)))
