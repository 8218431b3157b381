"""Words of tables: those that stand for nothing, labels between separators, and ids that nobody shares."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from ambivox.emotions import emotion_sets, load_emotions

_NOTHING = frozenset(
    ("", "nan", "none", "null", "nil", "na", "n/a", "n.a.", "<na>", "#n/a", "nat", "-", "--", "?", "missing")
)
_UNKNOWN = _NOTHING | {"unknown", "unk", "unidentified", "not known", "-1"}

_JOINING = re.compile(r" (?:and|or|und|oder|et|ou) ", re.IGNORECASE)

NOT_RATED = -1
"""The code by which data sets say that there is no label."""

SEPARATORS = ";,|/+&\t\n\r；，、｜／"
"""What stands between labels; no label has one in it."""


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is no value, in the ways that programs write this.

    >>> [is_nothing(text) for text in ("NaN", " n/a ", "neutral")]
    [True, True, False]
    """
    return text.strip().lower() in _NOTHING


def is_no_label(text: str) -> bool:
    """Whether a cell says that there is no label, in words or by the code for it.

    >>> [is_no_label(text) for text in ("none", "-1", "neutral")]
    [True, True, False]
    """
    return is_nothing(text) or text.strip() == str(NOT_RATED)


def is_unknown(text: str) -> bool:
    """Whether a cell says that somebody is not known.

    >>> [is_unknown(text) for text in ("Unknown", "-1", "127")]
    [True, True, False]
    """
    return text.strip().lower() in _UNKNOWN


def has_control(text: str) -> bool:
    """Whether a text has characters that command a terminal and cannot be seen."""
    return any(unicodedata.category(letter) == "Cc" for letter in text)


def joint(text: str) -> str:
    """What joins several labels in a text; empty if it is one label.

    >>> joint("angry/sad"), joint("angry and sad"), joint("angry sad"), joint("neutral state")
    ('/', ' and ', ' ', '')
    """
    mark = next((mark for mark in text if mark in SEPARATORS), "")
    word = _JOINING.search(text)
    words = text.casefold().split()
    several = len(words) > 1 and text.casefold() not in _forms() and _forms().issuperset(words)
    return mark or (word[0] if word else " " if several else "")


@functools.cache
def _forms() -> frozenset[str]:
    """The words for emotions in all sets that come with this package."""
    return frozenset(form.casefold() for name in emotion_sets() for form in load_emotions(name).owner)


def split_labels(text: str) -> list[str]:
    """The labels in a cell, by the one separator that it uses; empty ones stay, as raters who gave none.

    Raises:
        ValueError: separators of two kinds, so that it is not known which one parts the raters.

    >>> split_labels("angry, angry, sad")
    ['angry', 'angry', 'sad']
    """
    used = sorted(set(text) & set(SEPARATORS.replace("\r", "")))
    if len(used) > 1:
        raise ValueError(f"{text!r} has labels between {used[0]!r} and between {used[1]!r}: use one of them")
    return [part.strip() for part in (text.split(used[0]) if used else [text])]


def unique_ids(candidates: Sequence[Sequence[str]]) -> list[str]:
    """For each row the shortest of its names that no other row shares.

    Args:
        candidates: per row its names from the shortest to the longest, at least one.

    Returns:
        As many different ids as rows, whatever else is shared.

    >>> unique_ids([("a01", "DC/a01"), ("a01", "JE/a01"), ("a02", "JE/a02")])
    ['DC/a01', 'JE/a01', 'a02']
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for level in range(max(map(len, candidates), default=0)):
        names = {i: c[min(level, len(c) - 1)] for i, c in enumerate(candidates) if i not in found}
        counts = Counter(names.values())
        for i, name in names.items():
            if counts[name] == 1 and name not in taken:
                found[i] = name
                taken.add(name)
    for i, names_of_row in enumerate(candidates):
        number = 2
        while i not in found:
            name = f"{names_of_row[-1]} ({number})"
            number += 1
            if name not in taken:
                found[i] = name
                taken.add(name)
    return [found[i] for i in range(len(candidates))]
