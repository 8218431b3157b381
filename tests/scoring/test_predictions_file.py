"""Distributions made elsewhere are scored as the readings of a run are, and bounds are kept or not."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ambivox.corpora import load_crema_d
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.metrics import jsd_bits
from ambivox.raters.distribution import count_votes
from ambivox.scoring import ScoringOptions, keep_gates, parse_gate, score_predictions_file
from ambivox.scoring.gate import GateResult
from ambivox.scoring.predictions_file import read_predictions

EMOTIONS = load_emotions("cremad6")
CORPUS = load_crema_d(Path(__file__).parents[2] / "examples" / "crema-d", votes="voice")
BY_CLIP = ScoringOptions(cluster="clip")


def guesses(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {u.id: rng.dirichlet(np.ones(len(EMOTIONS))) for u in CORPUS}


def write(path: Path, rows: dict[str, np.ndarray], columns: tuple[str, ...] = EMOTIONS.labels) -> Path:
    data = [{"id": name} | dict(zip(columns, map(float, p), strict=True)) for name, p in rows.items()]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(data), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in data), "utf-8")
    else:
        lines = [",".join(data[0]), *(",".join(map(str, row.values())) for row in data)]
        path.write_text("\n".join(lines).replace("nan", "") + "\n", "utf-8")
    return path


def truths() -> np.ndarray:
    counts = np.array([count_votes(u.votes, EMOTIONS).counts for u in CORPUS])
    return counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_the_score_is_that_of_the_metric_whatever_the_kind_of_file(tmp_path, ending):
    rows = guesses()
    table = score_predictions_file([write(tmp_path / f"v{ending}", rows)], CORPUS, EMOTIONS, BY_CLIP)
    expected = jsd_bits([rows[u.id] for u in CORPUS], truths()).mean()
    assert table.rows[-1].value("jsd_bits") == pytest.approx(expected, abs=1e-12)


def test_columns_may_be_named_by_forms_and_come_in_any_order(tmp_path):
    rows = guesses()
    order = [5, 3, 1, 0, 2, 4]
    names = tuple("p.anger" if n == 0 else EMOTIONS.labels[n].upper() for n in order)
    path = write(tmp_path / "v.csv", {name: p[order] for name, p in rows.items()}, names)
    for name, p in read_predictions(path, EMOTIONS).items():
        np.testing.assert_allclose(p, rows[name])


def test_a_table_as_a_spreadsheet_writes_it_is_read(tmp_path):
    rows = {name: np.floor(p * 1000) / 1000 for name, p in guesses().items()}
    rows = {name: np.r_[p[:-1], 1 - p[:-1].sum()] for name, p in rows.items()}
    path = write(tmp_path / "v.csv", rows)
    path.write_text(path.read_text("utf-8").replace(",", ";").replace(".", ","), "utf-16")
    for name, p in read_predictions(path, EMOTIONS).items():
        np.testing.assert_allclose(p, rows[name], atol=1e-12)


def test_clips_without_a_prediction_are_failed_readings(tmp_path):
    rows = guesses()
    missing, empty, *_ = rows
    del rows[missing]
    rows[empty] = np.full(len(EMOTIONS), np.nan)
    row = score_predictions_file([write(tmp_path / "v.csv", rows)], CORPUS, EMOTIONS, BY_CLIP).rows[-1]
    assert (row.utterances, row.failed) == (12, 2)


def _of(change):
    rows = guesses()
    name = next(iter(rows))
    return change(rows, name)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (_of(lambda rows, name: rows | {name: rows[name] * 0.5}), "sums to 0.5"),
        (_of(lambda rows, name: rows | {name: np.array([-0.1, 0.6, 0.5, 0, 0, 0])}), "below 0"),
        (_of(lambda rows, name: rows | {name: np.r_[np.nan, rows[name][1:]]}), "missing or below 0"),
        (_of(lambda rows, name: rows | {"9999_DFA_ANG_XX": rows[name]}), "not an utterance of the corpus"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, rows, said):
    with pytest.raises(UsageError, match=said):
        score_predictions_file([write(tmp_path / "v.csv", rows)], CORPUS, EMOTIONS, BY_CLIP)


def test_a_label_that_the_table_lacks_and_an_id_that_stands_twice_are_refused(tmp_path):
    path = write(tmp_path / "v.csv", guesses(), (*EMOTIONS.labels[:-1], "bored"))
    with pytest.raises(UsageError, match="no column for the label 'sad'"):
        read_predictions(path, EMOTIONS)
    path = write(tmp_path / "v.csv", guesses())
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(UsageError, match="stands there twice"):
        read_predictions(path, EMOTIONS)


def gate(tmp_path: Path, text: str) -> GateResult:
    path = write(tmp_path / "v.csv", guesses())
    [found] = keep_gates(score_predictions_file([path], CORPUS, EMOTIONS, BY_CLIP), [parse_gate(text)])
    return found


def test_an_empty_table_is_told_so(tmp_path):
    (tmp_path / "p.csv").write_text("")
    with pytest.raises(UsageError, match=r"no column id or utterance or clip or file: it has none"):
        read_predictions(tmp_path / "p.csv", EMOTIONS)


def test_a_gate_is_passed_by_the_whole_interval_failed_by_the_score_and_else_undecided(tmp_path):
    found = gate(tmp_path, "jsd_bits<0.5")
    assert found.interval is not None
    low, value, high = found.interval.low, found.value, found.interval.high
    assert low < value < high
    verdicts = {
        f"jsd_bits<{high + 0.01}": "pass",
        f"jsd_bits<{(value + high) / 2}": "undecided",
        f"jsd_bits<{value - 0.01}": "fail",
        f"jsd_bits>{low - 0.01}": "pass",
        f"jsd_bits>{(low + value) / 2}": "undecided",
        f"jsd_bits>{value + 0.01}": "fail",
    }
    assert {text: gate(tmp_path, text).verdict for text in verdicts} == verdicts


@pytest.mark.parametrize(
    ("text", "said"),
    [("vote_ece", "write METRIC<NUMBER"), ("bliss<0.1", "unknown metric"), ("ece=0.1", "write METRIC")],
)
def test_a_gate_that_cannot_be_read_is_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse_gate(text)
