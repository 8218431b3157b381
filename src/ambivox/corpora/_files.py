"""Reading the tables and folders of a corpus, with one-line errors for what people give by mistake."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ambivox.corpora.corpus import Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.errors import UsageError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LFS_POINTER_BYTES = 1024
"""A git-lfs pointer is smaller than this, by its specification."""
LFS_MEND = "run 'git lfs install' and 'git lfs pull' in the folder that was cloned"


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


def read_text(path: Path, encoding: str = "utf-8-sig", load_issues: LoadIssues | None = None) -> str:
    """All of a text file, without its byte order mark; a `UsageError` for one that is not text.

    Where load issues are collected, text that is not UTF-8 is read as latin-1, and that, a byte order mark
    and CRLF line ends are counted.
    """
    content = read_bytes(path)
    if b"\0" in content:
        raise UsageError(f"{path}: a binary file, not text")
    if load_issues is not None:
        name = f"{path.parent.name}/{path.name}"
        if content.startswith(b"\xef\xbb\xbf"):
            load_issues.add("files that begin with a byte order mark", name)
        if b"\r\n" in content:
            load_issues.add("files whose lines end in CRLF", name)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if load_issues is not None:
            load_issues.add("files that are not UTF-8, read as latin-1", f"{path.parent.name}/{path.name}")
            return content.decode("latin-1")
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}: line {line} is not UTF-8: save the file as UTF-8") from None


def read_csv(path: Path, load_issues: LoadIssues | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their numbers, which are a spreadsheet's: the header is row 1.

    Spaces around a cell do not count, and rows without any content are passed over. Where load issues are
    collected, a row that is longer or shorter than the header is counted and passed over.

    Raises:
        UsageError: an unreadable file, columns of the same name, or, without load issues, a row that does not
            fit the header.
    """
    text = read_text(path, load_issues=load_issues)
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=load_issues is None)
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
                if load_issues is not None:
                    what = f"rows of {path.name} that do not fit its header, left out"
                    load_issues.add(what, f"row {number}", fix="copy the table again")
                    continue
                raise UsageError(
                    f"{path}: row {number}: {len(cells)} cells under {len(header)} columns: quote cells that "
                    "hold a comma"
                )
            else:
                yield number, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num}: not CSV ({error})") from None


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
            small = entry.stat().st_size < LFS_POINTER_BYTES
            (pointers if small and _is_pointer(path) else files)[stem] = path
    return AudioFiles(files, pointers)


def _is_pointer(path: Path) -> bool:
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
    load_issues.add_all("git-lfs pointers in place of audio", list(audio.pointers), fix=LFS_MEND)
    if require_audio and every and len(silent) == len(every):
        lfs = f"they are git-lfs pointers: {LFS_MEND}" if audio.pointers else "put the audio there"
        raise UsageError(
            f"{where}: none of the {len(every)} rated clips is here: {lfs}, or ask for the votes alone with "
            "require_audio=False"
        )
    left_out = ", left out" if require_audio else ""
    load_issues.add_all(f"rated clips without audio{left_out}", silent, fix=f"copy them into {where.name}")
    known = {u.id for u in every}
    strays = sorted(stem for stem in audio.files if stem not in known)
    load_issues.add_all("audio without votes, left out", strays)
    return tuple(u for u in joined if u.id in audio.files or not require_audio)
