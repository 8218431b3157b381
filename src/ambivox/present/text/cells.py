"""Cells of tables: numbers, intervals, and a mark with a footnote where there is not a number."""

from __future__ import annotations

from math import isfinite, isinf

from ambivox.reasons import Reason
from ambivox.statistics import Interval

MISSING = "–"


class Footnotes:
    """Reasons by number, each told once below the tables.

    >>> notes = Footnotes()
    >>> notes.mark("1 speaker"), notes.mark("all failed"), notes.mark("1 speaker")
    ('–¹', '–²', '–¹')
    """

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def mark(self, reason: Reason | str | None) -> str:
        """What stands in place of a number."""
        if not reason:
            return MISSING
        if isinstance(reason, Reason):
            reason = f"{reason.text}: {reason.fix}" if reason.fix else reason.text
        if reason not in self.reasons:
            self.reasons.append(reason)
        return MISSING + raised(self.reasons.index(reason) + 1)


def raised(number: int) -> str:
    """A number as a footnote mark.

    >>> raised(12)
    '¹²'
    """
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def number(value: float | None, *, signed: bool = False) -> str:
    """Three decimals.

    >>> number(0.25, signed=True), number(-0.0001, signed=True), number(float("inf")), number(None)
    ('+0.250', '-0.000', 'inf', '–')
    """
    if value is None or not isfinite(value):
        return ("-inf" if value < 0 else "inf") if value is not None and isinf(value) else MISSING
    return f"{value:+.3f}" if signed else f"{value:.3f}"


def interval(found: Interval | None, notes: Footnotes, *, signed: bool = False) -> str:
    """Both ends with two decimals, or the mark of the reason why there are none.

    >>> interval(Interval(0.3, 0.254, 0.35, 20), Footnotes())
    '[.25 .35]'
    """
    if found is None:
        return ""
    if found.reason:
        return notes.mark(found.reason)
    low, high = (f"{end:+.2f}" if signed else f"{end:.2f}" for end in (found.low, found.high))
    return f"[{_short(low)} {_short(high)}]"


def _short(text: str) -> str:
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text
