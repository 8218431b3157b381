"""A written answer made plain: signs that mean the same become one sign, and what only decorates goes."""

from __future__ import annotations

import html
import re
import unicodedata

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Kana, Han and Hangul for character classes: written without spaces between words."""

_SAME = {
    '"': "“”„‟«»‹›「」『』《》〈〉",
    "'": "‘’‚‛´`′",
    "-": "‐‑‒−﹣",
    "→": "⇒➔➜⟶⟹➡▶",
    ">": "≻▷",
    "<": "≺◁",
    ".": "。｡।։۔٫",
    ",": "،٬",
    ";": "؛",
    "?": "؟",
    "%": "٪",
    "~": "〜∼˜≈≃≅≒",
    "[": "【〔",
    "]": "】〕",
    "*": "⋅∗",
    "\n": "\u2028\u2029\u0085\x0b\x0c",
    " ": "_\t",
}
_SIGNS = {ord(character): sign for sign, characters in _SAME.items() for character in characters}


class _Signs(dict[int, str | None]):
    """What a character becomes; worked out once for each."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            self[code] = str(unicodedata.decimal(character))
        elif category in ("Cf", "Cs", "Me") or 0xFE00 <= code <= 0xFE0F or (code < 32 and character != "\n"):
            self[code] = None  # joiners, marks of direction, variants of emoji
        else:
            self[code] = character
        return self[code]


_TRANSLATION = _Signs(_SIGNS)
_SUPERSCRIPTS = re.compile(r"[⁺⁻]?[⁰¹²³⁴-⁹]+")
# Canonical ordering takes time that grows with the square of a run of marks; no word has so many.
_MARKS = re.compile(r"[^\w\s\x00-\x7f]{20,}")


def plain(text: str) -> str:
    r"""The text in compatibility form (NFKC), with one sign for each kind of quote, dash, digit and space.

    >>> plain("Ｃ： “angry”　７０％, 10⁻¹")
    'C: "angry" 70%, 10^-1'
    """
    if "\\n" in text and "\n" not in text:
        text = text.replace("\\n", "\n")  # an answer that was written into a log and not read back
    if "\\" in text:
        text = text.replace('\\"', '"').replace("\\_", "_")
    if "&" in text:
        text = html.unescape(text)
    if text.isascii():
        return text.replace("\r\n", "\n").replace("\r", "\n").translate(_TRANSLATION)
    text = text.replace("\ufdfa", " ")  # the one character that becomes 18
    text = _SUPERSCRIPTS.sub(lambda match: "^" + unicodedata.normalize("NFKC", match[0]), text)
    text = _MARKS.sub(lambda run: "".join(c for c in run[0] if not unicodedata.combining(c)), text)
    text = unicodedata.normalize("NFKC", text).replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_TRANSLATION)


def lower(text: str) -> str:
    """Lower case, as long as the text itself, so that places in one are places in the other.

    >>> lower("İSTANBUL ΣΑΣ")
    'istanbul σασ'
    """
    return text.replace("İ", "i").lower().replace("ς", "σ")


def blank(text: str, pattern: re.Pattern[str]) -> str:
    """The text with spaces in place of what a pattern matches, line ends kept."""
    return pattern.sub(lambda match: _blanks(match[0]), text)


def _blanks(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))
