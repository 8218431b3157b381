"""Read many clips into a file of JSON lines; the same call goes on with what is there."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from ambivox.errors import AmbivoxError, UsageError
from ambivox.run.hold import Progress, Report
from ambivox.run.read_clip import BATCH_SIZE, Reader
from ambivox.write_aside import write_aside


def read_to_file(
    clips: Sequence[str | Path],
    reader: Reader,
    path: Path,
    *,
    batch_size: int = BATCH_SIZE,
    report: Report = lambda progress: None,
) -> Progress:
    """Read clips, and append a line for each to a file.

    A line is `ClipReading.to_dict` with what was asked (`Reader.asked`), and stands in the file as soon as
    its batch is answered. A clip whose answers are there is not asked about again unless its sound has
    changed; one that failed is. Lines about other clips stay.

    Args:
        clips: paths; one that is given twice is read once.
        reader: who is asked what.
        path: the file; a last line that was cut off is dropped.
        batch_size: clips that are asked about together.
        report: told about the progress after every batch.

    Returns:
        How many clips have a line, how many of them failed, and how many were there before.

    Raises:
        UsageError: the file holds something else, or answers to something else; or another process writes it.
        AmbivoxError: it cannot be read or written.
    """
    wanted = list(dict.fromkeys(map(str, clips)))
    asked = json.loads(json.dumps(reader.asked()))
    with _locked(path):
        done = _tidied(path, reader, asked, set(wanted))
        waiting = iter([clip for clip in wanted if clip not in done])
        progress = Progress(len(done), 0, len(wanted), len(done))
        report(progress)
        while batch := list(itertools.islice(waiting, batch_size)):
            results = reader.batch([(clip, clip) for clip in batch])
            _append(path, (result.to_dict() | {"asked": asked} for result in results))
            failed = progress.failed + sum(result.error is not None for result in results)
            progress = Progress(progress.done + len(batch), failed, len(wanted), len(done))
            report(progress)
    return progress


def _tidied(path: Path, reader: Reader, asked: dict[str, Any], wanted: set[str]) -> set[str]:
    """The clips that need not be asked about; lines of those that do are taken out of the file."""
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be read ({error.strerror})") from None
    whole, end, cut_off = content.rpartition(b"\n")
    lines = (whole + end).splitlines(keepends=True)
    kept, done = [], set()
    for n, line in enumerate(lines, 1):
        answer = _parsed(line, f"{path}, line {n}")
        others = [name for name, value in asked.items() if answer["asked"].get(name) != value]
        if others:
            raise UsageError(
                f"{path}, line {n}: answers with another {' and '.join(others)}: choose another file"
            )
        clip = answer["clip"]
        if clip in wanted:
            if answer["error"] or _keys(answer) != reader.keys(Path(clip)):
                continue
            done.add(clip)
        kept.append(line)
    if len(kept) < len(lines) or cut_off:
        with write_aside(path) as aside:
            aside.write_bytes(b"".join(kept))
    return done


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        answer = json.loads(line)
        if isinstance(answer["clip"], str) and isinstance(answer["asked"], dict) and "error" in answer:
            _keys(answer)
            return answer  # type: ignore[no-any-return]
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UsageError(f"{where}: not a line that 'ambivox read -o' writes: choose another file")


def _keys(answer: dict[str, Any]) -> list[str]:
    return [one["key"] for one in answer["answers"].values()]


def _append(path: Path, answers: Iterable[dict[str, Any]]) -> None:
    lines = "".join(f"{json.dumps(answer)}\n" for answer in answers)
    try:
        with path.open("ab") as file:
            file.write(lines.encode("ascii"))
    except OSError as error:
        raise AmbivoxError(
            f"{path}: cannot be written ({error.strerror}): make room; the same command goes on"
        ) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file, so that no other process writes into it."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a plain file; give the name of one")
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UsageError(f"{path}: another process writes into it: wait for it, or choose another") from None
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be written ({error.strerror}): choose another file") from None
    try:
        yield
    finally:
        lock.release()
