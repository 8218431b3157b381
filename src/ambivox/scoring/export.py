"""Every reading of a run as one flat table, with what people voted where they did."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ambivox.emotions import EmotionSet
from ambivox.metrics import entropy_bits
from ambivox.raters.distribution import Array, count_votes
from ambivox.readouts import Reading, Readout, load_readouts
from ambivox.record import Record
from ambivox.run_folder import Run
from ambivox.scoring.arrow import KEY_COLUMNS, key_columns
from ambivox.scoring.gather import Answered
from ambivox.scoring.keys import read_by, request_key
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.parallel import answered
from ambivox.scoring.truths import truth_of
from ambivox.table_file import write_parts

_AT_ONCE = 2_000
"""Records whose rows are held at a time."""

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()


def export_schema(emotions: EmotionSet) -> pa.Schema:
    """The columns of an export: what was read of what, the reading, and what people said.

    ``p.LABEL`` is the distribution (null where there is none, see ``status`` and ``note``), ``mass`` the
    probability on the labels at token level. ``votes.LABEL`` counts votes, ``votes_outside`` those for other
    labels, and ``truth.LABEL`` is what `score` would score against; null where nobody voted.
    """
    labels = emotions.labels
    return pa.schema(
        [
            *(("wording", _TEXT) if name == "wording" else (name, kind) for name, kind in KEY_COLUMNS),
            ("level", _TEXT),
            ("utterance", _TEXT),
            ("speaker", _TEXT),
            ("dialogue", _TEXT),
            ("clip", _TEXT),
            ("start_s", _NUMBER),
            ("end_s", _NUMBER),
            ("order", pa.list_(_TEXT)),
            ("status", _TEXT),
            ("note", _TEXT),
            ("mass", _NUMBER),
            ("entropy_bits", _NUMBER),
            *((f"p.{label}", _NUMBER) for label in labels),
            ("votes_outside", _COUNT),
            *((f"votes.{label}", _COUNT) for label in labels),
            ("truth_entropy_bits", _NUMBER),
            *((f"truth.{label}", _NUMBER) for label in labels),
        ]
    )


def export_readings(
    run: Run | str | Path,
    path: Path,
    options: ScoringOptions = DEFAULT_OPTIONS,
    *,
    n_processes: int = 1,
) -> Path:
    """Write one row per clip, prompt and readout; clips that nobody rated are among them.

    Args:
        run: a run or its directory; it is read shard by shard.
        path: ends in .csv, .parquet or .jsonl.
        options: the readouts (those of the study by default), and what truth is made of.
        n_processes: that read a large run, see `ambivox.scoring.parallel`.

    Raises:
        UsageError: an unknown name, no records, or another ending.
    """
    run = run if isinstance(run, Run) else Run(run)
    readouts = load_readouts(run.study().readouts if options.readouts is None else options.readouts)
    every = answered(run, readouts, n_processes)
    first = next(every)
    schema = export_schema(first.record.asked.emotions)
    parts = _parts(itertools.chain([first], every), schema, options)
    return write_parts(schema, parts, path)


def _parts(every: Iterable[Answered], schema: pa.Schema, options: ScoringOptions) -> Iterator[pa.Table]:
    rest = iter(every)
    while some := list(itertools.islice(rest, _AT_ONCE)):
        rows = [row for one in some for row in _rows(one, options)]
        yield pa.Table.from_pylist(rows, schema=schema)


def _rows(one: Answered, options: ScoringOptions) -> Iterator[dict[str, Any]]:
    asked = one.record.asked
    about = {
        "utterance": asked.utterance.id,
        "speaker": asked.utterance.speaker,
        "dialogue": asked.utterance.dialogue,
        "clip": asked.clip.path,
        "start_s": asked.clip.start_s,
        "end_s": asked.clip.end_s,
        "order": [asked.emotions.labels[n] for n in asked.prompt.order],
    } | _said_by_people(one.record, options)
    for readout, reading in one.readings:
        yield _key(one.record, readout) | about | _reading(reading, asked.emotions)


def _key(record: Record, readout: Readout) -> dict[str, Any]:
    columns = key_columns(read_by(request_key(record), readout))
    worded = ", ".join(f"{label}: {word}" for label, word in columns["wording"])
    return columns | {"wording": worded or None, "level": readout.level}


def _reading(reading: Reading, emotions: EmotionSet) -> dict[str, Any]:
    p = reading.distribution
    return {
        "status": reading.status,
        "note": reading.note or None,
        "mass": reading.mass,
        "entropy_bits": _entropy(p),
    } | _by_label("p", p, emotions)


def _said_by_people(record: Record, options: ScoringOptions) -> dict[str, Any]:
    utterance, emotions = record.asked.utterance, record.asked.emotions
    _, q, _ = truth_of(utterance, emotions, options.outside, options.truth)
    found = _by_label("truth", q, emotions) | {"truth_entropy_bits": _entropy(q)}
    if utterance.votes:
        votes = count_votes(utterance.votes, emotions)
        found |= {f"votes.{label}": n for label, n in zip(emotions.labels, votes.counts, strict=True)}
        found["votes_outside"] = sum(votes.outside.values())
    return found


def _by_label(what: str, p: Array | None, emotions: EmotionSet) -> dict[str, float | None]:
    shares = [None] * len(emotions) if p is None else np.asarray(p).tolist()
    return {f"{what}.{label}": share for label, share in zip(emotions.labels, shares, strict=True)}


def _entropy(p: Array | None) -> float | None:
    return None if p is None else float(entropy_bits(p[None])[0])
