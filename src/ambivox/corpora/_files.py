"""Reading the tables and folders of a corpus, with one-line errors for what people give by mistake."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ambivox.corpora.corpus import Utterance
from ambivox.corpora.load_issues import WITHOUT_AUDIO, LoadIssues
from ambivox.errors import UsageError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LFS_POINTER_BYTES = 1024
"""A git-lfs pointer is smaller than this, by its specification."""
MOST_BYTES = 2**31
"""No table of a corpus is larger: what is would only fill the memory."""
LFS_FIX = "run 'git lfs install' and 'git lfs pull' in the folder that was cloned"

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHER_KINDS = {
    b"PK\x03\x04": "an Excel workbook or a zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
}
_HEADER_CHARACTERS = 100_000
_DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r'"?sep=(.)"?[^\n]*\r?\n', re.IGNORECASE)


def is_file(path: Path) -> bool:
    """Whether there is a file; a pipe, a device or a name that no file can have is none."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Whether there is anything under a name, however long or odd it is."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path) -> bytes:
    """All of a file; a `UsageError` for none, a folder, a device, an unreadable one and a git-lfs pointer."""
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise UsageError(f"{path}: a pipe or device, not a file: give a file")
        if status.st_size > MOST_BYTES:
            raise UsageError(
                f"{path}: {status.st_size / 2**30:.1f} GiB, more than a table has: cut it in parts"
            )
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


def read_text(
    path: Path, encoding: str | None = None, load_issues: LoadIssues | None = None, *, name_it: bool = False
) -> str:
    """All of a text file, without its byte order mark; a `UsageError` for one that is not text.

    UTF-8 and UTF-16 are told by themselves, other encodings are named.

    Args:
        encoding: of a file that is not Unicode, such as ``latin-1``.
        load_issues: where they are collected, text that is not UTF-8 is read as latin-1; that, a byte order
            mark and CRLF line ends are counted.
        name_it: say in the error that the encoding can be named by an option.
    """
    content = read_bytes(path)
    name = f"{path.parent.name}/{path.name}"
    if load_issues is not None:
        if content.startswith(codecs.BOM_UTF8):
            load_issues.add("files that begin with a byte order mark", name)
        if b"\r\n" in content:
            load_issues.add("files whose lines end in CRLF", name)
    for magic, what in _OTHER_KINDS.items():
        if content.startswith(magic):
            raise UsageError(f"{path}: {what}, not text: save it as CSV in UTF-8")
    found = _unicode(content)
    if found is None and b"\0" in content:
        raise UsageError(f"{path}: a binary file, not text")
    try:
        return content.decode(found or encoding or "utf-8").removeprefix("\ufeff")
    except LookupError:
        raise UsageError(f"{path}: unknown encoding {encoding!r}: try utf-8, cp1252 or latin-1") from None
    except UnicodeError as error:
        if load_issues is not None and found is None:
            load_issues.add("files that are not UTF-8, read as latin-1", name)
            return content.decode("latin-1")
        line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
        by_name = ", or name its encoding (Excel on Windows: encoding=cp1252)" if name_it else ""
        raise UsageError(
            f"{path}: line {line} is not {found or encoding or 'UTF-8'}: save the file as UTF-8{by_name}"
        ) from None


def _unicode(content: bytes) -> str | None:
    """UTF-8 with its mark, or UTF-16 or UTF-32 with and without; None where nothing tells."""
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return name
    start = content[:1000]
    zeros = start.count(0)
    if len(start) >= 4 and zeros >= len(start) // 3 and len(content) % 2 == 0:
        if start[1::2].count(0) == zeros and start[:2] != b"\0\0":
            return "utf-16-le"
        if start[0::2].count(0) == zeros:
            return "utf-16-be"
    return None


@dataclass(frozen=True)
class Csv:
    """A CSV file.

    Args:
        delimiter: what stands between its cells.
        rows: row number, as a spreadsheet counts (the header is row 1), and column -> cell.
    """

    delimiter: str
    rows: Iterator[tuple[int, dict[str, str]]]


