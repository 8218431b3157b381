"""Reading the tables of a corpus, with one-line errors for what people give by mistake."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ambivox.errors import UsageError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def read_bytes(path: Path) -> bytes:
    """All of a file; a `UsageError` for none, a folder, an unreadable one and a git-lfs pointer."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file: check the path of the corpus") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read ({reason})") from None
    if content.startswith(LFS_POINTER):
        raise UsageError(
            f"{path}: a git-lfs pointer, not the file itself: run 'git lfs pull' where it was cloned"
        )
    return content


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """All of a text file, without its byte order mark; a `UsageError` for one that is not text."""
    content = read_bytes(path)
    if b"\0" in content:
        raise UsageError(f"{path}: a binary file, not text")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}: line {line} is not UTF-8: save the file as UTF-8") from None


def read_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their numbers, which are a spreadsheet's: the header is row 1.

    Spaces around a cell do not count, and rows without any content are passed over.

    Raises:
        UsageError: an unreadable file, columns of the same name, or a row that is longer or shorter than the
            header.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), skipinitialspace=True, strict=True)
    header: list[str] | None = None
    try:
        for number, cells in enumerate(reader, start=1):
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = cells
                for name in header:
                    if header.count(name) > 1:
                        raise UsageError(f"{path}: two columns are called {name!r}: rename one of them")
            elif len(cells) != len(header):
                raise UsageError(
                    f"{path}: row {number}: {len(cells)} cells under {len(header)} columns: quote cells that "
                    "hold a comma"
                )
            else:
                yield number, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num}: not CSV ({error})") from None
