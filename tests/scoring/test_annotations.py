"""Readings for Label Studio and audformat, read back by their loaders; a run described in Croissant."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from ambivox.corpora.audformat import load_audformat
from ambivox.corpora.label_studio import load_label_studio
from ambivox.errors import UsageError
from ambivox.record import read_records, write_records
from ambivox.run import Run
from ambivox.scoring import read_run
from ambivox.scoring.annotations import clip_readings, write_audformat, write_label_studio
from ambivox.scoring.croissant import describe_run, write_croissant
from tests.present.runs import LABELS, Made, make_run
from tests.records import change, note_shards

MADE = Made(clips=8, prompts=("word",), readouts=("label", "first"), controls=("clip", "silence"))

Make = Callable[..., Run]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(**made: object) -> Run:
        return make_run(tmp_path / "run", replace(MADE, **made))  # type: ignore[arg-type]

    return make


def test_each_readout_of_a_clip_is_a_prediction_with_its_distribution(make: Make, tmp_path: Path) -> None:
    run = make()
    tasks = json.loads(write_label_studio(clip_readings(run), tmp_path / "tasks.json").read_text("utf-8"))
    assert len(tasks) == 8
    [corpus] = read_run(run).corpora
    for readout in ("label", "first"):
        [read] = [r for r in corpus.readings if r.key.readout == readout and r.key.control == "clip"]
        for place, task in enumerate(tasks):
            found = [one for one in task["predictions"] if one["model_version"] == f"mini word/{readout}"]
            assert len(found) == (not read.failed[place])
            for one in found:
                [result] = one["result"]
                shares = result["meta"]["distribution"]
                np.testing.assert_array_equal([shares[label] for label in LABELS], read.p[place])
                assert one["score"] == max(shares.values()) == shares[result["value"]["choices"][0]]


def test_a_project_of_the_exported_tasks_has_the_same_clips_and_no_vote_of_a_model(
    make: Make, tmp_path: Path
) -> None:
    run = make(changes={"asked.clip.start_s": 1.5, "asked.clip.end_s": 3.0})
    path = write_label_studio(clip_readings(run), tmp_path / "tasks.json")
    tasks = json.loads(path.read_text("utf-8"))
    assert tasks[0]["predictions"][0]["result"][0]["value"] | {"choices": []} == {
        "choices": [],
        "start": 1.5,
        "end": 3.0,
    }
    for task in tasks:  # a rater says that each is sad
        result = {"from_name": "emotion", "type": "choices", "value": {"choices": ["sad"]}}
        task["annotations"] = [{"completed_by": 7, "result": [result]}]
    path.write_text(json.dumps(tasks), "utf-8")
    corpus = load_label_studio(path, audio_folder=str(tmp_path))
    expected = [record.asked.utterance for record in run.records() if record.asked.control == "clip"]
    assert {(u.id, u.speaker) for u in corpus} == {(u.id, u.speaker) for u in expected}
    assert {tuple(u.votes.items()) for u in corpus} == {(("sad", 1),)}


@pytest.mark.parametrize("times", [(None, None), (1.25, 59.9999999), (3661.5, 90061.0)])
def test_a_database_has_the_votes_and_speakers_of_the_records(
    make: Make, tmp_path: Path, times: tuple[float | None, float | None]
) -> None:
    run = make(changes={"asked.clip.start_s": times[0], "asked.clip.end_s": times[1]})
    folder = write_audformat(clip_readings(run), tmp_path / "db", licence="ODbL")
    corpus = load_audformat(folder, table="crema-d")
    assert (corpus.name, corpus.licence) == ("crema-d", "ODbL")
    found = {
        u.audio.name: ({k: n for k, n in u.votes.items() if n}, u.speaker, u.start_s, u.end_s) for u in corpus
    }
    expected = {
        f"{u.id}.wav": ({k: n for k, n in u.votes.items() if n}, u.speaker, times[0], times[1])
        for u in (record.asked.utterance for record in run.records())
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name][:2] == values[:2]
        assert found[name][2:] == pytest.approx(values[2:], abs=1e-6)


def test_a_database_has_a_table_of_shares_for_each_readout(make: Make, tmp_path: Path) -> None:
    run = make()
    folder = write_audformat(clip_readings(run), tmp_path / "db")
    header = yaml.safe_load((folder / "db.yaml").read_text("utf-8"))
    assert set(header["tables"]) == {"mini-word-label", "mini-word-first", "crema-d.votes", "speakers"}
    assert set(header["raters"]) == {"mini-word-label", "mini-word-first"}
    [corpus] = read_run(run).corpora
    [read] = [r for r in corpus.readings if r.key.readout == "label" and r.key.control == "clip"]
    with (folder / "db.mini-word-label.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, p, status in zip(rows, read.p, read.statuses, strict=True):
        shares = [float(row[label]) if row[label] else np.nan for label in LABELS]
        np.testing.assert_array_equal(shares, p)
        assert row["status"] == status
    assert any(np.isnan(read.p[:, 0]))


def test_names_of_models_become_names_of_files_and_of_no_folder(make: Make, tmp_path: Path) -> None:
    folder = write_audformat(clip_readings(make(model="../../org/a b")), tmp_path / "db")
    names = sorted(path.name for path in folder.iterdir())
    assert "db.org-a-b-word-label.csv" in names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db", "run"]


def test_an_export_that_cannot_be_is_one_line_and_writes_nothing(make: Make, tmp_path: Path) -> None:
    run = make()
    clips = clip_readings(run)
    (tmp_path / "db").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        write_audformat(clips, tmp_path / "db")
    with pytest.raises(UsageError, match=r"Label Studio reads \.json"):
        write_label_studio(clips, tmp_path / "tasks.csv")
    with pytest.raises(UsageError, match=r"end the name in \.json"):
        write_croissant(run, tmp_path / "run.yaml")
    path = run.shard_path(0, 0)
    records = read_records(path)
    other = [change(record, {"asked.utterance.corpus": "other"}) for record in records[-2:]]
    write_records([*records[:-2], *other], path)
    note_shards(run)
    with pytest.raises(UsageError, match="several corpora"):
        clip_readings(run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db", "run"]


def test_a_description_has_the_hash_of_every_file_and_all_fields(make: Make, tmp_path: Path) -> None:
    run = make()
    described = json.loads(write_croissant(run, tmp_path / "croissant.json").read_text("utf-8"))
    assert described == json.loads(json.dumps(describe_run(run)))
    files = {one["contentUrl"]: one["sha256"] for one in described["distribution"] if "sha256" in one}
    shards = {f"records/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in run.shards()}
    assert files == shards
    [records] = described["recordSet"]
    first = pq.read_table(run.shards()[0]).to_pylist()[0]
    for field in records["field"]:
        value = first[field["source"]["extract"]["column"]]
        for part in field["source"].get("transform", {"jsonPath": "$"})["jsonPath"].split(".")[1:]:
            value = None if value is None else value[part]
        kinds = {"sc:Text": str, "sc:Integer": int, "sc:Float": float, "sc:Boolean": bool}
        for one in (value or []) if field.get("repeated") else [value]:
            assert one is None or isinstance(one, kinds[field["dataType"]])
    assert {field["name"] for field in records["field"]} >= {"key", "asked.utterance.id", "reply.text"}
    assert described["license"] == "ODbL"
