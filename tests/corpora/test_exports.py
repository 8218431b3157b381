"""Exports of other programs: Label Studio projects, audformat databases, and our own templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ambivox.corpora import Corpus, load_audformat, load_corpus, load_label_studio
from ambivox.corpora.guess import guess_corpus
from ambivox.corpora.templates import TEMPLATES
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.raters.truth import truth_from_raters

# Label Studio


def chose(*labels: str, question: str = "emotion", **region: float) -> dict[str, Any]:
    value = {"choices": list(labels)} | region
    return {"from_name": question, "to_name": "audio", "type": "choices", "value": value}


def annotation(by: object, *results: dict[str, Any], skipped: bool = False) -> dict[str, Any]:
    return {"completed_by": by, "was_cancelled": skipped, "result": list(results)}


def export(folder: Path, *tasks: tuple[dict[str, Any], list[dict[str, Any]]]) -> Path:
    path = folder / "project.json"
    listed = [{"id": n, "data": data, "annotations": given} for n, (data, given) in enumerate(tasks, 1)]
    path.write_text(json.dumps(listed))
    return path


def told(corpus: Corpus) -> dict[str, int]:
    return {issue.what: issue.count for issue in corpus.load_issues}


def test_annotations_are_ratings_of_known_raters(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        (
            {"audio": "clips/a.wav", "speaker": "ann"},
            [
                annotation(7, chose("angry")),
                annotation({"id": 9, "email": "x@y"}, chose("angry", "sad")),
                annotation(7.0, skipped=True),
            ],
        ),
        ({"audio": "clips/b.wav"}, [annotation(7, chose("sad")), annotation(9)]),
    )
    assert guess_corpus(path) == "label-studio"
    corpus = load_corpus("label-studio", path)
    first, second = corpus
    assert [(r.rater, r.labels) for r in first.ratings] == [("7", ("angry",)), ("9", ("angry", "sad"))]
    assert (first.id, first.speaker, dict(first.votes)) == ("a", "ann", {"angry": 2, "sad": 1})
    assert [(r.rater, r.labels) for r in second.ratings] == [("7", ("sad",))]
    assert told(corpus) == {
        "annotations that were skipped, left out": 1,
        "ratings without a label (empty, nan, none), left out": 1,
    }
    assert truth_from_raters(corpus, load_emotions("iemocap4"), "mace").p.shape == (2, 4)


def test_regions_are_segments(tmp_path: Path) -> None:
    results = [chose("sad", start=0.0, end=1.5), chose("angry", start=1.5, end=2.0)]
    corpus = load_label_studio(export(tmp_path, ({"audio": "a.wav"}, [annotation(1, *results)])))
    assert [(u.start_s, u.end_s, dict(u.votes)) for u in corpus] == [
        (0, 1.5, {"sad": 1}),
        (1.5, 2, {"angry": 1}),
    ]


@pytest.mark.parametrize(
    "sound",
    [
        "a b.wav",
        "/data/upload/3/0a1b2c3d-a%20b.wav",
        "/data/local-files/?d=speech/a%20b.wav",
        "https://label.example/media/a%20b.wav",
        "s3://bucket/speech/a%20b.wav",
        r"C:\speech\a b.wav",
    ],
)
def test_sound_is_found_by_its_name_wherever_it_was(tmp_path: Path, sound: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a b.wav").touch()
    path = export(tmp_path, ({"audio": sound}, [annotation(1, chose("sad"))]))
    (u,) = load_label_studio(path, audio_folder=str(tmp_path / "here"))
    assert (u.id, u.audio) == ("a b", tmp_path / "here" / "a b.wav")


def test_one_of_several_questions_is_named(tmp_path: Path) -> None:
    path = export(
        tmp_path, ({"audio": "a.wav"}, [annotation(1, chose("sad"), chose("loud", question="noise"))])
    )
    with pytest.raises(UsageError, match=r"several questions \(emotion, noise\): .*question=NAME"):
        load_label_studio(path)
    assert dict(load_label_studio(path, question="emotion").utterances[0].votes) == {"sad": 1}
    with pytest.raises(UsageError, match=r"unknown question of project\.json 'emotoin'.*'emotion'"):
        load_label_studio(path, question="emotoin")


JUNK = [3, [], {}, [3], [{"data": 3}], [{"data": {}}], [{"data": {"audio": "a"}, "annotations": 3}]]
JUNK += [
    [{"data": {"audio": a}, "annotations": [annotation(1, chose("x"))]}] for a in (3, None, "..", "a\0", "/")
]
JUNK += [
    [{"data": {"audio": "a"}, "annotations": [annotation(1, chose("x") | {"value": v})]}]
    for v in (3, {}, None)
]
JUNK += [[{"data": {"audio": "a"}, "annotations": [annotation(1, chose(c))]}] for c in ("a,b", [], {})]  # type: ignore[arg-type]


@pytest.mark.parametrize("content", JUNK, ids=repr)
def test_another_json_is_read_or_refused_in_one_line(tmp_path: Path, content: object) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    fault = ""
    try:
        load_label_studio(path)
    except UsageError as error:
        fault = str(error)
    assert "\n" not in fault


# audformat, in the layout that audformat 1.4 writes

HEADER = """name: crema-d
license: ODbL-1.0
schemes:
  speaker:
    dtype: str
    labels: {'1001': {gender: female, age: 51}, '1002': {gender: male}}
