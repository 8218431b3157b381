"""Where a text names the labels of an emotion set."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from ambivox.emotions import OTHER, EmotionSet, fold
from ambivox.readouts.answers.plain import CJK, lower, plain

_SPACELESS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_LETTER = rf"[^\W_{CJK}]"


class Mention(NamedTuple):
    """A label that is named.

    Args:
        label: its place in the set.
        start, end: where, in the text that was searched.
    """

    label: int
    start: int
    end: int


def find_mentions(low: str, emotions: EmotionSet) -> list[Mention]:
    """The labels named in a lower-case text by any of their forms, the longest form that fits first.

    A form is a whole word, except in scripts that are written without spaces between words; after a form in
    Hangul a particle may follow.

    >>> from ambivox.emotions import load_emotions
    >>> find_mentions("sad, then anger; madness", load_emotions("iemocap4"))
    [Mention(label=3, start=0, end=3), Mention(label=2, start=10, end=15)]
    """
    pattern, owner = _finder(emotions.forms)
    return [
        Mention(owner[_key(match[0])], match.start(), match.end())
        for match in pattern.finditer(low)
        if match[0] != OTHER or _stands_alone(low, match)
    ]


def _stands_alone(low: str, match: re.Match[str]) -> bool:
    """Whether "other" is a label here, and not the common word ("each other", "on the other hand")."""
    before = low[max(match.start() - 4, 0) : match.start()].rstrip(" ")
    after = low[match.end() : match.end() + 4].lstrip(" ")
    return not after[:1].isalpha() and (not before[-1:].isalpha() or before.endswith((" is", "\nis")))


@functools.lru_cache(maxsize=64)
def _finder(forms: tuple[tuple[str, ...], ...]) -> tuple[re.Pattern[str], dict[str, int]]:
    owner: dict[str, int] = {}
    patterns: dict[tuple[str, str], list[str]] = {}
    written = [(form, n) for n, own in enumerate(forms) for form in own]
    both = [(one, n) for form, n in written for one in (lower(plain(form)).strip(), fold(form)) if one]
    for form, n in sorted(both, key=lambda pair: -len(pair[0])):
        if _key(form) not in owner:
            owner[_key(form)] = n
            patterns.setdefault(_bounds(form), []).append(_pattern(form))
    # Spaceless scripts and others do not compete for a place, so each kind may have its own bounds.
    kinds = (f"{before}(?:{'|'.join(own)}){after}" for (before, after), own in patterns.items())
    return re.compile("|".join(kinds)), owner


def _key(written: str) -> str:
    return re.sub(r"[ \n-]+", " ", written).replace("'", '"')


def _pattern(form: str) -> str:
    words = (re.sub(r"[\"']", "[\"']", re.escape(word)) for word in re.split(r"[ -]+", form))
    return r"[ \n-]{1,3}".join(words)


def _bounds(form: str) -> tuple[str, str]:
    if _SPACELESS.match(form[0]):  # a single sign may be part of another word
        return (f"(?<![{CJK}])", f"(?![{CJK}])") if len(form) == 1 else ("", "")
    if _HANGUL.match(form[0]):
        return f"(?<![{CJK}])", ""
    return f"(?<!{_LETTER})", f"(?!{_LETTER})"
