"""Emotion sets: ordered labels, each with the surface forms that a speech model may write for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from ambivox.errors import UsageError, unknown_name
from ambivox.yaml_file import read_mapping

OTHER = "other"
"""The label that a set gains by the suffix ``+other``: votes outside the set are pooled into it."""


_AROUND = " .,;:!?\"'`*()[]{}<>“”‘’«»。、…"


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Fold a written emotion for comparison: case, spaces and punctuation at the ends do not count.

    >>> fold("  'Angry'. ")
    'angry'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_AROUND)


@dataclass(frozen=True)
class EmotionSet:
    """Ordered labels; ``forms[n]`` are the ways label n is written, its own name first.

    Raises:
        UsageError: fewer than two labels, or a form that two labels share.

    >>> emotions = load_emotions("iemocap4")
    >>> emotions.labels
    ('neutral', 'happy', 'angry', 'sad')
    >>> emotions.index("Anger")
    2
    >>> emotions.index("puzzled") is None
    True
    """

    name: str
    """How the set is called."""
    labels: tuple[str, ...]
    """Shape ``(N,)``: at least two, all different."""
    forms: tuple[tuple[str, ...], ...]
    """Shape ``(N,)``: the surface forms of each label; no form may belong to two labels."""

    def __post_init__(self) -> None:
        if len(self.labels) < 2:
            raise UsageError(f"emotion set {self.name!r}: {len(self.labels)} label(s), at least 2 are needed")
        if len(self.forms) != len(self.labels):
            raise UsageError(f"emotion set {self.name!r}: every label needs its list of forms")
        for n, (label, forms) in enumerate(zip(self.labels, self.forms, strict=True)):
            if not forms or not all(fold(form) for form in forms):
                raise UsageError(f"emotion set {self.name!r}: label {label!r} has an empty form")
            for form in map(fold, forms):
                if self.owner[form] != n:
                    raise UsageError(
                        f"emotion set {self.name!r}: the form {form!r} belongs to both {label!r} and "
                        f"{self.labels[self.owner[form]]!r}; leave it to one of them"
                    )

    @cached_property
    def owner(self) -> Mapping[str, int]:
        """The label of every folded form."""
        return {fold(form): n for n, forms in enumerate(self.forms) for form in forms}

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, text: str) -> int | None:
        """The label that a piece of text names by any of its forms, or None."""
        n = self.owner.get(text)  # most labels are written as they are: no need to fold them
        return self.owner.get(fold(text)) if n is None else n


# The forms of each emotion, once; a set picks its label, which becomes the first form, and inherits the rest.
_WRITTEN: tuple[tuple[str, ...], ...] = (
    ("neutral", "neutrality"),
    ("happy", "happiness", "joy", "joyful"),
    ("angry", "anger"),
    ("sad", "sadness"),
    ("fear", "fearful", "afraid", "scared"),
    ("disgust", "disgusted"),
    ("surprise", "surprised"),
    ("contempt", "contemptuous"),
    ("calm", "calmness"),
    (OTHER,),
)

_BUILT_IN: dict[str, tuple[str, ...]] = {
    "iemocap4": ("neutral", "happy", "angry", "sad"),
    "cremad6": ("angry", "disgust", "fear", "happy", "neutral", "sad"),
    "msp8": ("angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral"),
    "ekman6": ("anger", "disgust", "fear", "happiness", "sadness", "surprise"),
    "ravdess8": ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
}


def _forms_of(label: str) -> tuple[str, ...]:
    for forms in _WRITTEN:
        if label in forms:
            return (label, *(form for form in forms if form != label))
    return (label,)


def emotion_sets() -> tuple[str, ...]:
    """Names of the built-in emotion sets."""
    return tuple(_BUILT_IN)


def load_emotions(name: str | Path) -> EmotionSet:
    """Load an emotion set by name, or from a YAML file of ``label: [forms]``.

    A name may end in ``+other``, which adds the label `OTHER` at the end.

    Args:
        name: a name of `emotion_sets`, or a path that ends in ``.yaml`` or ``.yml``.

    Raises:
        UsageError: unknown name, or a file that is not a mapping of labels to forms.

    >>> load_emotions("iemocap4+other").labels
    ('neutral', 'happy', 'angry', 'sad', 'other')
    """
    if str(name).endswith((".yaml", ".yml")):
        return _read_emotions(Path(name))
    base, plus, extra = str(name).partition("+")
    if base not in _BUILT_IN or (plus and extra != OTHER):
        raise unknown_name("emotion set", str(name), [*_BUILT_IN, *(f"{n}+{OTHER}" for n in _BUILT_IN)])
    labels = (*_BUILT_IN[base], OTHER) if plus else _BUILT_IN[base]
    return EmotionSet(str(name), labels, tuple(_forms_of(label) for label in labels))


def _read_emotions(path: Path) -> EmotionSet:
    data = read_mapping(path, "an emotion set")
    for label, forms in data.items():
        for written in (label, *(forms if isinstance(forms, list) else ())):
            if not isinstance(written, str):
                raise UsageError(f"{path}: {written!r} is not text to YAML: put it in quotes")
        if not isinstance(forms, list | None):
            raise UsageError(f"{path}: expected '{label}: [form, form, ...]', found {forms!r}")
    return EmotionSet(path.stem, tuple(data), tuple(_with_label(*item) for item in data.items()))


def _with_label(label: str, forms: Sequence[str] | None) -> tuple[str, ...]:
    return (label, *(form for form in forms or () if form != label))