tables:
  emotion.categories.train.gold_standard: {type: filewise, split_id: train, columns: {emotion: {}}}
  emotion.categories.train.votes: {type: filewise, split_id: train, columns: {anger: {}, happiness: {}}}
  emotion.categories.dev.votes: {type: filewise, split_id: dev, columns: {anger: {}, happiness: {}}}
  files: {type: filewise, columns: {speaker: {scheme_id: speaker}}}
"""
TABLES: dict[str, list[dict[str, Any]]] = {
    "emotion.categories.train.gold_standard": [{"file": "wav/1001_A.wav", "emotion": "anger"}],
    "emotion.categories.train.votes": [{"file": "wav/1001_A.wav", "anger": 3, "happiness": 0}],
    "emotion.categories.dev.votes": [{"file": "wav/1002_B.wav", "anger": 1, "happiness": 8}],
    "files": [{"file": "wav/1001_A.wav", "speaker": "1001"}, {"file": "wav/1002_B.wav", "speaker": "1002"}],
}


def database(
    root: Path, ending: str, tables: dict[str, list[dict[str, Any]]] = TABLES, header: str = HEADER
) -> Path:
    root.mkdir(exist_ok=True)
    (root / "db.yaml").write_text(header)
    for name, rows in tables.items():
        path = root / f"db.{name}.{ending}"
        if ending == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            lines = [list(rows[0]), *(list(row.values()) for row in rows)]
            path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    return root


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_votes_of_audformat_are_counts_with_partitions_and_speakers(tmp_path: Path, ending: str) -> None:
    root = database(tmp_path / "db", ending)
    assert guess_corpus(root) == "audformat"
    first, second = corpus = load_corpus("audformat", root)
    assert (corpus.name, corpus.licence, corpus.load_issues) == ("crema-d", "ODbL-1.0", ())
    assert (first.id, first.audio) == ("1001_A", root / "wav" / "1001_A.wav")
    assert [dict(u.votes) for u in corpus] == [{"anger": 3}, {"anger": 1, "happiness": 8}]
    assert [(u.speaker, u.sex, u.partition, u.consensus) for u in corpus] == [
        ("1001", "female", "train", "anger"),
        ("1002", "male", "development", None),
    ]
    assert second.source == f"row {2 if ending == 'csv' else 1} of db.emotion.categories.dev.votes.{ending}"


def test_segments_of_audformat_are_read_from_both_kinds_of_time(tmp_path: Path) -> None:
    header = "name: x\ntables: {seg.votes: {type: segmented, columns: {anger: {}}}}\n"
    rows = [{"file": "a.wav", "start": "0 days 00:00:00.500000", "end": "0 days 00:01:01.500000", "anger": 2}]
    text = load_audformat(database(tmp_path / "t", "csv", {"seg.votes": rows}, header))
    nanoseconds = pa.array([500_000_000]), pa.array([61_500_000_000])
    start, end = (column.cast(pa.duration("ns")) for column in nanoseconds)
    table = pa.table({"file": ["a.wav"], "start": start, "end": end, "anger": [2]})
    database(tmp_path / "p", "csv", {}, header)
    pq.write_table(table, tmp_path / "p" / "db.seg.votes.parquet")
    for corpus in (text, load_audformat(tmp_path / "p")):
        assert [(u.id, u.start_s, u.end_s) for u in corpus] == [("a 0.5-61.5", 0.5, 61.5)]


def test_a_gold_standard_alone_is_one_label_for_each_clip(tmp_path: Path) -> None:
    root = database(tmp_path / "db", "csv")
    corpus = load_audformat(root, table="emotion.categories.train.gold_standard")
    assert [(u.consensus, u.rated) for u in corpus] == [("anger", False)]


def test_pickles_are_never_read(tmp_path: Path) -> None:
    root = database(tmp_path / "db", "csv")
    (root / "db.files.csv").rename(root / "db.files.pkl")
    with pytest.raises(UsageError, match=r"only a pickle, which can run code and is never read: .*parquet"):
        load_audformat(root)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("tables: 3\n", "no tables in it"),
        ("tables: {a: {}}\n", r"no table ends in \.votes or \.gold_standard: .*there are: a"),
        ("tables: {'../x.votes': {}}\n", "is not the name of a table"),
        ("tables: {a.votes: {}}\n", "no such file: copy the database again"),
        ("!!python/object/apply:os.system ['true']\n", "not YAML"),
        ("a: &a [1]\ntables: {a.votes: *a}\n", "aliases .* are not read"),
    ],
)
def test_malformed_headers_are_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_audformat(database(tmp_path / "db", "csv", {}, header))


# Templates


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_example_of_every_template_loads(tmp_path: Path, name: str) -> None:
    template = TEMPLATES[name]
    path = tmp_path / f"mine{template.ending}"
    path.write_text(template.example)
    corpus = load_corpus(guess_corpus(path), path)
    assert len(corpus) >= 1
    assert all(u.rated or u.consensus for u in corpus)
    assert not [issue for issue in corpus.load_issues if issue.fix]
