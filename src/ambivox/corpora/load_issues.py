"""What a loader met that was odd or missing: counted, named and survived."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

EXAMPLES = 3
"""How many cases a load issue names."""
LONGEST_EXAMPLE = 80

WITHOUT_AUDIO = "without-audio"
"""Code of the issue that rated clips have no audio file."""


@dataclass(frozen=True)
class LoadIssue:
    """One kind of oddity.

    Args:
        what: the oddity in words, without a number ("rated clips without audio").
        count: how many cases.
        examples: the names of the first few.
        fix: what the user can do about it; empty where nothing needs doing.
        code: for programs that treat this kind in a way of its own; most have none.

    >>> print(LoadIssue("rated clips without audio", 5, ("a.wav", "b.wav"), "copy them"))
    rated clips without audio: 5 (a.wav, b.wav, ...); copy them
    """

    what: str
    count: int
    examples: tuple[str, ...] = ()
    fix: str = ""
    code: str = ""

    @property
    def detail(self) -> str:
        """How many cases, and the first few."""
        rest = ", ..." if self.count > len(self.examples) else ""
        named = f" ({', '.join(self.examples)}{rest})" if self.examples else ""
        return f"{self.count}{named}"

    def __str__(self) -> str:
        return f"{self.what}: {self.detail}" + (f"; {self.fix}" if self.fix else "")


class LoadIssues:
    """Collects load issues while a corpus is read; those of one wording are counted together.

    >>> load_issues = LoadIssues()
    >>> load_issues.add("rows that repeat an earlier one", "row 3")
    >>> load_issues.add("rows that repeat an earlier one", "row 9")
    >>> print(*load_issues.all())
    rows that repeat an earlier one: 2 (row 3, row 9)
    """

    def __init__(self) -> None:
        self._found: dict[str, LoadIssue] = {}

    def add(self, what: str, example: str = "", *, fix: str = "", count: int = 1, code: str = "") -> None:
        """Count a case, and keep its name if it is among the first."""
        if count:
            before = self._found.get(what, LoadIssue(what, 0, fix=fix, code=code))
            examples = before.examples
            if example and len(examples) < EXAMPLES:
                examples = (*examples, _printable(example))
            self._found[what] = replace(before, count=before.count + count, examples=examples)

    def add_all(self, what: str, examples: list[str], *, fix: str = "", code: str = "") -> None:
        """Count a list of cases."""
        for example in examples:
            self.add(what, example, fix=fix, code=code)

    def all(self) -> tuple[LoadIssue, ...]:
        """All load issues in the order in which they first came up."""
        return tuple(self._found.values())


def _printable(text: str) -> str:
    """A name from outside with control characters and what is not Unicode written out, and not too long."""
    shown = text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE] + "..."
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else ascii(c)[1:-1] for c in shown)
