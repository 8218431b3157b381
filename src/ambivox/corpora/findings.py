"""What a loader met that was odd or missing: counted, named and survived."""

from __future__ import annotations

from dataclasses import dataclass

EXAMPLES = 3
"""How many cases a finding names."""


@dataclass(frozen=True)
class Finding:
    """One kind of oddity.

    Args:
        what: the oddity in words, without a number ("rated clips without audio").
        count: how many cases.
        examples: the names of the first few.
        mend: what the user can do about it; empty where nothing needs doing.

    >>> print(Finding("rated clips without audio", 5, ("a.wav", "b.wav"), "copy them"))
    rated clips without audio: 5 (a.wav, b.wav, ...); copy them
    """

    what: str
    count: int
    examples: tuple[str, ...] = ()
    mend: str = ""

    def __str__(self) -> str:
        rest = ", ..." if self.count > len(self.examples) else ""
        named = f" ({', '.join(self.examples)}{rest})" if self.examples else ""
        return f"{self.what}: {self.count}{named}" + (f"; {self.mend}" if self.mend else "")


class Findings:
    """Collects findings while a corpus is read; those of one wording are counted together.

    >>> findings = Findings()
    >>> findings.add("rows that repeat an earlier one", "row 3")
    >>> findings.add("rows that repeat an earlier one", "row 9")
    >>> print(*findings.all())
    rows that repeat an earlier one: 2 (row 3, row 9)
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, tuple[str, ...], str]] = {}

    def add(self, what: str, example: str = "", *, mend: str = "", count: int = 1) -> None:
        """Count a case, and keep its name if it is among the first."""
        if count:
            before, examples, first_mend = self._found.get(what, (0, (), mend))
            if example and len(examples) < EXAMPLES:
                examples = (*examples, example)
            self._found[what] = (before + count, examples, first_mend)

    def add_all(self, what: str, examples: list[str], *, mend: str = "") -> None:
        """Count a list of cases."""
        for example in examples:
            self.add(what, example, mend=mend)

    def all(self) -> tuple[Finding, ...]:
        """All findings in the order in which they first came up."""
        return tuple(Finding(what, *found) for what, found in self._found.items())
