"""Written numbers: shares, percentages, fractions and powers of ten, and those that are not one number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ambivox.readouts.answers.plain import CJK

LARGEST = 1e6
"""A larger number is no probability, percentage or count of listeners, and sums of them could overflow."""


class Number(NamedTuple):
    """A number as written.

    Args:
        value: None where it cannot be read as one number: a range, a bound, a negative or unclear one.
        percent: whether it is in hundredths; its value is as written all the same, that of "7/10" is 70.
        ordinal: whether it counts places ("1st", "#2").
        start, end: where the whole expression is.
        digits: where its digits begin.
    """

    value: float | None
    percent: bool
    ordinal: bool
    start: int
    end: int
    digits: int

    @property
    def share(self) -> float | None:
        """The value in parts of 1, if it has a percent sign."""
        return self.value / 100 if self.percent and self.value is not None else self.value


_LETTER = rf"[^\W\d_{CJK}]"
_PERCENT = (
    r"(?:%|(?:percent|per[ ]?cent|pct|prozent|pour[ ]?cent|por[ ]?ciento|por[ ]?cento|per[ ]?cento|procenta?"
    r"|процент(?:ов|а)?)"
    rf"(?!{_LETTER})|パーセント|퍼센트|프로)"
)
_RUN = r"\d+(?:[.,'’]\d+)*|\.\d+(?:[.,]\d+)*"
NUMBER = re.compile(
    rf"""
    (?P<bound>(?<![-=])[<>]=?[ ]?|[≤≥±][ ]?)?
    (?P<place>\#[ ]?|第|№[ ]?)?
    (?P<hundredths>百分之|%(?=\d))?
    (?P<sign>[-+–—])?
    (?P<digits>{_RUN})
    (?P<exponent>e[-+]?\d{{1,9}}(?!\d))?
    (?:
        [ ]?(?:×|x|\*|·|\\times)[ ]?10[ ]?(?:\^|\*\*)[ ]?[({{]?[ ]?(?P<power>[-+]?\d{{1,4}})(?!\d)[ ]?[)}}]?
      | [ ]?(?:\^|\*\*)[ ]?[({{]?[ ]?(?P<raised>[-+]?\d{{1,4}})(?!\d)[ ]?[)}}]?
      | (?:[ ]?[/⁄][ ]?|[ ](?:out[ ]of|of|in|von|sur|de|su|из|z)[ ])
        (?P<whole>\d{{1,9}}(?:\.\d{{1,9}})?)(?![/⁄.,]?\d)
    )?
    (?P<percent>[ ]?{_PERCENT})?
    (?P<suffix>st|nd|rd|th|er|º)?
    """,
    re.VERBOSE,
)
_BROKEN = re.compile(
    rf"""
      {_LETTER} | [%‰°^\ufffd] | ['’.,]\d | \.{{2,}}(?=\w)
    | [ ]?(?:[-–—~±⁄/×x*·^+]|\.\.+|to|till|until|bis|до|do|至|到|から|or|and[ ](?=\d+[ ]?%))[ ]?[-+]?\.?\d
    | [ ]\d{{3}}(?!\d)
    | [ ]?\+(?!\d)
    """,
    re.VERBOSE,
)


_MAY_STAND_BEFORE = re.compile(rf"\Z(?<![^\s:=,;|(\[{{\"'→~<>+*•–—/、${CJK}-])")


def find_numbers(low: str, start: int = 0, end: int | None = None) -> Iterator[Number]:
    """The numbers in a lower-case plain text, each with all that belongs to it.

    >>> [number.value for number in find_numbers("0,4 and 7/10; 9.9 x 10^-1, 2-3")]
    [0.4, 70.0, 0.99, None]
    """
    position, end = start, len(low) if end is None else end
    while match := NUMBER.search(low, position, end):
        number = read_number(low, match, end)
        yield number
        position = max(number.end, position + 1)


def read_number(low: str, match: re.Match[str], until: int) -> Number:
    """The number of a match of `NUMBER`; a range or a number with letters in it is taken whole.

    Args:
        until: the end of the part of the text that may belong to the number.
    """
    end, value = match.end(), _value(match)
    broken = _BROKEN.match(low, end, until)
    while broken:
        value = None
        rest = NUMBER.match(low, broken.end() - 1, until) if broken[0][-1:].isdigit() else None
        end = max(broken.end(), rest.end() if rest else 0)
        broken = _BROKEN.match(low, end, until) if rest else None
    if match["sign"] not in (None, "+") or not _MAY_STAND_BEFORE.search(
        low, max(match.start() - 1, 0), match.start()
    ):
        value = None
    whole = match["digits"].isdigit()
    if match["suffix"] and not whole:
        value = None
    ordinal = whole and bool(match["place"] or match["suffix"])
    percent = bool(match["percent"] or match["hundredths"] or match["whole"])
    return Number(value, percent, ordinal, match.start(), end, match.start("digits"))


def _value(match: re.Match[str]) -> float | None:
    written = match["digits"]
    if (
        match["bound"]
        or not re.fullmatch(r"\d*\.?\d+|\d+,\d+", written)
        or re.fullmatch(r"[1-9]\d{0,2},\d{3}", written)
    ):
        return None
    value = float(written.replace(",", ".") + (match["exponent"] or ""))
    if match["power"]:
        value = float(f"{written.replace(',', '.')}e{match['power']}")
    elif match["raised"]:
        value = 10.0 ** int(match["raised"]) if value == 10 else -1.0
    elif match["whole"]:
        whole = float(match["whole"])
        value = 100 * value / whole if 0 < whole >= value else -1.0
    return value if 0 <= value <= LARGEST else None
