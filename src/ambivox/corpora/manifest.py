"""Manifests: a corpus of one's own as one table beside its clips.

The columns are set out at `load_manifest`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ambivox.corpora._files import read_bytes, read_csv, read_text
from ambivox.corpora._row import Row, parse_json
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.errors import UsageError


def load_manifest(
    path: str | Path,
    *,
    name: str | None = None,
    licence: str = "not stated",
    votes_invented: bool = False,
) -> Corpus:
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
        votes_invented: nobody rated; scores then say that they show how things work and nothing of people.

    Returns:
        The corpus, in the order of the rows; load issues count utterances without votes where
        others have some.

    Raises:
        UsageError: an unreadable or empty file, a missing, doubled or unknown column, or a cell that makes no
            sense; the message names file, row (in CSV the header is row 1), column and fix.
    """
    path = Path(path)
    folder = path.parent.resolve()
    utterances: list[Utterance] = []
    row_of: dict[str, str] = {}
    ways: dict[str, str] = {}
    for row in read_rows(path):
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
    load_issues = LoadIssues()
    if ways:
        load_issues.add_all("utterances without votes", [u.id for u in utterances if not u.votes])
    return Corpus(
        name or path.stem, licence, tuple(utterances), load_issues.all(), votes_invented=votes_invented
    )


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV, JSONL or Parquet table, without missing values."""
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}
    if path.suffix.lower() not in readers:
        raise UsageError(f"{path}: a manifest ends in {', '.join(readers)}")
    for where, cells in readers[path.suffix.lower()](path):
        given = {column: value for column, value in cells.items() if value is not None and value != ""}
        yield Row(path, where, given, tuple(cells))


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, cells in read_csv(path):
        yield f"row {number}", cells


def _jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    # not splitlines(), which also splits at characters that may stand inside a JSON string
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            cells = parse_json(line)
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
