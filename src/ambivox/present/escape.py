"""Text from outside as a terminal may show it: names of files, labels and answers cannot steer it."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Scripts and emoji need these, and they reorder nothing."""


def escaped(text: str) -> str:
    r"""Text with a backslash escape for what controls a terminal, reorders text or cannot be seen or encoded.

    >>> print(escaped("caf\u00e9 \x1b[31mred\n\u202egnp.wav \udcff"))
    café \x1b[31mred\n\u202egnp.wav \udcff
    """
    if text.isprintable():
        return text
    return "".join(_escape(character) if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
