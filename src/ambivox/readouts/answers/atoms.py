"""A text as labels, numbers, words and signs: what `pairs` binds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from ambivox.readouts.answers.languages import WORD
from ambivox.readouts.answers.mentions import Mention
from ambivox.readouts.answers.numbers import NUMBER, Number, read_number
from ambivox.readouts.answers.plain import CJK

_ATOM = re.compile(
    rf"""
    {NUMBER.pattern}
    | (?P<blank>\n(?:[ ]*\n)+)
    | (?P<word>(?:(?!百分之|第\d)[{CJK}])+|(?:{WORD})\w*|(?:(?<=[:=])|(?<=[:=][ "'])|(?<=[:=][ ]["']))\?)
    | (?P<mark>[\n{{}}\[\]()=,;|!?/&→•、%>–—:]|\.(?=\s|\Z|[^\x00-\x7f])|(?<=[ \n])-(?=[ ]))
    """,
    re.VERBOSE,
)
# "1. angry", "(2) sad", "- 3) happy" at the beginning of a line
_MARKER = re.compile(r"(?:(?<=\n)|\A)[ >•–—-]*\(?(\d{1,2})[.)](?=[ ]+[^\s.,%])")
_UNIT = re.compile(
    r"[ ]?(?:s|secs?|seconds?|ms|min|minutes?|hours?|times|hz|khz|db|words?|years?|sekunden|seconden"
    r"|secondes?|segundos|secondi)(?![^\W\d_])"
)

NO_VALUE = "unknown"
"""The word for a value that is a question mark, a dash or nothing."""

Kind = Literal["pair", "label", "number", "labels", "numbers", "foreign", "fault"]


class Item(NamedTuple):
    """What a part of a text amounts to.

    Args:
        kind: a pair, a label or a number on its own, a list of them, a number of something that is not a
            label, or labels that have a number which cannot be told.
        labels: the labels, by their place in the set.
        numbers: the numbers.
        key: the name of the field, if it is one; "prose" for a label in a sentence.
        tier: 1 for probabilities, 2 for scores and confidences, which count where there is nothing better.
        form: how the label is written.
        first: whether the number stands before its label.
    """

    kind: Kind
    labels: tuple[int, ...] = ()
    numbers: tuple[Number, ...] = ()
    key: str = ""
    tier: int = 1
    form: str = ""
    first: bool = False


class Atom(NamedTuple):
    """A piece of a text.

    Args:
        kind: what it is; brackets become groups in `pairs`.
        text: a word or a sign; an empty line is one sign.
        denied: whether the text denies the label.
        inner: whether it stood in brackets of its own.
        items: what a group holds.
    """

    kind: Literal["label", "number", "word", "sign", "group"]
    text: str
    label: int = -1
    number: Number | None = None
    denied: bool = False
    inner: bool = False
    items: tuple[Item, ...] = ()


def find_atoms(low: str, mentions: Sequence[Mention], denied: Collection[Mention] = ()) -> Iterator[Atom]:
    """The atoms of a lower-case plain text, in which `mentions` are the labels.

    >>> [atom.text for atom in find_atoms("1. sad: about 70 %, in 2 seconds", [Mention(0, 3, 6)])]
    ['1', '.', 'sad', ':', 'about', '70 %', ',', 'in', '2 seconds']
    """
    markers = {match.start(1) for match in _MARKER.finditer(low)}
    position = 0
    for mention in (*mentions, Mention(-1, len(low), len(low))):
        yield from _between(low, position, mention.start, markers)
        if mention.label >= 0:
            yield Atom("label", low[mention.start : mention.end], mention.label, denied=mention in denied)
        position = mention.end


def _between(low: str, position: int, end: int, markers: set[int]) -> Iterator[Atom]:
    while match := _ATOM.search(low, position, end):
        position = match.end()
        if match["digits"]:
            number = read_number(low, match, end)
            unit = _UNIT.match(low, match.end(), end)
            if unit:  # a length, a pitch, a count of words
                number = number._replace(end=unit.end())
                yield Atom("word", low[number.start : number.end])
            else:
                number = number._replace(ordinal=number.ordinal or number.digits in markers)
                yield Atom("number", low[number.start : number.end], number=number)
            position = max(number.end, position)
        elif match["blank"]:
            yield Atom("sign", "\n\n")
        else:
            text = NO_VALUE if match["word"] == "?" else match[0]
            yield Atom("word" if match["word"] else "sign", text)
