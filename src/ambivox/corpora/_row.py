"""One row of a table that describes utterances: which columns there are and how a cell is read."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from ambivox.corpora.corpus import Utterance
from ambivox.errors import UsageError, unknown_name
from ambivox.raters.ratings import Rating

REQUIRED = ("id", "audio")
TEXTS = ("transcript", "speaker", "dialogue", "intended", "sex", "session", "partition")
OPTIONAL = ("start", "end", "turn", *TEXTS)
VOTES_PREFIX = "votes."

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A row of a table and what it says of an utterance; its errors name file, row and column."""

    path: Path
    where: str  # "row 3", or "line 3" of JSONL
    cells: Mapping[str, Any]  # without missing values
    columns: tuple[str, ...]

    def fault(self, column: str, what: str) -> UsageError:
        """The error for a cell."""
        return UsageError(f"{self.path}: {self.where}, column {column!r}: {what}")

    def check_columns(self, ways: dict[str, str]) -> None:
        """Check the names of the columns; ``ways`` collects how the manifest so far gives votes."""
        for column in self.columns:
            if column in ("votes", "ratings"):
                ways[column] = column
            elif column.startswith(VOTES_PREFIX):
                ways[VOTES_PREFIX] = column
                if not column.removeprefix(VOTES_PREFIX).strip():
                    raise UsageError(
                        f"{self.path}: column {column!r} names no label: use for example 'votes.angry'"
                    )
            elif not column:
                raise UsageError(f"{self.path}: a column has no name: name it or leave it out")
            elif column not in REQUIRED + OPTIONAL:
                known = [*REQUIRED, *OPTIONAL, "votes", f"{VOTES_PREFIX}LABEL", "ratings"]
                raise UsageError(f"{self.path}: {self._in_line()}{unknown_name('column', column, known)}")
        if len(ways) > 1:
            both = " and ".join(repr(column) for column in list(ways.values())[:2])
            raise UsageError(f"{self.path}: votes come both in {both}: keep one of them")
        for column in REQUIRED:
            if column not in self.columns:
                hint = " (columns are separated by commas)" if any(";" in c for c in self.columns) else ""
                raise UsageError(
                    f"{self.path}: {self._in_line()}the column {column!r} is missing: add it{hint}"
                )

    def _in_line(self) -> str:
        return f"{self.where}: " if self.where.startswith("line") else ""

    def utterance(self, folder: Path, audio: Path | None = None) -> Utterance:
        """The utterance; its sound is `audio`, or the file that the column names, inside `folder`."""
        for column in REQUIRED if audio is None else ("id",):
            if self.text(column) is None:
                raise self.fault(column, "is empty: every utterance needs one")
        start_s, end_s = self.seconds("start"), self.seconds("end")
        if end_s is not None and end_s <= (start_s or 0):
            raise self.fault("end", f"{end_s:g} s is not after the start, {start_s or 0:g} s")
        texts: dict[str, Any] = {column: self.text(column) for column in TEXTS}
        return Utterance(
            id=self.text("id") or "",
            audio=audio or self.audio(folder),
            start_s=start_s,
            end_s=end_s,
            turn=self.whole("turn", self.cells.get("turn")),
            votes=self.votes(),
            ratings=tuple(Rating(None, (label,)) for label in self.ratings()),
            source=f"{self.where} of {self.path.name}",
            **texts,
        )

    def text(self, column: str) -> str | None:
        """A cell as text; whole numbers are written out."""
        value = self.cells.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and not isinstance(value, str):
            raise self.fault(column, f"{value!r} is not a text")
        return value

    def number(self, column: str, value: Any) -> float | None:
        """A value as a finite number."""
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if value is None or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
        raise self.fault(column, f"{value!r} is not a number")

    def seconds(self, column: str) -> float | None:
        """A cell as seconds from 0 up."""
        value = self.number(column, self.cells.get(column))
        if value is not None and value < 0:
            raise self.fault(
                column, f"{value:g} s is before the beginning of the file: give seconds from 0 up"
            )
        return value

    def whole(self, column: str, value: Any) -> int | None:
        """A value as a whole number."""
        number = self.number(column, value)
        if number is not None and not (number.is_integer() and abs(number) < 2**53):
            raise self.fault(column, f"{number:g} is not a whole number")
        return None if number is None else int(number)

    def audio(self, folder: Path) -> Path:
        """The sound file."""
        given = self.text("audio") or ""
        windows = PureWindowsPath(given)
        outside = bool(windows.anchor) or ".." in windows.parts  # which hold for POSIX paths as well
        try:
            outside = outside or not (folder / given).resolve().is_relative_to(folder)
        except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no file can have
            raise self.fault("audio", f"{given!r} is not a path of a file") from None
        if outside:
            raise self.fault(
                "audio",
                f"{given!r} leaves the manifest's folder: give a path inside it, or move the manifest above "
                "its audio",
            )
        return self.path.parent / given

    def votes(self) -> dict[str, int]:
        """Label -> count, without zeros."""
        if "ratings" in self.cells:
            return dict(Counter(self.ratings()))
        counts: dict[str, int] = {}
        for column, label, value in self._counts():
            count = self.whole(column, value)
            if count is None:
                continue
            if count < 0:
                raise self.fault(column, f"{count} votes: a count is a whole number from 0 up")
            if not label.strip():
                raise self.fault(column, "a label is empty: name it or leave it out")
            if label in counts:
                raise self.fault(column, f"the label {label!r} stands there twice: add its counts up")
            counts[label] = count
        return {label: count for label, count in counts.items() if count}

    def _counts(self) -> Iterator[tuple[str, str, Any]]:
        """Column, label and count as given."""
        for column, value in self.cells.items():
            if column.startswith(VOTES_PREFIX):
                yield column, column.removeprefix(VOTES_PREFIX), value
        given = self.cells.get("votes")
        if isinstance(given, str):
            given = self.parse("votes", given)
        if isinstance(given, list) and all(isinstance(pair, tuple) for pair in given):  # a Parquet map
            yield from (("votes", label, value) for label, value in given)
            return
        if given is not None and not isinstance(given, dict):
            raise self.fault("votes", 'expected an object of label and count, such as {"angry": 3, "sad": 1}')
        for label, value in (given or {}).items():
            yield "votes", label, value

    def ratings(self) -> list[str]:
        """One label for each rater, in their order; empty where counts are given instead."""
        given = self.cells.get("ratings", [])
        if isinstance(given, str):
            given = self.parse("ratings", given) if given.lstrip().startswith("[") else given.split(";")
        if not isinstance(given, list) or not all(isinstance(label, str) for label in given):
            raise self.fault("ratings", 'expected labels, such as angry; sad or ["angry", "sad"]')
        labels = [label.strip() for label in given]
        if not all(labels):
            raise self.fault("ratings", "a label is empty: leave out raters who gave none")
        return labels

    def parse(self, column: str, text: str) -> Any:
        """The JSON in a cell."""
        try:
            return parse_json(text)
        except ValueError as error:
            raise self.fault(column, f"not JSON ({error})") from None


def parse_json(text: str) -> Any:
    """Parse JSON; ValueError, with one line, also for a key that stands twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise ValueError(f"the key {key!r} stands {count} times")
    return dict(pairs)
