"""Readings of the clips in the formats of tools for annotation: Label Studio and audformat."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ambivox.emotions import EmotionSet
from ambivox.errors import AmbivoxError, UsageError
from ambivox.readouts import Reading, load_readouts
from ambivox.record import Asked
from ambivox.run_folder import Run
from ambivox.scoring.keys import RowKey, prompt_text, read_by, readout_text, request_key
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.parallel import answered
from ambivox.table_file import without_formula
from ambivox.write_aside import write_folder_aside, write_text

LOCAL_FILES = "/data/local-files/?d="
"""How Label Studio names files of a local storage; what follows is relative to its root."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ClipReadings:
    """An utterance with what was read of it, by the name of who read it: model, prompt and readout."""

    asked: Asked
    file: str
    """Its sound file, below the folder that holds all of them."""
    readings: Mapping[str, Reading]


def clip_readings(
    run: Run | str | Path, options: ScoringOptions = DEFAULT_OPTIONS, *, n_processes: int = 1
) -> list[ClipReadings]:
    """What every readout made of the clips themselves, utterance by utterance.

    Raises:
        UsageError: no records, an unknown readout, or several corpora in the run.
    """
    run = run if isinstance(run, Run) else Run(run)
    readouts = load_readouts(run.study().readouts if options.readouts is None else options.readouts)
    found: dict[tuple[str, str], tuple[Asked, dict[str, Reading]]] = {}
    for one in answered(run, readouts, n_processes):
        asked = one.record.asked
        if asked.control != "clip":
            continue
        _, own = found.setdefault((asked.utterance.corpus, asked.utterance.id), (asked, {}))
        for readout, reading in one.readings:
            own[_name(read_by(request_key(one.record), readout), asked)] = reading
    if not found:
        raise UsageError(f"{run.folder}: nothing was asked about the clips themselves")
    if len(corpora := dict.fromkeys(corpus for corpus, _ in found)) > 1:
        raise UsageError(
            f"{run.folder}: several corpora ({', '.join(corpora)}): run each in a study of its own"
        )
    folder = _common_folder([asked.clip.path for asked, _ in found.values()])
    return [
        ClipReadings(asked, Path(os.path.relpath(asked.clip.path, folder)).as_posix(), readings)
        for asked, readings in found.values()
    ]


def _name(key: RowKey, asked: Asked) -> str:
    order = "" if asked.order_seed is None else f" order {asked.order_seed}"
    return f"{key.model} {prompt_text(key)}/{readout_text(key)}{order}"


def _common_folder(paths: Iterable[str]) -> str:
    folders = [str(Path(path).parent) for path in paths]
    try:
        return os.path.commonpath(folders)
    except ValueError:
        raise UsageError("the clips lie on several drives: copy them below one folder") from None


def write_label_studio(clips: Sequence[ClipReadings], path: Path) -> Path:
    """Write tasks with predictions, to be imported into a project of Label Studio.

    A prediction is the label with the largest share, its share the ``score``; the whole distribution is in
    the ``meta`` of the result. Failed readings have no prediction. The project's labels need a control
    ``<Choices name="emotion" toName="audio">`` for ``<Audio name="audio" value="$audio"/>``.

    Source: https://labelstud.io/guide/predictions
    """
    if path.suffix != ".json":
        raise UsageError(f"{path}: Label Studio reads .json: end the name in it")
    write_text(path, json.dumps([_task(clip) for clip in clips], ensure_ascii=False, indent=1) + "\n")
    return path


def _task(clip: ClipReadings) -> dict[str, Any]:
    asked = clip.asked
    data = {
        "audio": LOCAL_FILES + clip.file,
        "utterance": asked.utterance.id,
        "speaker": asked.utterance.speaker,
    }
    predictions = [
        _prediction(name, reading, asked)
        for name, reading in clip.readings.items()
        if reading.distribution is not None
    ]
    return {"data": {k: v for k, v in data.items() if v is not None}, "predictions": predictions}


def _prediction(name: str, reading: Reading, asked: Asked) -> dict[str, Any]:
    assert reading.distribution is not None
    p = np.asarray(reading.distribution)
    segment = {"start": asked.clip.start_s, "end": asked.clip.end_s}
    shares = {label: float(share) for label, share in zip(asked.emotions.labels, p, strict=True)}
    return {
        "model_version": name,
        "score": float(p.max()),
        "result": [
            {
                "from_name": "emotion",
                "to_name": "audio",
                "type": "choices",
                "value": {
                    "choices": [asked.emotions.labels[int(p.argmax())]],
                    **{k: v for k, v in segment.items() if v is not None},
                },
                "meta": {"distribution": shares, "status": reading.status},
            }
        ],
    }


