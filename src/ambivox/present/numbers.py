"""Numbers as text, in one way for the terminal and for pages."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ambivox.statistics import Interval

MISSING = "–"


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """A number with so many decimals; never "-0.000".

    >>> number(-0.0001), number(0.25, signed=True), number(-1.5), number(float("inf")), number(None)
    ('0.000', '+0.250', '-1.500', '∞', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    rounded = round(value, digits) + 0.0  # -0.0 becomes 0.0
    return f"{rounded:+.{digits}f}" if signed and rounded else f"{rounded:.{digits}f}"


def interval(found: Interval | None, *, signed: bool = False) -> str:
    """Both ends of an interval; empty where there is none.

    >>> interval(Interval(0.3, 0.2541, 0.35, 20))
    '[0.254, 0.350]'
    """
    if found is None or found.reason:
        return ""
    return f"[{number(found.low, signed=signed)}, {number(found.high, signed=signed)}]"


def counts(statuses: Iterable[tuple[str, int]]) -> str:
    """Statuses with their counts in one line.

    >>> counts([("ok", 3), ("unparsed", 1)])
    'ok 3, unparsed 1'
    """
    return ", ".join(f"{status} {count}" for status, count in statuses)


def plural(count: int, noun: str) -> str:
    """So many of something.

    >>> plural(1, "clip"), plural(2, "clip")
    ('1 clip', '2 clips')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def raised(count: int) -> str:
    """A number as a footnote mark.

    >>> raised(12)
    '¹²'
    """
    return str(count).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
