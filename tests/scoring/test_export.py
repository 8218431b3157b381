"""An export holds what the readouts read and what people voted, reading by reading."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ambivox.errors import UsageError
from ambivox.metrics import entropy_bits
from ambivox.readouts import load_readouts
from ambivox.scoring import ScoringOptions, export_readings, read_run
from tests.present.runs import Made, make_run

READOUTS = ("label", "first")


def rows_of(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_reading_is_a_row_with_its_distribution_or_why_there_is_none(tmp_path):
    run = make_run(tmp_path / "run", Made(clips=12))
    rows = rows_of(export_readings(run, tmp_path / "e.parquet", ScoringOptions(readouts=READOUTS)))
    readings = [
        (record, readout, readout(record))
        for record in run.records()
        for readout in load_readouts(READOUTS)
        if readout.applies(record)
    ]
    assert len(rows) == len(readings)
    labels = readings[0][0].asked.emotions.labels
    for row, (record, readout, reading) in zip(rows, readings, strict=True):
        assert (row["utterance"], row["readout"]) == (record.asked.utterance.id, readout.spec)
        assert row["status"] == reading.status
        p = [row[f"p.{label}"] for label in labels]
        if reading.distribution is None:
            assert p == [None] * len(labels)
        else:
            np.testing.assert_array_equal(p, reading.distribution)
            assert row["entropy_bits"] == entropy_bits(reading.distribution[None])[0]


def test_its_truth_is_what_scores_are_measured_against(tmp_path):
    run = make_run(tmp_path / "run", Made(clips=12))
    options = ScoringOptions(readouts=READOUTS)
    rows = rows_of(export_readings(run, tmp_path / "e.parquet", options))
    (corpus,) = read_run(run, options).corpora
    scored = dict(zip(corpus.clips.names, zip(corpus.clips.q, corpus.clips.votes, strict=True), strict=True))
    labels = corpus.emotions.labels
    for row in rows:
        q, votes = scored[row["utterance"]]
        np.testing.assert_array_equal([row[f"truth.{label}"] for label in labels], q)
        assert [row[f"votes.{label}"] for label in labels] == votes.tolist()


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_every_kind_of_file_holds_the_same(tmp_path, ending):
    run = make_run(tmp_path / "run", Made(clips=6))
    expected = rows_of(export_readings(run, tmp_path / "e.parquet"))
    found = rows_of(export_readings(run, tmp_path / f"e{ending}"))
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert row["utterance"] == other["utterance"]
        for name in (name for name in other if name.startswith(("p.", "truth."))):
            assert (float(row[name]) if row[name] not in ("", None) else None) == other[name]


def test_clips_that_nobody_rated_are_exported_without_votes(tmp_path):
    run = make_run(tmp_path / "run", Made(clips=6, votes=lambda clip: {}))
    rows = rows_of(export_readings(run, tmp_path / "e.parquet"))
    assert rows
    assert all(row["truth_entropy_bits"] is None and row["votes_outside"] is None for row in rows)


def test_another_ending_is_refused_and_nothing_is_written(tmp_path):
    run = make_run(tmp_path / "run", Made(clips=6))
    with pytest.raises(UsageError, match=r"written as \.csv or \.parquet or \.jsonl"):
        export_readings(run, tmp_path / "e.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
