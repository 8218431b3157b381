"""Records of a run from before it grew: a longer plan cuts its shards elsewhere, and finds answers here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ambivox.location import make_folder, move_folder, remove_folder
from ambivox.record import Record
from ambivox.run.plan import Planned
from ambivox.run_folder import Run

FOLDER = "before"
"""Beside the records: there while a run that grew is unfinished, with a folder for each time it grew."""

GROWING = ("corpora", "models", "prompts", "controls", "order_seeds")
"""Keys of a study to which levels may be added, anywhere in their list, in the folder of its run."""

_FILES_HELD = 4


def changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The keys in which a study is another one than that which was run, and not the same one grown.

    A corpus may be asked about more of its clips, too, by a larger limit.

    >>> changed_keys({"prompts": ["word"], "seed": 0}, {"prompts": ["letter", "word"], "seed": 1})
    ['seed']
    >>> changed_keys({"corpora": [{"name": "a", "limit": 3}]}, {"corpora": [{"name": "a", "limit": 5}]})
    []
    """
    return [key for key in now if before.get(key) != now[key] and not _grew(key, before.get(key), now[key])]


def _grew(key: str, before: object, now: object) -> bool:
    lists = isinstance(before, list) and isinstance(now, list)
    if key not in GROWING or not lists:
        return False
    return all(any(_holds(level, of_before) for level in now) for of_before in before)  # type: ignore[attr-defined]


def _holds(level: object, before: object) -> bool:
    """Whether a level is that of before, or the same corpus with more of its clips."""
    if level == before or not (isinstance(level, Mapping) and isinstance(before, Mapping)):
        return level == before
    limit, earlier = level.get("limit"), before.get("limit")
    same = {**level, "limit": None} == {**before, "limit": None}
    return same and earlier is not None and (limit is None or limit >= earlier)


def set_aside(run: Run) -> None:
    """Move the records of a run that has grown to where `Earlier` finds them."""
    records = run.folder / "records"
    if records.is_dir() and any(records.iterdir()):
        aside = run.folder / FOLDER
        make_folder(aside)
        n_before = len(list(aside.iterdir())) if aside.is_dir() else 0
        move_folder(records, aside / str(n_before))
        make_folder(records)


class Earlier:
    """What was answered before a run grew, utterance by utterance; nothing where it did not.

    Args:
        run: whose folder is looked into.
        read: reads a file of records; nothing where it is damaged.
    """

    def __init__(self, run: Run, read: Callable[[Path], list[Record]]) -> None:
        self.folder = run.folder / FOLDER
        self.read = lru_cache(_FILES_HELD)(read)
        self.files: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(self.folder.glob("*/*.parquet"), key=str):
            for utterance in dict.fromkeys(map(_utterance, self.read(path))):
                self.files.setdefault(utterance, []).append(path)

    def records(self, planned: Sequence[Planned]) -> list[Record]:
        """All records from before on the utterances of some requests."""
        wanted = dict.fromkeys(_utterance(one.record) for one in planned) if self.files else {}
        paths = dict.fromkeys(path for utterance in wanted for path in self.files.get(utterance, ()))
        return [record for path in paths for record in self.read(path) if _utterance(record) in wanted]


def forget_earlier(run: Run) -> None:
    """Delete what was set aside: the plan is recorded."""
    remove_folder(run.folder / FOLDER)


def _utterance(record: Record) -> tuple[str, str]:
    asked = record.asked.utterance
    return asked.corpus, asked.id
