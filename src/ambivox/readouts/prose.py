"""Free descriptions: the emotion words in them, by a small lexicon."""

from __future__ import annotations

import functools
from collections import Counter
from importlib import resources

import numpy as np
import yaml

from ambivox.emotions import EmotionSet, fold
from ambivox.readouts.reading import Reading
from ambivox.readouts.scan import find_mentions, is_refusal
from ambivox.readouts.text import quote, unparsed
from ambivox.record import Record


def prose(record: Record) -> Reading:
    """The emotion words of a free description, counted by label: a word each, negated ones left out.

    Words are the forms of the set and those of ``lexicon.yaml``, in which every emotion belongs to the label
    that has its name among its forms. ``foreign``: words of emotions outside the set are left out.
    ``unparsed``: no emotion word.
    """
    text = record.replied.text
    known = with_lexicon(record.asked.emotions)
    counts = Counter(find_mentions(text, known))
    n_labels = len(record.asked.emotions.labels)
    foreign = ", ".join(known.labels[n] for n in sorted(counts) if n >= n_labels)
    values = np.array([counts[n] for n in range(n_labels)], dtype=float)
    if not values.any():
        if is_refusal(text):
            return Reading(None, "refused", quote(text))
        return Reading(None, "foreign", f"only {foreign}") if foreign else unparsed(text)
    if foreign:
        return Reading(values / values.sum(), "foreign", f"left out {foreign}")
    return Reading(values / values.sum(), "ok")


@functools.lru_cache(maxsize=64)
def with_lexicon(emotions: EmotionSet) -> EmotionSet:
    """The set with the words of the lexicon among its forms; emotions that it has not come after its labels.

    >>> from ambivox.emotions import load_emotions
    >>> known = with_lexicon(load_emotions("iemocap4"))
    >>> known.labels[known.index("furious")], known.labels[known.index("terrified")]
    ('angry', 'fear')
    """
    forms = dict(zip(emotions.labels, map(list, emotions.forms), strict=True))
    taken = set(emotions.owner)
    for emotion, words in lexicon().items():
        owner = next((emotions.owner[fold(w)] for w in (emotion, *words) if fold(w) in emotions.owner), None)
        label = emotion if owner is None else emotions.labels[owner]
        own = [word for word in dict.fromkeys((emotion, *words)) if fold(word) not in taken]
        taken.update(map(fold, own))
        if own:
            forms.setdefault(label, []).extend(own)
    return EmotionSet(emotions.name, tuple(forms), tuple(tuple(own) for own in forms.values()))


@functools.cache
def lexicon() -> dict[str, list[str]]:
    """Words by emotion, the emotion's name first."""
    text = (resources.files("ambivox.readouts") / "lexicon.yaml").read_text(encoding="utf-8")
    words: dict[str, list[str]] = yaml.safe_load(text)
    return words
