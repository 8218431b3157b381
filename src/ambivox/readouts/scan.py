"""What a text names: labels, option letters, numbers per label. Linear in the length of the text."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from ambivox.emotions import EmotionSet, fold

Forms = tuple[tuple[str, ...], ...]

_REFUSAL = r"""
    \b(?:i|we)(?:['’](?:m|re)|\s+am|\s+are)\s+(?:\w+\s+)?(?:sorry|afraid|unable|not\s+able|not\s+capable)\b
  | \bsorry\b(?=,?\s+(?:but\s+)?(?:i|we)\b)
  | \b(?:cannot|can\s+not|can['’]t|could\s+not|couldn['’]t)\s+(?:\w+\s+){0,2}
    (?:determine|identify|tell|hear|listen|assist|help|answer|access|process|provide|say)\b
  | \b(?:do\s+not|don['’]t|did\s+not|didn['’]t)\s+(?:have|hear|receive|see)\s+(?:\w+\s+){0,3}
    (?:audio|access|ability|recording|clip|voice|sound)\b
  | \b(?:provide|upload|share|attach)\s+(?:\w+\s+){0,2}(?:audio|recording|clip|file)\b
  | \bas\s+an?\s+(?:\w+\s+){0,2}(?:ai|model)\b
  | \bno\s+(?:audio|recording|clip)\b
"""
_NEGATION = r"""
    (?<!\w)(?:not(?!\s+(?:only|just)\b)|no|never|neither|nor|without|hardly|cannot|rather\s+than|instead\s+of
    |lack\s+of|\w+n['’]t)\b
"""
_UNTIL_BUT = r"(?:(?!\b(?:but|however|though|although|yet)\b)"
# After a refusal to the end of the sentence, and after a negation to the end of the clause, nothing is named.
_UNSAID = rf"(?:(?:{_REFUSAL}){_UNTIL_BUT}[^.;!?\n])*|(?:{_NEGATION}){_UNTIL_BUT}[^.,;:!?\n])*)"

_FLAGS = re.IGNORECASE | re.VERBOSE
_refusal = re.compile(_REFUSAL, _FLAGS)
_unsaid = re.compile(_UNSAID, _FLAGS)


def is_refusal(text: str) -> bool:
    """Whether a text says that its writer cannot or will not answer.

    >>> is_refusal("I'm afraid I can't hear the clip."), is_refusal("The speaker is afraid.")
    (True, False)
    """
    return _refusal.search(text) is not None


def find_labels(text: str, emotions: EmotionSet) -> list[int]:
    """The labels that a text names as whole words, by any form, in order of appearance; not the negated.

    >>> from ambivox.emotions import load_emotions
    >>> find_labels("Not happy, I hear anger.", load_emotions("iemocap4"))
    [2]
    """
    return list(dict.fromkeys(find_mentions(text, emotions)))


def find_mentions(text: str, emotions: EmotionSet) -> list[int]:
    """Like `find_labels`, every mention counted.

    >>> from ambivox.emotions import load_emotions
    >>> find_mentions("Sad, then angry, then sadness again", load_emotions("iemocap4"))
    [3, 2, 3]
    """
    exact = emotions.index(text)
    if exact is not None:
        return [exact]
    words = _label_words(emotions.forms, skip_unsaid=True)
    return _owners(words, unicodedata.normalize("NFKC", text).casefold(), emotions)


def _owners(words: re.Pattern[str], text: str, emotions: EmotionSet) -> list[int]:
    found = (" ".join(match[1].split()) for match in words.finditer(text) if match[1])
    return [emotions.owner[form] for form in found]


@functools.lru_cache(maxsize=64)
def _label_words(forms: Forms, *, skip_unsaid: bool) -> re.Pattern[str]:
    """Group 1 is a form as whole words; a stretch that is not said matches without it."""
    folded = sorted({fold(form) for own in forms for form in own}, key=len, reverse=True)
    written = "|".join(r"\s+".join(map(re.escape, form.split(" "))) for form in folded)
    skipped = f"|{_UNSAID}" if skip_unsaid else ""
    return re.compile(rf"(?<!\w)({written})(?!\w){skipped}", re.VERBOSE)


_LETTER = re.compile(
    r"""
    (?<![\w'’.-])
    (?!I\ +\w)                                                # the pronoun
    (?!A\ +(?!(?:is|because|since|as|or|and)\b)[a-z]+\ +\w)   # the article: "A happy voice"
    (?!A\ +[A-Z]+\ +\w)
    ([A-Z])(?![\w'’-])                                        # "B", "(B)", "B. happy", "Answer: B"
    | ^\W*([a-z])[).:\]]                                      # "b) happy"
    | \(([a-z])\)                                             # "it is (b)"
    | \b[Oo]ption\W{1,3}([a-z])(?!\w|\ +\w)
    | \b[Aa]nswer\W{1,3}(?:is\W{1,3})?([a-z])(?!\w|\ +\w)     # "answer: b", and no article
    """,
    re.VERBOSE,
)


def find_letters(text: str) -> list[str]:
    """The option letters that a text names, in order of appearance, in capitals; not the negated.

    >>> find_letters("I think (b), not C."), find_letters("A happy voice")
    (['B'], [])
    """
    whole = re.fullmatch(r"\W*([A-Za-z])\W*", text)
    if whole:
        return [whole[1].upper()]
    said = _unsaid.sub(" _ ", text)  # something stays, so that the I of "I cannot" is still a pronoun
    found = (match[match.lastindex or 0] for match in _LETTER.finditer(said))
    return list(dict.fromkeys(letter.upper() for letter in found))


class Number(NamedTuple):
    """A key and the number that stands beside it.

    Args:
        key: the words, folded.
        label: the label that the key names, or None.
        value: not negative and finite; None where no such number follows.
        percent: whether a percent sign follows the number.
    """

    key: str
    label: int | None
    value: float | None
    percent: bool


LARGEST_NUMBER = 1e6
"""A larger number is no probability, percentage or count of listeners, and sums of them could overflow."""

_QUOTES = str.maketrans(
    dict.fromkeys('*`"“”„«»\\', "") | dict.fromkeys("{}[]", "\n") | dict.fromkeys("‘’", "'")
)
_WORD = r"[\w'/&+-]"
_SEPARATOR = r"[ \t]*(?:=>|->|[:=|(→]|(?<=[ \t])[-–—](?=[ \t]))[ \t]*\(?"
_VALUE = (
    r"(?P<value>[-+]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[-+]?\d+)?)(?:[ \t]*(?P<percent>%|percent\b))?"
    r"(?![\w%]|[.,]+\d|[ \t]*(?:[-–—/⁄±~^*]|to|of|out\ of)[ \t]*\d)"  # not "0.2-0.3", "1/4", "0.1..0"
)
# {"emotion": "angry", "probability": 0.4}, as an object or as two lines
_OBJECT = re.compile(
    r"\b(?:emotion|label|name|option|category)[ \t]*[:=][ \t]*([^\n:=,;|]{1,60}?)[ \t]*[,;\n][ \t\n]{0,20}"
    r"(?:probability|prob|percentage|percent|score|value|confidence|likelihood|weight)[ \t]*(?=[:=])"
)


def find_numbers(text: str, emotions: EmotionSet) -> list[Number]:
    """The pairs of key and number in a text: JSON, Python dictionaries, tables, bullets, "key: number" lines.

    Only the pairs count, not the brackets around them, so that an answer cut off in the middle, nested or
    with a comma too many reads like a whole one. A pair that is written twice alike is given once.

    >>> from ambivox.emotions import load_emotions
    >>> found = find_numbers("{'Angry': '40%', 'sad': .6,}", load_emotions("iemocap4"))
    >>> [(number.key, number.value, number.percent) for number in found]
    [('angry', 40.0, True), ('sad', 0.6, False)]
    """
    return list(dict.fromkeys(number for number, _ in _numbers(text, emotions)))


class Place(NamedTuple):
    """Where the number of a label is written.

    Args:
        run: which run of digits and dots of the text; None if it is more than one ("0,4", "1e-3", "+1").
        percent: whether a percent sign follows it.
    """

    run: int | None
    percent: bool


def find_places(text: str, emotions: EmotionSet) -> tuple[list[str], dict[int, Place]]:
    """The runs of digits and dots in a text, and where the number of each label is.

    >>> from ambivox.emotions import load_emotions
    >>> find_places("2 moods: sad 0.7, angry: 0.25; happy: .5.", load_emotions("iemocap4"))
    (['2', '0.7', '0.25', '.5'], {2: Place(run=2, percent=False), 1: Place(run=3, percent=False)})
    """
    plain = _OBJECT.sub(r"\1", _plain(text))
    runs = [match for match in re.finditer(r"[0-9.]+", plain) if match[0].strip(".")]
    written = [match[0].rstrip(".") for match in runs]
    starts = {match.start(): run for run, match in enumerate(runs)}
    places: dict[int, Place] = {}
    for number, found in _numbers(text, emotions):
        if number.label is not None and number.value is not None:
            run = starts.get(found.start("value"))
            whole = run is not None and written[run] == found["value"]
            places.setdefault(number.label, Place(run if whole else None, number.percent))
    return written, places


def _numbers(text: str, emotions: EmotionSet) -> Iterator[tuple[Number, re.Match[str]]]:
    """The pairs, each with its match in the plain text."""
    owner = {_plain(form): n for n, forms in enumerate(emotions.forms) for form in forms}
    for match in _pairs(tuple(owner)).finditer(_OBJECT.sub(r"\1", _plain(text))):
        value = _number(match["value"])
        yield Number(match["key"], owner.get(match["key"]), value, match["percent"] is not None), match


def written_labels(text: str, emotions: EmotionSet) -> list[int]:
    """The labels whose forms stand in a text as whole words, negated or not."""
    words = _label_words(emotions.forms, skip_unsaid=False)
    return list(dict.fromkeys(_owners(words, unicodedata.normalize("NFKC", text).casefold(), emotions)))


@functools.lru_cache(maxsize=64)
def _pairs(keys: tuple[str, ...]) -> re.Pattern[str]:
    known = [re.escape(key) for key in sorted(keys, key=len, reverse=True) if key]
    phrase = rf"[^\W\d_]{_WORD}{{0,30}}(?:[ \t]\w{_WORD}{{0,30}}){{0,7}}"
    return re.compile(rf"(?<![\w'])(?P<key>{'|'.join([*known, phrase])}){_SEPARATOR}(?:{_VALUE})?")


def _plain(text: str) -> str:
    """Folded, without quotes and emphasis, brackets as line ends."""
    folded = unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    return re.sub(r"(?<!\w)'|'(?!\w)", "", folded)


def _number(written: str | None) -> float | None:
    number = float(written.replace(",", ".")) if written else -1.0
    return number if 0 <= number <= LARGEST_NUMBER else None
