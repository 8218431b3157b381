"""Scores, readings and claims as Arrow tables hold the numbers of the objects they are made of."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ambivox.errors import UsageError
from ambivox.field_claims import claims
from ambivox.scoring import ScoringOptions, read_run, score_readings
from tests.present.runs import LABELS, Made, make_run
from tests.scoring.rows import find_row

OPTIONS = ScoringOptions(cluster="clip", n_draws=50, metrics=["kl_bits"])


def test_the_arrow_tables_hold_the_numbers_of_the_objects(tmp_path: Path) -> None:
    readings = read_run(make_run(tmp_path / "run", Made(clips=16, prompts=("word",))), OPTIONS)
    scores = score_readings(readings)
    table = scores.to_arrow().to_pylist()
    assert len(table) == len(scores.rows) * len(scores.metrics)
    assert scores.headline == "kl_bits"
    row = find_row(scores, "first", "word")
    [found] = [r for r in table if (r["readout"], r["metric"]) == ("first", "jsd_bits")]
    assert (found["score"], found["low"]) == (row.value("jsd_bits"), row.intervals["jsd_bits"].low)
    assert (found["control"], found["prompt"], found["failed"]) == ("clip", "word", row.failed)
    [ceiling] = [r for r in table if (r["control"], r["metric"]) == ("noise-ceiling", "jsd_bits")]
    assert ceiling["model"] is None
    assert ceiling["score"] > 0
    mean = [r for r in table if r["readout"] == "mean(value=logit, normalise=sum)"]
    assert {(r["score"], r["reason"]) for r in mean} == {(None, "all-failed")}

    [corpus] = readings.corpora
    one = corpus.readings[1]
    own = [r for r in corpus.to_arrow().to_pylist() if r["readout"] == one.key.readout]
    p = np.array([[np.nan if r[f"p.{label}"] is None else r[f"p.{label}"] for label in LABELS] for r in own])
    np.testing.assert_array_equal(p, one.p)
    assert [r["status"] for r in own] == list(one.statuses)

    frame = scores.to_pandas()
    assert frame.loc[frame.metric == "jsd_bits", "score"].notna().sum() > 3


def test_claims_are_rows_of_their_numbers_and_verdicts(tmp_path: Path) -> None:
    found = claims(make_run(tmp_path / "run", Made(clips=16, prompts=("word",))), OPTIONS)
    rows = found.to_arrow().to_pylist()
    verdicts = {claim.name: claim.verdict for claim in found.corpora[0].claims}
    assert {row["claim"]: row["verdict"] for row in rows} == verdicts
    first = found.corpora[0].claims[0].parts[0].interval
    assert (rows[0]["estimate"], rows[0]["p"]) == (first.estimate, first.p)


def test_without_pandas_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = read_run(make_run(tmp_path / "run", Made(clips=4, prompts=("word",))), OPTIONS)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"pandas is not installed: pip install pandas, or take to_arrow"):
        readings.corpora[0].to_pandas()
