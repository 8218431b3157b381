"""Why something is not there: a number, an interval, a test, a verdict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why something is not there, as data; faces choose what to show of it.

    >>> Reason("too-few-clusters", "2 speakers: at least 12 are needed", "run more speakers").code
    'too-few-clusters'
    """

    code: str
    """Short and stable, for programs (``too-few-clusters``); nothing else is to be compared."""
    text: str
    """One line for people, without the fix."""
    fix: str = ""
    """What the user can do about it; empty where nothing can be done."""
