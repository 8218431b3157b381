"""Texts that repeat one piece: what makes a reader slow whose work grows faster than the text.

`benchmarks.answers_fuzz` times them up to a million characters; the tests count the steps that they take.
"""

from __future__ import annotations

REPEATED = {
    "sentence": ("The voice is loud and fast, not sad. ", "word"),
    "pairs": ("angry: 0.7, sad: 30%\n", "dictionary"),
    "open braces": ('{"a":', "dictionary"),
    "open brackets": ("[", "dictionary"),
    "open parentheses": ("(", "letter"),
    "quotes": ('"', "dictionary"),
    "single quotes": ("'", "dictionary"),
    "digits": ("7", "dictionary"),
    "numbers": ("0.7 ", "dictionary"),
    "ranges": ("1-", "dictionary"),
    "hyphens": ("a-", "dictionary"),
    "powers": ("x 10^", "dictionary"),
    "exponents": ("1e", "dictionary"),
    "labels": ("angry ", "dictionary"),
    "labels run together": ("angry", "letter"),
    "labels without a number": ("angry: ", "dictionary"),
    "keys without a label": ("emotion: a, ", "dictionary"),
    "fields": ("emotion: angry\nscore: 0.1\n", "dictionary"),
    "table rows": ("| a | 1 |\n", "dictionary"),
    "table headers": ("emotion,score\n", "dictionary"),
    "bars": ("|", "dictionary"),
    "denials": ("not ", "word"),
    "contractions": ("don't", "dictionary"),
    "first persons": ("I'm a ", "letter"),
    "refusals": ("cannot a a ", "letter"),
    "promises of an answer": ("answer is ", "letter"),
    "tags": ("<think>", "word"),
    "closing tags": ("</think>", "word"),
    "angle brackets": ("<", "word"),
    "articles": ("A a ", "letter"),
    "letters": ("B. ", "letter"),
    "letters alone": ("A ", "letter"),
    "one word": ("n", "letter"),
    "signs": ("angry > ", "ranked"),
    "ranks": ("1. angry\n", "ranked"),
    "Chinese": ("不愤怒，", "free"),
    "combining marks": ("\u0300\u0327", "word"),
    "spaces": (" ", "free"),
    "empty lines": ("\n", "dictionary"),
}
"""What a text repeats, and the format in which it is read."""


def repeated(piece: str, n_characters: int) -> str:
    """A text of about so many characters that repeats a piece.

    >>> repeated("ab", 5)
    'abab'
    """
    return piece * (n_characters // len(piece))