def write_audformat(clips: Sequence[ClipReadings], folder: Path, *, licence: str = "") -> Path:
    """Write a database: a table of shares for each readout, the votes, and who speaks.

    Files are named from the folder that holds all clips: the database belongs there. Votes are in
    ``<corpus>.votes``, as counts of raters by label.

    Raises:
        UsageError: the folder is there already.
        AmbivoxError: it cannot be written.

    Source: https://audeering.github.io/audformat/data-format.html
    """
    if folder.exists():
        raise UsageError(f"{folder}: exists already: name a new folder")
    corpus, emotions = clips[0].asked.utterance.corpus, clips[0].asked.emotions
    segmented = any(one.asked.clip.start_s or one.asked.clip.end_s is not None for one in clips)
    names = list(dict.fromkeys(name for one in clips for name in one.readings))
    tables = dict(zip(_table_names(names), names, strict=True))
    labels = list(dict.fromkeys(label for one in clips for label in one.asked.utterance.votes))
    header = _header(corpus, tables, labels, emotions, segmented=segmented, licence=licence)
    try:
        with write_folder_aside(folder) as aside:
            text = yaml.safe_dump(header, sort_keys=False, allow_unicode=True)
            (aside / "db.yaml").write_text(text, "utf-8")
            for table, name in tables.items():
                rows = [[*_shares(one.readings.get(name), emotions)] for one in clips]
                _write_table(aside / f"db.{table}.csv", clips, (*emotions.labels, "status"), rows, segmented)
            if labels:
                counts = [[one.asked.utterance.votes.get(label, 0) for label in labels] for one in clips]
                _write_table(aside / f"db.{_safe(corpus)}.votes.csv", clips, labels, counts, segmented)
            speakers = [[one.asked.utterance.speaker or ""] for one in clips]
            _write_table(aside / "db.speakers.csv", clips, ["speaker"], speakers, segmented)
    except OSError as error:
        reason = error.strerror or str(error)
        raise AmbivoxError(f"{folder}: cannot be written ({reason}): choose another folder") from None
    return folder


def _header(
    corpus: str,
    tables: Mapping[str, str],
    labels: Sequence[str],
    emotions: EmotionSet,
    *,
    segmented: bool,
    licence: str,
) -> dict[str, Any]:
    kind = "segmented" if segmented else "filewise"
    described: dict[str, Any] = {
        table: {
            "type": kind,
            "description": name,
            "columns": {
                **{label: {"scheme_id": "share", "rater_id": table} for label in emotions.labels},
                "status": {"scheme_id": "status"},
            },
        }
        for table, name in tables.items()
    }
    if labels:
        columns = {label: {"scheme_id": "count"} for label in labels}
        described[f"{_safe(corpus)}.votes"] = {"type": kind, "columns": columns}
    described["speakers"] = {"type": kind, "columns": {"speaker": {"scheme_id": "speaker"}}}
    return {
        "name": corpus,
        "source": "ambivox",
        "usage": "other",
        "description": f"Shares of {', '.join(emotions.labels)} that models gave to the clips of {corpus}",
        **({"license": licence} if licence else {}),
        "raters": {table: {"type": "machine", "description": name} for table, name in tables.items()},
        "schemes": {
            "share": {"dtype": "float", "minimum": 0.0, "maximum": 1.0},
            "count": {"dtype": "int", "minimum": 0},
            "status": {"dtype": "str"},
            "speaker": {"dtype": "str"},
        },
        "tables": described,
    }


def _shares(reading: Reading | None, emotions: EmotionSet) -> Sequence[object]:
    p = None if reading is None else reading.distribution
    shares = [""] * len(emotions) if p is None else [repr(float(share)) for share in p]
    return [*shares, "" if reading is None else reading.status]


def _write_table(
    path: Path,
    clips: Sequence[ClipReadings],
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    segmented: bool,
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", *(("start", "end") if segmented else ()), *columns])
    for one, cells in zip(clips, rows, strict=True):
        times = (_time(one.asked.clip.start_s or 0.0), _time(one.asked.clip.end_s)) if segmented else ()
        texts = [without_formula(cell) if isinstance(cell, str) else cell for cell in cells]
        writer.writerow([without_formula(one.file), *times, *texts])
    path.write_text(out.getvalue(), "utf-8")


def _time(seconds: float | None) -> str:
    """A time as pandas writes it; empty for the end of the file."""
    if seconds is None:
        return ""
    whole, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} days {hour:02d}:{minute:02d}:{second:02d}.{microseconds:06d}"


def _table_names(names: Sequence[str]) -> list[str]:
    """A name that files can have for each, no two alike."""
    found: list[str] = []
    for name in map(_safe, names):
        alike = sum(re.fullmatch(re.escape(name) + r"(-\d+)?", other) is not None for other in found)
        found.append(f"{name}-{alike + 1}" if alike else name)
    return found


def _safe(name: str) -> str:
    return _NOT_IN_NAMES.sub("-", name).strip("-.") or "table"
