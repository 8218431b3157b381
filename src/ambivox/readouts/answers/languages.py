"""The words by which languages deny, doubt and go on (``languages.yaml``), and the language of a sentence."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal, get_args

import yaml

from ambivox.readouts.answers.plain import CJK

Kind = Literal["deny", "also", "nor", "but", "sure", "doubt", "says"]

# Letters, and what hangs on them by an apostrophe: "don't" is one word, "n'est" and "l'emozione" are two.
WORD = rf"[^\W\d_{CJK}]+(?:'(?:[smdt]|ll|ve|re)(?![^\W\d_])|'(?=[^\W\d_]))?"
_WORD = re.compile(WORD)
_SPACELESS = re.compile(f"[{CJK}]")
_SAYS_PERCENT = re.compile(r"per ?cent|pct|prozent|pourcent|porcent|procent|百分")
_KINDS: tuple[Kind, ...] = ("sure", "deny", "nor", "also", "but", "doubt", "says")


_NO_LANGUAGES = ("scripts", "fields", "order")


@dataclass(frozen=True)
class Language:
    """What is known of one language.

    Args:
        phrases: kinds by the words of a phrase; longer phrases go before shorter ones.
        bare: words of a denial that points back.
        words: common words that change nothing between a label and its number.
        vocabulary: all words listed, by which the language is known.
    """

    phrases: dict[tuple[str, ...], Kind]
    bare: frozenset[str]
    words: frozenset[str]
    vocabulary: frozenset[str]


@functools.cache
def _listed() -> dict[str, dict[str, list[str]]]:
    text = (resources.files("ambivox.readouts.answers") / "languages.yaml").read_text(encoding="utf-8")
    # The base loader knows only text, so that "no" and "on" stay words.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    listed: dict[str, dict[str, list[str]]] = yaml.load(text, Loader=loader)
    return listed


@functools.cache
def languages() -> dict[str, Language]:
    """The known languages by their ISO 639-1 codes; "sv" holds Danish and Norwegian as well."""
    return {name: _language(own) for name, own in _listed().items() if name not in _NO_LANGUAGES}


def _language(lists: dict[str, list[str]]) -> Language:
    phrases: dict[tuple[str, ...], Kind] = {}
    for kind in _KINDS:
        for written in lists[kind]:
            phrases.setdefault(tuple(_WORD.findall(written)), kind)
    every = {word for own in lists.values() for written in own for word in _WORD.findall(written)}
    return Language(phrases, frozenset(lists["bare"]), frozenset(lists["words"]), frozenset(every))


@functools.cache
def phrases_of(names: frozenset[str]) -> dict[str, list[tuple[tuple[str, ...], Kind]]]:
    """Phrases by their first word, the longest first: denials of all languages, all else of those named."""
    by_first: dict[str, dict[tuple[str, ...], Kind]] = {}
    for name, language in languages().items():
        for words, kind in language.phrases.items():
            if name in names or kind in ("deny", "nor", "sure"):
                own = by_first.setdefault(words[0], {})
                if own.get(words) != "deny":
                    own[words] = kind
    return {first: sorted(own.items(), key=lambda item: -len(item[0])) for first, own in by_first.items()}


@functools.cache
def scripts() -> tuple[re.Pattern[str], dict[str, list[Kind | Literal["deny-before"]]]]:
    """The cues of scripts without spaces: a pattern, and what each means, in the order of its effects.

    "deny-before": it denies the emotion before it; "deny": the one after it, or if there is none, before it.
    """
    lists = _listed()["scripts"]
    means: dict[str, list[Kind | Literal["deny-before"]]] = {}
    for cue in lists["before"]:
        means[cue] = ["deny"]
    for cue in lists["after"]:
        means.setdefault(cue, ["deny-before"])
    for kind in ("also", "doubt", "says", "but", "sure"):
        for cue in lists[kind]:
            denies = kind == "but" and any(after in cue for after in lists["after"])
            means[cue] = [*(["deny-before"] if denies else []), kind]  # type: ignore[list-item]
    longest_first = sorted(means, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), means


@functools.cache
def _known_to() -> dict[str, tuple[str, ...]]:
    """The languages in which each word is a common one."""
    known_to: dict[str, list[str]] = {}
    for name, language in languages().items():
        for word in language.vocabulary:
            known_to.setdefault(word, []).append(name)
    return {word: tuple(names) for word, names in known_to.items()}


def _counts(words: Sequence[str]) -> Counter[str]:
    known_to = _known_to()
    return Counter(name for word in words for name in known_to.get(word, ()))


def languages_of(words: Sequence[str]) -> frozenset[str]:
    """The languages that know most of the words; none if no language knows any.

    >>> sorted(languages_of(["nicht", "der", "fall"]))
    ['de']
    """
    counts = _counts(words)
    most = max(counts.values(), default=0)
    return frozenset(name for name, n in counts.items() if n == most)


def is_known(words: Sequence[str]) -> bool:
    """Whether a sentence of these words is in a language whose denials are known.

    A third of its words, and more than half of those of a short one, have to be common words of one language.
    Emotion words do not count, and no words at all are no language that could deny.

    >>> is_known("the voice trembles with tears".split()), is_known("ei ole".split()), is_known([])
    (True, False, True)
    """
    words = [word for word in words if word not in emotion_words()]
    known = max(_counts(words).values(), default=0)
    unknown = len(words) - known
    return not words or (known > unknown if len(words) <= 3 else known * 2 >= unknown)


@functools.cache
def lexicon() -> dict[str, list[str]]:
    """English words by emotion, the emotion's name first (``lexicon.yaml``)."""
    text = (resources.files("ambivox.readouts.answers") / "lexicon.yaml").read_text(encoding="utf-8")
    words: dict[str, list[str]] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return words


