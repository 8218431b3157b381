"""Manifests: a corpus of one's own as one table beside its clips.

The columns are set out at `load_manifest`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ambivox.corpora._files import read_bytes, read_csv, read_text
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.findings import Findings
from ambivox.corpora.ratings import Rating
from ambivox.errors import UsageError, unknown_name

REQUIRED = ("id", "audio")
TEXTS = ("transcript", "speaker", "dialogue", "intended", "sex", "session", "partition")
OPTIONAL = ("start", "end", "turn", *TEXTS)
VOTES_PREFIX = "votes."

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def load_manifest(path: str | Path, *, name: str | None = None, licence: str = "not stated") -> Corpus:
    """Load a corpus from a CSV, JSONL or Parquet file with a row for each utterance.

    ============ ==========================================================================================
    column       holds
    ============ ==========================================================================================
    id           what the utterance is called; needed, each a different one
    audio        the sound file; needed, relative to the manifest's folder and inside it
    start, end   the segment of the file in seconds; empty for the file's beginning or end
    transcript   what is said
    speaker      who says it; intervals and splits keep a speaker's utterances together
    dialogue     which conversation the utterance belongs to
    turn         its place in the dialogue, a whole number
    intended     the emotion that an actor was asked for
    sex          of the speaker, female or male, for splits that balance it
    session      the recording session, for splits that leave one out
    partition    the part of a split of your own: train, development, test
    votes.LABEL  how many raters chose LABEL; one column for each label, empty for 0
    votes        the same in one column: an object of label and count, ``{"angry": 3, "sad": 1}``
    ratings      instead of counts, one label for each rater: ``angry; angry; sad`` or ``["angry", "sad"]``
    ============ ==========================================================================================

    Votes come in one of the three ways, or not at all. A label that is not of the emotion set asked for later
    is kept as a vote outside it. Zero counts are dropped, so that all ways read the same.

    CSV (``.csv``) is comma-separated UTF-8 with or without byte order mark, lines end in LF or CRLF, spaces
    around a cell do not count and an empty cell is a missing value. JSONL (``.jsonl``) has one object per
    line, where null or an absent key is a missing value and blank lines are passed over. Parquet
    (``.parquet``) may hold ``votes`` as struct, map or JSON text and ``ratings`` as list or text.

    A sound file that is missing is no error here: a study reports it as a failed row.

    Args:
        path: the manifest.
        name: what the corpus is called; its file name without the ending if None.
        licence: under which licence the clips are.

    Returns:
        The corpus, in the order of the rows; findings count utterances without votes where others have some.

    Raises:
        UsageError: an unreadable or empty file, a missing, doubled or unknown column, or a cell that makes no
            sense; the message names file, row (in CSV the header is row 1), column and mend.
    """
    path = Path(path)
    folder = path.parent.resolve()
    utterances: list[Utterance] = []
    row_of: dict[str, str] = {}
    ways: dict[str, str] = {}
    for row in _rows(path):
        row.check_columns(ways)
        utterance = row.utterance(folder)
        if utterance.id in row_of:
            raise row.fault(
                "id", f"{utterance.id!r} is the id of {row_of[utterance.id]} too: ids must differ"
            )
        row_of[utterance.id] = row.where
        utterances.append(utterance)
    if not utterances:
        raise UsageError(f"{path}: an empty manifest: it needs a row for each utterance")
    findings = Findings()
    if ways:
        findings.add_all("utterances without votes", [u.id for u in utterances if not u.votes])
    return Corpus(name or path.stem, licence, tuple(utterances), findings.all())


@dataclass(frozen=True)
class _Row:
    path: Path
    where: str  # "row 3", or "line 3" of JSONL
    cells: Mapping[str, Any]  # without missing values
    columns: tuple[str, ...]

    def fault(self, column: str, what: str) -> UsageError:
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

    def utterance(self, folder: Path) -> Utterance:
        for column in REQUIRED:
            if self.text(column) is None:
                raise self.fault(column, "is empty: every utterance needs one")
        start_s, end_s = self.seconds("start"), self.seconds("end")
        if end_s is not None and end_s <= (start_s or 0):
            raise self.fault("end", f"{end_s:g} s is not after the start, {start_s or 0:g} s")
        texts: dict[str, Any] = {column: self.text(column) for column in TEXTS}
        return Utterance(
            id=self.text("id") or "",
            audio=self.audio(folder),
            start_s=start_s,
            end_s=end_s,
            turn=self.whole("turn", self.cells.get("turn")),
            votes=self.votes(),
            ratings=tuple(Rating(None, (label,)) for label in self.ratings()),
            source=f"{self.where} of {self.path.name}",
            **texts,
        )

    def text(self, column: str) -> str | None:
        value = self.cells.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and not isinstance(value, str):
            raise self.fault(column, f"{value!r} is no text")
        return value

    def number(self, column: str, value: Any) -> float | None:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if value is None or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
        raise self.fault(column, f"{value!r} is no number")

    def seconds(self, column: str) -> float | None:
        value = self.number(column, self.cells.get(column))
        if value is not None and value < 0:
            raise self.fault(
                column, f"{value:g} s is before the beginning of the file: give seconds from 0 up"
            )
        return value

    def whole(self, column: str, value: Any) -> int | None:
        number = self.number(column, value)
        if number is not None and not (number.is_integer() and abs(number) < 2**53):
            raise self.fault(column, f"{number:g} is no whole number")
        return None if number is None else int(number)

    def audio(self, folder: Path) -> Path:
        given = self.text("audio") or ""
        windows = PureWindowsPath(given)
        outside = bool(windows.anchor) or ".." in windows.parts  # which hold for POSIX paths as well
        try:
            outside = outside or not (folder / given).resolve().is_relative_to(folder)
        except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no file can have
            raise self.fault("audio", f"{given!r} is no path of a file") from None
        if outside:
            raise self.fault(
                "audio",
                f"{given!r} leaves the manifest's folder: give a path inside it, or move the manifest above "
                "its audio",
            )
        return self.path.parent / given

    def votes(self) -> dict[str, int]:
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
        try:
            return _parse_json(text)
        except ValueError as error:
            raise self.fault(column, f"not JSON ({error})") from None


def _rows(path: Path) -> Iterator[_Row]:
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}
    if path.suffix.lower() not in readers:
        raise UsageError(f"{path}: a manifest ends in {', '.join(readers)}")
    for where, cells in readers[path.suffix.lower()](path):
        given = {column: value for column, value in cells.items() if value is not None and value != ""}
        yield _Row(path, where, given, tuple(cells))


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, cells in read_csv(path):
        yield f"row {number}", cells


def _jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    # not splitlines(), which also splits at characters that may stand inside a JSON string
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = _parse_json(line)
        except ValueError as error:
            raise UsageError(f"{path}: line {number}: not JSON ({error})") from None
        if not isinstance(cells, dict):
            raise UsageError(f'{path}: line {number}: expected an object such as {{"id": ..., "audio": ...}}')
        yield f"line {number}", cells


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    content = read_bytes(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        columns = file.schema_arrow.names
        rows = file.read().to_pylist() if len(set(columns)) == len(columns) else []
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UsageError(f"{path}: not a Parquet file ({reason})") from None
    if len(set(columns)) < len(columns):
        raise UsageError(f"{path}: two columns have the same name: rename one of them")
    for number, cells in enumerate(rows, start=1):
        yield f"row {number}", cells


def _parse_json(text: str) -> Any:
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
