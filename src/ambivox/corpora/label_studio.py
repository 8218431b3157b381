"""Label Studio: the JSON export of a project in which raters chose labels for clips.

Source: https://labelstud.io/guide/export (format "JSON"; predictions are not ratings and are left out).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ambivox.corpora._assemble import Placed, by_rating, finish
from ambivox.corpora._columns import Columns
from ambivox.corpora._files import read_text
from ambivox.corpora._row import Row, parse_json
from ambivox.corpora.corpus import Corpus
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.words import has_control
from ambivox.errors import UsageError, unknown_name
from ambivox.raters.ratings import LabelChoice

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")
"""The name that Label Studio gives to an uploaded file: eight digits, then its own."""


def load_label_studio(
    path: str | Path,
    *,
    name: str | None = None,
    licence: str = "not stated",
    question: str | None = None,
    labels: LabelChoice = "all-labels",
    columns: dict[str, str] | None = None,
    audio_folder: str | None = None,
) -> Corpus:
    """Load a project from its export in the format "JSON", with who gave which label.

    A task is a clip; each of its annotations (`completed_by`) is one rating, with the labels in
    ``result[].value.choices``; choices for a region of the sound (``start``, ``end``) are of that segment.
    Annotations that were skipped are counted and left out. The data of a task may have ``speaker``,
    ``transcript`` and other columns of a manifest.

    Args:
        path: the export.
        name: what the corpus is called; its file name without the ending if None.
        licence: under which licence the clips are.
        question: the name of the choices that are the emotions, where raters answered several questions.
        labels: which of a rater's labels become votes.
        columns: our column -> a key of the tasks' data, for example ``{"audio": "voice"}``.
        audio_folder: where the sound files lie, if not beside the export; paths are matched by their ends,
            and the digits that Label Studio puts before the names of uploaded files do not count.

    Raises:
        UsageError: not such an export, no choices in it, or several questions without `question`.
    """
    path = Path(path)
    load_issues = LoadIssues()
    known = Columns(load_issues, columns, strict=False, by_rating=False)
    root = Path(audio_folder) if audio_folder else path.parent
    placed = list(_placed(path, _tasks(path), question, known, root, load_issues))
    if not placed:
        raise UsageError(f"{path}: no annotation with choices: export the project after people rated it")
    utterances = by_rating(placed, load_issues, labels)
    finish(utterances, load_issues, path, "counts")
    return Corpus(name or path.stem, licence, tuple(utterances), load_issues.all(), labels=labels)


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        tasks = parse_json(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error})") from None
    if not isinstance(tasks, list) or not all(
        isinstance(t, dict) and isinstance(t.get("data"), dict) for t in tasks
    ):
        raise UsageError(
            f"{path}: not a list of Label Studio's tasks with their data: export the project as JSON (not as "
            "JSON-MIN)"
        )
    return tasks


def _placed(
    path: Path,
    tasks: list[dict[str, Any]],
    question: str | None,
    known: Columns,
    root: Path,
    load_issues: LoadIssues,
) -> Iterator[Placed]:
    asked = _question(path, tasks, question)
    for number, task in enumerate(tasks, start=1):
        data = task["data"]
        used = known.of(path, tuple(data))
        where = f"task {task.get('id', number)}"
        base = {ours: data[theirs] for ours, theirs in used.items() if data[theirs] not in (None, "")}
        named = used | {"rater": "completed_by", "label": "choices"}
        sound = Row(path, where, base, named, load_issues).text("audio")
        if sound is None:
            load_issues.add("tasks without sound, left out", where)
            continue
        file = _file(sound, root)
        for annotation in _annotations(task, where, load_issues):
            for start, end, chosen in _choices(annotation, asked):
                cells = base | {"rater": _rater(annotation), "label": chosen}
                cells |= {k: v for k, v in (("start", start), ("end", end)) if v is not None}
                row = Row(path, where, cells, named, load_issues)
                segment = "" if start is None and end is None else f" {start or 0:g}-{end or 0:g}"
                names = (file.stem + segment, f"{file.parent.name}/{file.stem}{segment}", f"{where}{segment}")
                yield Placed(row, file, names)


def _question(path: Path, tasks: list[dict[str, Any]], question: str | None) -> str | None:
    """The name of the choices that count; None where there are none at all."""
    names = {
        str(result.get("from_name")): None
        for task in tasks
        for annotation in _lists(task, "annotations")
        for result in _lists(annotation, "result")
        if isinstance(result.get("value"), dict) and "choices" in result["value"]
    }
    if question is not None and question not in names:
        raise unknown_name(f"question of {path.name}", question, names)
    if question is None and len(names) > 1:
        raise UsageError(
            f"{path}: raters answered several questions ({', '.join(names)}): say which one asks for the "
            "emotion with the option question=NAME"
        )
    return question or next(iter(names), None)


def _annotations(task: dict[str, Any], where: str, load_issues: LoadIssues) -> Iterator[dict[str, Any]]:
    for annotation in _lists(task, "annotations"):
        if annotation.get("was_cancelled"):
            load_issues.add("annotations that were skipped, left out", where)
        else:
            yield annotation


def _choices(annotation: dict[str, Any], question: str | None) -> Iterator[tuple[Any, Any, list[Any]]]:
    """Start, end and labels of each answer; one without labels where the rater gave none."""
    answered = False
    for result in _lists(annotation, "result"):
        value = result.get("value")
        if isinstance(value, dict) and str(result.get("from_name")) == question and "choices" in value:
            answered = True
            chosen = value["choices"]
            yield value.get("start"), value.get("end"), chosen if isinstance(chosen, list) else [chosen]
    if not answered:
        yield None, None, []


def _rater(annotation: dict[str, Any]) -> str:
    by = annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("id", by.get("email"))
    return "" if by is None else str(by)


def _lists(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list of an object; none where it is something else."""
    items = value.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _file(sound: str, root: Path) -> Path:
    """The sound file of a task, below a folder, by as much of the end of its path as is found there."""
    parts = urlsplit(sound.replace("\\", "/"))
    local = parse_qs(parts.query).get("d")
    path = PurePosixPath(unquote(local[0] if local else parts.path))
    names = [part for part in path.parts if part not in ("/", "..")]
    if not names or any(has_control(part) or len(part.encode("utf-8", "replace")) > 255 for part in names):
        raise UsageError(f"{sound[:80]!r} is not the path of a sound file: correct the task's data")
    uploaded = _UPLOADED.fullmatch(names[-1])
    own = uploaded[1] if uploaded else names[-1]
    candidates = [root.joinpath(*names[n:]) for n in range(len(names))] + [root / own]
    there = (c for c in candidates if c.is_file() and c.resolve().is_relative_to(root.resolve()))
    return next(there, root / own)
