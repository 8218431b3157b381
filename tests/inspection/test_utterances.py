from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ambivox.corpora import Corpus, Utterance, load_iemocap
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, UsageError
from ambivox.inspection import utterance_table
from ambivox.raters.truth import truth_from_raters
from ambivox.scoring.truth_table import read_truth_table
from ambivox.table_file import write_table
from tests.corpora.trees import SMALL, write_iemocap


def test_the_rows_of_crema_d_have_its_votes(rated_crema_d: Corpus) -> None:
    emotions = load_emotions("cremad6")
    rows = utterance_table(rated_crema_d, emotions).to_pylist()
    assert len(rows) == 7_442
    first = rows[0]
    assert (first["id"], first["votes"], first["votes.neutral"], first["votes.happy"]) == (
        "1001_IEO_NEU_XX",
        11,
        10,
        1,
    )
    assert first["raters"] is None
    assert first["truth.neutral"] == pytest.approx(10 / 11)
    assert first["entropy_bits"] == pytest.approx(-(10 / 11) * np.log2(10 / 11) - (1 / 11) * np.log2(1 / 11))
    assert first["standard_error.happy"] == pytest.approx(np.sqrt(10 / 11 * (1 / 11) / 10))
    assert np.mean([row["truth.angry"] for row in rows]).round(3) == 0.143


def test_the_truth_is_that_of_the_method(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL))
    emotions = load_emotions("msp8")
    rows = utterance_table(corpus, emotions, "dawid-skene").to_pylist()
    p = truth_from_raters(corpus, emotions, "dawid-skene").p
    for row, expected in zip(rows, p, strict=True):
        found = [row[f"truth.{label}"] for label in emotions.labels]
        assert found == [None if np.isnan(share) else pytest.approx(share) for share in expected]
    assert [row["raters"] for row in rows[:4]] == [2, 1, 1, None]


def test_what_is_not_defined_is_null() -> None:
    said = [Utterance("a", Path("a"), votes={"sad": 1}), Utterance("b", Path("b"))]
    one, none = utterance_table(Corpus("made-up", "CC0", tuple(said)), load_emotions("iemocap4")).to_pylist()
    assert (one["entropy_bits"], one["standard_error.sad"], one["truth.sad"]) == (0, None, 1)
    assert (none["votes"], none["entropy_bits"], none["truth.sad"]) == (0, None, None)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_is_written_whole(tmp_path: Path, ending: str) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path / "c", SMALL))
    table = utterance_table(corpus, load_emotions("iemocap4"))
    path = write_table(table, tmp_path / "new" / f"t{ending}")
    read = pq.read_table(path) if ending == ".parquet" else pyarrow.csv.read_csv(path)
    assert read.column("id").to_pylist() == [u.id for u in corpus]
    assert read.column("votes.neutral").to_pylist() == table.column("votes.neutral").to_pylist()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_other_endings_and_places_are_refused(tmp_path: Path) -> None:
    table = utterance_table(Corpus("made-up", "CC0", ()), load_emotions("iemocap4"))
    with pytest.raises(UsageError, match=r"t\.xlsx: the table is written as \.csv or \.parquet"):
        write_table(table, tmp_path / "t.xlsx")
    (tmp_path / "file").touch()
    with pytest.raises(AmbivoxError, match="cannot be written"):
        write_table(table, tmp_path / "file" / "t.csv")


def test_the_truth_of_shares_is_the_shares() -> None:
    said = (Utterance("a", Path("a"), shares={"sad": 0.75, "angry": 0.25}),)
    (row,) = utterance_table(Corpus("made-up", "CC0", said), load_emotions("iemocap4")).to_pylist()
    assert (row["votes"], row["truth.sad"], row["standard_error.sad"]) == (0, 0.75, None)
    assert row["entropy_bits"] == pytest.approx(0.8113, abs=1e-4)


def test_a_table_is_never_written_over_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "table.csv"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="is not a plain file"):
        write_table(pa.table({"id": ["a"]}), pipe)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_text_that_a_spreadsheet_would_run_comes_back_as_it_was(tmp_path: Path) -> None:
    ids = ["=1+1", "+a", "-b", "@c", "plain"]
    columns = {"id": ids, "truth.happy": [0.5] * 5, "truth.sad": [0.5] * 5}
    path = write_table(pa.table(columns), tmp_path / "table.csv")
    assert "'=1+1" in path.read_text("utf-8")
    assert list(read_truth_table(path).p) == ids
