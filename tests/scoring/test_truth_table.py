from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from ambivox.corpora import load_corpus
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.inspection import utterance_table
from ambivox.readouts import load_readout
from ambivox.record import read_records, write_records
from ambivox.run_folder import Run
from ambivox.scoring import ScoringOptions, score
from ambivox.scoring.truth_table import read_truth_table
from ambivox.table_file import write_table
from tests.scoring.rows import find_row


def table_of(run: Run, path: Path, method: str = "shares") -> Path:
    study = run.study()
    [spec] = study.corpora
    corpus = load_corpus(spec.name, spec.path, **spec.options)
    return write_table(utterance_table(corpus, load_emotions(study.emotions), method), path)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_shares_scores_as_the_votes_do(run: Run, tmp_path: Path, ending: str) -> None:
    plain, given = (
        score(run),
        score(run, ScoringOptions(truth_table=table_of(run, tmp_path / f"truth.{ending}"))),
    )
    for one, other in zip(given.rows, plain.rows, strict=True):
        assert one.utterances == other.utterances
        assert set(one.scores) == set(other.scores)
        for name, found in one.scores.items():
            assert found.value == pytest.approx(other.scores[name].value, nan_ok=True)
    assert any(f"truth: from truth.{ending}" in note.text for note in given.notes)


def test_clips_without_votes_are_scored_against_the_table(run: Run, tmp_path: Path) -> None:
    path = table_of(run, tmp_path / "truth.csv")
    voted = find_row(score(run), "first", "word").value("jsd_bits")
    for shard in sorted((run.folder / "records").glob("*.parquet")):
        records = [
            replace(r, asked=replace(r.asked, utterance=replace(r.asked.utterance, votes={})))
            for r in read_records(shard)
        ]
        write_records(records, shard)
    with pytest.raises(UsageError, match="no clip with votes"):
        score(run)
    row = find_row(score(run, ScoringOptions(truth_table=path)), "first", "word")
    assert row.value("jsd_bits") == pytest.approx(voted)


def test_a_table_of_other_clips_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    labels = [f"truth.{label}" for label in load_emotions(run.study().emotions).labels]
    path.write_text(f"id,{','.join(labels)}\nelsewhere,1{',0' * (len(labels) - 1)}\n")
    with pytest.raises(UsageError, match=r"no clip with a truth in .*truth\.csv"):
        score(run, ScoringOptions(truth_table=path))


def test_smoothed_truth_is_what_is_scored_against(run: Run, tmp_path: Path) -> None:
    table = score(run, ScoringOptions(truth_table=table_of(run, tmp_path / "truth.csv", "dirichlet")))
    readout, values = load_readout("first"), []
    for record in run.records():
        if record.asked.prompt.name == "word":
            counts = (
                np.array(
                    [record.asked.utterance.votes.get(label, 0) for label in record.asked.emotions.labels]
                )
                + 0.5
            )
            values.append(jensenshannon(readout(record).distribution, counts / counts.sum(), base=2) ** 2)
    row = find_row(table, "first", "word")
    assert row.scores["jsd_bits"].value == pytest.approx(np.mean(values), abs=1e-6)
    plain = find_row(score(run), "first", "word")
    assert row.scores["jsd_bits"].value != pytest.approx(plain.scores["jsd_bits"].value)


def test_clips_that_the_table_does_not_hold_are_left_out_and_counted(run: Run, tmp_path: Path) -> None:
    path = table_of(run, tmp_path / "truth.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    table = score(run, ScoringOptions(truth_table=path))
    assert any("1 clips left out: no truth in truth.csv" in note.text for note in table.notes)
    assert {row.utterances for row in table.rows} == {row.utterances - 1 for row in score(run).rows}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,votes\na,1\n", "no columns id and truth.LABEL"),
        ("id,truth.sad,truth.happy\na,0.5,0.5\na,0.5,0.5\n", "'a' stands there twice"),
        ("id,truth.sad,truth.happy\na,0.5,0.5\nb,0.9,0.5\n", "the truth of 'b' is not a distribution"),
        ("id,truth.sad,truth.happy\na,0.5,\n", "the truth of 'a' is not a distribution"),
        ("id,truth.sad,truth.happy\na,x,y\n", "a truth is not a number"),
        ("", "not readable as a table of truth"),
    ],
)
def test_a_table_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=told) as raised:
        read_truth_table(path)
    assert str(path) in str(raised.value)


def test_a_table_about_other_labels_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("id,truth.sad,truth.glad\na,0.5,0.5\n")
    with pytest.raises(UsageError, match="its truth is about sad, glad"):
        score(run, ScoringOptions(truth_table=path))