@functools.cache
def emotion_words() -> frozenset[str]:
    """The single words of the lexicon."""
    return frozenset(word for emotion, own in lexicon().items() for word in (emotion, *own))


Field = Literal["label", "share", "score", "place", "beside", "rest"]


@functools.cache
def fields() -> dict[str, Field]:
    """What a field holds, by each word of its name."""
    lists = _listed()["fields"]
    return {word: kind for kind in get_args(Field) for word in lists[kind]}


@functools.cache
def orders() -> dict[Literal["falling", "rising", "turned"], str]:
    """Patterns of phrases in other languages than English that say in which direction a ranking runs."""
    patterns: dict[Literal["falling", "rising", "turned"], str] = {}
    for way in ("falling", "rising", "turned"):
        longest_first = sorted(_listed()["order"][way], key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        patterns[way] = rf"(?<![^\W\d_{CJK}])(?:{words})(?![^\W\d_{CJK}])"
    return patterns


@functools.cache
def fillers() -> frozenset[str]:
    """Words that change nothing between a label and its number."""
    return frozenset(fields()).union(*(language.words for language in languages().values()))


@functools.cache
def script_fillers() -> re.Pattern[str]:
    """What stands for such words in scripts without spaces."""
    return re.compile("(?:" + "|".join(sorted(_listed()["scripts"]["fill"], key=len, reverse=True)) + ")+")


@functools.cache
def denial_words() -> frozenset[str]:
    """All words with which a denial may begin, and those of refusals."""
    begins = {
        words[0]
        for own in languages().values()
        for words, kind in own.phrases.items()
        if kind in ("deny", "nor")
    }
    return frozenset(
        begins | {"sorry", "afraid", "unable", "provide", "upload", "share", "attach", "ai", "model"}
    )


@functools.cache
def deniers() -> frozenset[str]:
    """The single words that deny in any of the languages."""
    return frozenset(
        phrase[0]
        for language in languages().values()
        for phrase, kind in language.phrases.items()
        if kind == "deny" and len(phrase) == 1
    )


def is_harmless(word: str) -> bool:
    """Whether a word changes nothing between a label and its number."""
    return word in fillers() or len(word) == 1 or script_fillers().fullmatch(word) is not None


def is_spaceless(word: str) -> bool:
    """Whether a word is of a script without spaces between words."""
    return _SPACELESS.match(word) is not None


def is_unknown(word: str) -> bool:
    """Whether a word is neither a common one of any language nor an emotion word, and denies nothing."""
    if word in _known_to() or word in emotion_words() or word in fields():
        return False
    return scripts()[0].search(word) is None


def says_percent(name: str) -> bool:
    """Whether the name of a field says that it is in hundredths."""
    return _SAYS_PERCENT.search(name) is not None