def read_csv(path: Path, load_issues: LoadIssues | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of `open_csv`."""
    return open_csv(path, load_issues).rows


def open_csv(path: Path, load_issues: LoadIssues | None = None, encoding: str | None = None) -> Csv:
    """Read a CSV file, whatever stands between its cells: comma, semicolon, tab or bar.

    Excel's line ``sep=;`` and the empty columns that it leaves at the end are passed over, spaces around a
    cell do not count, and neither do rows without any content. Where load issues are collected, a row that is
    longer or shorter than the header is counted and passed over.

    Raises:
        UsageError: an unreadable file, columns of the same name, or, without load issues, a row that does not
            fit the header.
    """
    text = read_text(path, encoding, load_issues, name_it=load_issues is None)
    said = _SEP_LINE.match(text)
    if said:
        text = text[said.end() :]
    delimiter = said[1] if said else _delimiter(text)
    return Csv(delimiter, _csv_rows(path, text, delimiter, load_issues))


def _delimiter(text: str) -> str:
    """What parts the header, which is told by what it has most of outside quotes; the first of equals."""
    header = re.sub(r'"[^"]*"', "", text[:_HEADER_CHARACTERS]).lstrip("\r\n ").partition("\n")[0]
    return max(_DELIMITERS, key=lambda mark: (header.count(mark), -_DELIMITERS.index(mark)))


def _csv_rows(
    path: Path, text: str, delimiter: str, load_issues: LoadIssues | None
) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        skipinitialspace=delimiter != "\t",
        strict=load_issues is None,
    )
    header: list[str] | None = None
    try:
        for number, cells in enumerate(reader, start=1):
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = _without_empty_ends(cells, 1)
                for name in header:
                    if header.count(name) > 1:
                        raise UsageError(f"{path}: two columns are called {name!r}: rename one of them")
                continue
            cells = _without_empty_ends(cells, len(header))
            if len(cells) == len(header):
                yield number, dict(zip(header, cells, strict=True))
            elif load_issues is not None:
                what = f"rows of {path.name} that do not fit its header, left out"
                load_issues.add(what, f"row {number}", fix="copy the table again")
            else:
                mark = {",": "a comma", ";": "a semicolon", "\t": "a tab"}.get(delimiter, repr(delimiter))
                raise UsageError(
                    f"{path}: row {number}: {len(cells)} cells under {len(header)} columns: quote cells that "
                    f"hold {mark}"
                )
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num}: not CSV ({error})") from None


def _without_empty_ends(cells: list[str], least: int) -> list[str]:
    """Without the empty cells at the end, of which at least some stay."""
    last = max((n for n, cell in enumerate(cells, start=1) if cell), default=0)
    return cells[: max(last, least)]


@dataclass(frozen=True)
class AudioFiles:
    """The sound files of a corpus: name without ending -> file, and those that are git-lfs pointers."""

    files: Mapping[str, Path]
    pointers: Mapping[str, Path]


def find_audio(folders: Iterable[Path], endings: Collection[str] = (".wav", ".flac", ".mp3")) -> AudioFiles:
    """The sound files of folders, hidden ones left out; nothing in them is read but what may be a pointer."""
    files: dict[str, Path] = {}
    pointers: dict[str, Path] = {}
    for folder in folders:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            stem, dot, ending = entry.name.rpartition(".")
            if (dot + ending).lower() not in endings or stem.startswith("."):
                continue
            path = Path(entry.path)
            try:
                status = entry.stat()
            except OSError:  # a link to nowhere
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            small = status.st_size < LFS_POINTER_BYTES
            (pointers if small and is_pointer(path) else files)[stem] = path
    return AudioFiles(files, pointers)


def is_pointer(path: Path) -> bool:
    """Whether a small file stands for one that git-lfs keeps."""
    try:
        with path.open("rb") as file:
            return file.read(len(LFS_POINTER)) == LFS_POINTER
    except OSError:
        return False


def join_audio(
    utterances: Iterable[Utterance],
    audio: AudioFiles,
    load_issues: LoadIssues,
    *,
    require_audio: bool,
    where: Path,
) -> tuple[Utterance, ...]:
    """Give each utterance its sound file, by id, and count what is there on one side only.

    Args:
        utterances: in their order; an utterance without a file keeps the path it has.
        audio: what was found.
        load_issues: gets utterances without audio, audio without utterance, and git-lfs pointers.
        require_audio: leave out utterances without audio.
        where: the place of the audio, for messages.

    Raises:
        UsageError: audio is required and no utterance has any.
    """
    every = list(utterances)
    joined = [replace(u, audio=audio.files[u.id]) if u.id in audio.files else u for u in every]
    silent = [u.id for u in every if u.id not in audio.files]
    load_issues.add_all("git-lfs pointers in place of audio", list(audio.pointers), fix=LFS_FIX)
    if require_audio and every and len(silent) == len(every):
        lfs = f"they are git-lfs pointers: {LFS_FIX}" if audio.pointers else "put the audio there"
        raise UsageError(
            f"{where}: none of the {len(every)} rated clips is here: {lfs}, or ask for the votes alone with "
            "require_audio=False"
        )
    left_out = ", left out" if require_audio else ""
    what, fix = f"rated clips without audio{left_out}", f"copy them into {where.name}"
    load_issues.add_all(what, silent, fix=fix, code=WITHOUT_AUDIO)
    known = {u.id for u in every}
    strays = sorted(stem for stem in audio.files if stem not in known)
    load_issues.add_all("audio without votes, left out", strays)
    return tuple(u for u in joined if u.id in audio.files or not require_audio)
