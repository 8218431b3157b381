"""audformat: databases of audb, a header ``db.yaml`` beside tables of votes and gold standards.

Source: https://audeering.github.io/audformat; only CSV and Parquet tables are read, pickles never.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from ambivox.corpora._assemble import Placed, by_clip, finish
from ambivox.corpora._files import is_file
from ambivox.corpora._row import Row
from ambivox.corpora.corpus import Corpus
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.tables import Table, read_table
from ambivox.errors import UsageError
from ambivox.yaml_file import read_mapping

HEADER = "db.yaml"
VOTES, GOLD = ".votes", ".gold_standard"

_PARTS = {"dev": "development", "devel": "development", "validation": "development"}
_DELTA = re.compile(r"(?:(\d+) days? )?(\d+):(\d+):(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)")
_Place = tuple[str, float | None, float | None]
"""A file, and the start and end of the segment in seconds."""


def load_audformat(root: str | Path, *, table: str | None = None) -> Corpus:
    """Load a database that audformat wrote, such as audb's CREMA-D from version 1.2.0.

    Reads the votes of the tables ``<table>[.<split>].votes``, one column per label with counts of raters.
    The published label comes from ``<table>[.<split>].gold_standard``, speakers from a table with a column
    ``speaker``, where these are there. Where there are no votes, the gold standard alone is read.

    Args:
        root: the folder that holds ``db.yaml``.
        table: which tables, by the beginning of their names (``emotion.categories``); all of them if None.

    Raises:
        UsageError: no header here, no table of votes or gold standard, a table that is a pickle, or a cell
            that makes no sense.
    """
    root = Path(root)
    header = read_mapping(root / HEADER, "an audformat database")
    tables = header.get("tables")
    if not isinstance(tables, dict) or not all(isinstance(name, str) for name in tables):
        raise UsageError(f"{root / HEADER}: no tables in it: copy the database again")
    wanted = [name for name in tables if table is None or name == table or name.startswith(f"{table}.")]
    votes = [name for name in wanted if name.endswith(VOTES)]
    golds = [name for name in wanted if name.endswith(GOLD)]
    if not votes and not golds:
        raise UsageError(
            f"{root}: no table ends in {VOTES} or {GOLD}: name one with the option table (there are: "
            f"{', '.join(tables)})"
        )
    load_issues = LoadIssues()
    labels = {place: label for name in golds for place, label in _gold(root, name)}
    speakers, sexes = _speakers(root, header, tables, load_issues)
    placed = []
    for name in votes or golds:
        path, read = _read(root, name)
        for where, cells in read.rows:
            place = _place(cells, path, where)
            given: dict[str, Any] = {f"votes.{label}": n for label, n in _votes(cells) if votes}
            speaker = speakers.get(place[0])
            facts = {
                "audio": place[0],
                "start": place[1],
                "end": place[2],
                "consensus": labels.get(place, labels.get((place[0], None, None))),
                "speaker": speaker,
                "sex": sexes.get(speaker or ""),
                "partition": _partition(tables[name], name),
            }
            given |= {ours: value for ours, value in facts.items() if value is not None}
            row = Row(path, where, given, {"audio": "file"}, load_issues)
            audio = row.audio(root.resolve())
            segment = "" if place[1] is None and place[2] is None else f" {place[1] or 0:g}-{place[2] or 0:g}"
            names = (audio.stem + segment, f"{Path(place[0]).with_suffix('')}{segment}", f"{name} {where}")
            placed.append(Placed(row, audio, names))
    utterances = by_clip(placed, load_issues)
    finish(utterances, load_issues, root, "counts")
    licence = str(header.get("license") or "not stated")
    return Corpus(str(header.get("name") or root.name), licence, tuple(utterances), load_issues.all())


def _read(root: Path, name: str) -> tuple[Path, Table]:
    if re.search(r"[/\\\0]", name):
        raise UsageError(f"{root / HEADER}: {name!r} is not the name of a table: copy the database again")
    paths = [root / f"db.{name}.{ending}" for ending in ("parquet", "csv")]
    for path in paths:
        if is_file(path):
            return path, read_table(path)
    pickled = is_file(root / f"db.{name}.pkl")
    hint = (
        "there is only a pickle, which can run code and is never read: save the database with "
        "storage_format='parquet'"
        if pickled
        else "copy the database again"
    )
    raise UsageError(f"{paths[0]}: no such file: {hint}")


def _gold(root: Path, name: str) -> Iterator[tuple[_Place, str]]:
    path, table = _read(root, name)
    column = "emotion" if "emotion" in table.columns else next(iter(_others(table.columns)), "")
    for where, cells in table.rows:
        if isinstance(cells.get(column), str):
            yield _place(cells, path, where), cells[column]


def _votes(cells: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for label in _others(tuple(cells)):
        if cells[label] is not None and cells[label] != "":
            yield label, cells[label]


def _others(columns: tuple[str, ...]) -> list[str]:
    return [column for column in columns if column not in ("file", "start", "end")]


def _place(cells: Mapping[str, Any], path: Path, where: str) -> _Place:
    file = cells.get("file")
    if not isinstance(file, str) or not file:
        raise UsageError(f"{path}: {where}: no file: copy the database again")
    return file, _seconds(cells.get("start"), path, where), _seconds(cells.get("end"), path, where)


def _seconds(value: Any, path: Path, where: str) -> float | None:
    """A time as audformat writes it: a duration in Parquet, ``0 days 00:00:01.5`` in CSV."""
    if value is None or value == "" or value == "NaT":
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    found = _DELTA.fullmatch(str(value))
    if found is None:
        raise UsageError(f"{path}: {where}: {value!r} is not a time such as '0 days 00:00:01.5'")
    if found[5]:
        return float(found[5])
    return int(found[1] or 0) * 86_400 + int(found[2]) * 3_600 + int(found[3]) * 60 + float(found[4])


def _speakers(
    root: Path, header: Mapping[str, Any], tables: Mapping[str, Any], load_issues: LoadIssues
) -> tuple[dict[str, str], dict[str, str]]:
    """File -> speaker, from the first table that tells, and speaker -> sex, from the scheme of speakers."""
    schemes = header.get("schemes")
    scheme = schemes.get("speaker") if isinstance(schemes, dict) else None
    people = scheme.get("labels") if isinstance(scheme, dict) else None
    sexes = {
        str(speaker): str(facts.get("gender", facts.get("sex")))
        for speaker, facts in (people.items() if isinstance(people, dict) else ())
        if isinstance(facts, dict) and facts.get("gender", facts.get("sex"))
    }
    for name, facts in tables.items():
        columns = facts.get("columns") if isinstance(facts, dict) else None
        if isinstance(columns, dict) and "speaker" in columns:
            path, table = _read(root, name)
            pairs = ((_place(cells, path, where)[0], cells.get("speaker")) for where, cells in table.rows)
            return {file: str(speaker) for file, speaker in pairs if speaker not in (None, "")}, sexes
    load_issues.add("no table has a column of speakers, so none is known", str(root.name))
    return {}, sexes


def _partition(facts: object, name: str) -> str | None:
    split = facts.get("split_id") if isinstance(facts, dict) else None
    if split is None:  # as in "emotion.categories.train.votes"
        part = name.removesuffix(VOTES).removesuffix(GOLD).rpartition(".")[2]
        split = part if part in ("train", "dev", "test") else None
    return None if split is None else _PARTS.get(str(split), str(split))
