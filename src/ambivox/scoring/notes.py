"""What a reader must know beside the numbers, as data."""

from __future__ import annotations

from dataclasses import dataclass

from ambivox.scoring.keys import RowKey


@dataclass(frozen=True)
class Note:
    """A note or a caution: on one row, on a corpus, or on all of a table.

    Args:
        code: short and stable, for programs (``votes-outside``); nothing else is to be compared.
        text: one line for people, which does not repeat what it is about.
        corpus: which one it is about; empty for all.
        key: which row it is about; None for all of the corpus.
        run: which run it is about, where several stand in one table; empty for all.
    """

    code: str
    text: str
    corpus: str = ""
    key: RowKey | None = None
    run: str = ""
