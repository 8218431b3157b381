from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ambivox.audio import load_audio
from ambivox.corpora import Corpus, load_corpus, load_datasets
from ambivox.errors import UsageError
from tests.corpora.trees import WORDS

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ["angry", "happy", "sad"]


def sound(seed: int, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(seed).normal(0, 0.1, 3_200), 16_000, format=kind)
    return file.getvalue()


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows with audio inside, raters' labels as words and one label as a code."""
    fields = [("audio", AUDIO), ("label", pa.int64()), ("text", pa.string()), ("gender", pa.string())]
    return pa.Table.from_pylist(rows, schema=pa.schema([*fields, ("ratings", pa.list_(pa.string()))]))


def row(n: int, ratings: list[str], label: int = 0, text: str = "Hello.") -> dict[str, Any]:
    audio = {"bytes": sound(n), "path": f"clip{n}.wav"}
    return {"audio": audio, "label": label, "text": text, "gender": "F", "ratings": ratings}


ROWS = [row(0, ["angry", "angry", "sad"]), row(1, ["sad"], 2)]
FEATURES = {"label": {"names": NAMES, "_type": "ClassLabel"}, "audio": {"_type": "Audio"}}


def save_to_disk(folder: Path, rows: list[dict[str, Any]], shards: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for n in range(shards):
        name = f"data-{n:05d}-of-{shards:05d}.arrow"
        part = table(rows[n::shards])
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, part.schema) as stream:
            stream.write_table(part)
        files.append({"filename": name})
    (folder / "state.json").write_text(json.dumps({"_data_files": files, "_split": None}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noted = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()}
    pq.write_table(table(rows).replace_schema_metadata(noted), path)


def load(path: Path, tmp_path: Path, **options: Any) -> Corpus:
    return load_corpus("datasets", path, clips=str(tmp_path / "clips"), **options)


def found(corpus: Corpus) -> dict[str, int]:
    return {load_issue.what: load_issue.count for load_issue in corpus.load_issues}


def assert_is_rows(corpus: Corpus, partitions: list[str | None]) -> None:
    first, second = corpus
    assert (first.id, second.id) == ("clip0", "clip1")
    assert dict(first.votes) == {"angry": 2, "sad": 1}
    assert [r.labels for r in first.ratings] == [("angry",), ("angry",), ("sad",)]
    assert (first.consensus, second.consensus) == ("angry", "sad")
    assert (first.transcript, first.sex) == ("Hello.", "female")
    assert [u.partition for u in corpus] == partitions
    for n, utterance in enumerate(corpus):
        assert utterance.audio.read_bytes() == sound(n)
        assert len(load_audio(utterance.audio)) == 3_200
    assert corpus.load_issues == ()


def test_a_dataset_saved_to_disk_is_read(tmp_path: Path) -> None:
    save_to_disk(tmp_path / "set", ROWS)
    corpus = load(tmp_path / "set", tmp_path, name="mine", licence="CC0")
    assert_is_rows(corpus, [None, None])
    assert (corpus.name, corpus.licence) == ("mine", "CC0")
    assert corpus.utterances[0].source == "row 1 of data-00000-of-00001.arrow"


def test_saved_splits_become_partitions(tmp_path: Path) -> None:
    for split, part in (("train", ROWS[:1]), ("validation", ROWS[1:])):
        save_to_disk(tmp_path / "set" / split, part)
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation"]}))
    assert_is_rows(load(tmp_path / "set", tmp_path), ["train", "development"])


def test_parquet_shards_and_single_files_are_read(tmp_path: Path) -> None:
    write_parquet(tmp_path / "set" / "data" / "train-00000-of-00002.parquet", ROWS[:1])
    write_parquet(tmp_path / "set" / "data" / "train-00001-of-00002.parquet", ROWS[1:])
    assert_is_rows(load(tmp_path / "set", tmp_path), ["train", "train"])
    write_parquet(tmp_path / "one.parquet", ROWS)
    assert_is_rows(load(tmp_path / "one.parquet", tmp_path), [None, None])


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_folder_of_sound_files_with_metadata_is_read(tmp_path: Path, ending: str) -> None:
    rows = []
    for n, said in enumerate(ROWS):
        (tmp_path / "set" / "train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / "train" / f"clip{n}.wav").write_bytes(sound(n))
        ratings = "; ".join(said["ratings"])
        rows.append({"file_name": f"clip{n}.wav", "text": "Hello.", "gender": "female", "ratings": ratings})
        rows[-1]["label"] = NAMES[said["label"]]
    if ending == ".csv":
        text = "\n".join(",".join(cells) for cells in [list(rows[0]), *(list(r.values()) for r in rows)])
    else:
        text = "\n".join(json.dumps(r) for r in rows)
    (tmp_path / "set" / "train" / f"metadata{ending}").write_text(text + "\n")
    assert_is_rows(load(tmp_path / "set", tmp_path), ["train", "train"])
    assert not (tmp_path / "clips").exists()


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(NAMES), max_size=4), st.integers(0, 2), WORDS),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["saved", "parquet"]),
    st.integers(1, 3),
)
@settings(max_examples=20)
def test_what_is_written_is_what_is_read(
    written: list[tuple[list[str], int, str]], layout: str, shards: int
) -> None:
    rows = [row(n, *facts) for n, facts in enumerate(written)]
    shards = min(shards, len(rows))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if layout == "saved":
            save_to_disk(root / "set", rows, shards)
        else:
            for n in range(shards):
                write_parquet(root / "set" / f"test-{n:05d}-of-{shards:05d}.parquet", rows[n::shards])
        corpus = load(root / "set", root)
        read = {u.id: (dict(u.votes), u.consensus, u.transcript, u.audio.read_bytes()) for u in corpus}
    assert read == {
        f"clip{n}": ({w: r.count(w) for w in r}, NAMES[label], text, sound(n))
        for n, (r, label, text) in enumerate(written)
    }


def test_columns_can_be_named_and_others_are_told(tmp_path: Path) -> None:
    file = pa.table(
        {
            "sound": [{"bytes": sound(0, "FLAC"), "path": None}],
            "votes.sad": [2],
            "who": [7],
            "emotion": ["sad"],
            "loudness": [0.1],
        }
    )
    pq.write_table(file, tmp_path / "m.parquet")
    with pytest.raises(
        UsageError, match=r"m\.parquet: the column 'audio' is missing.*columns\.audio=NAME \(there are: sound"
    ):
        load(tmp_path / "m.parquet", tmp_path)
    columns = {"audio": "sound", "speaker": "who", "intended": "emotion", "consensus": "emotion"}
    (utterance,) = corpus = load(tmp_path / "m.parquet", tmp_path, columns=columns)
    assert (utterance.id, utterance.speaker, utterance.intended) == ("row-0", "7", "sad")
    assert dict(utterance.votes) == {"sad": 2}
    assert utterance.audio.suffix == ".flac"
    assert found(corpus) == {"columns that are not used": 1}
    with pytest.raises(UsageError, match="unknown column of a corpus 'speakr': did you mean 'speaker'"):
        load(tmp_path / "m.parquet", tmp_path, columns={"speakr": "who"})
    with pytest.raises(UsageError, match="no column 'whom' for 'speaker'"):
        load(tmp_path / "m.parquet", tmp_path, columns={"audio": "sound", "speaker": "whom"})


def test_odd_rows_are_counted_and_survived(tmp_path: Path) -> None:
    silent = row(2, ["sad"]) | {"audio": None}
    save_to_disk(tmp_path / "set", [*ROWS, silent, row(0, ["sad"]), row(3, [])])
    corpus = load(tmp_path / "set", tmp_path)
    assert [u.id for u in corpus] == ["clip0 (row-0)", "clip1", "clip0 (row-3)", "clip3"]
    assert found(corpus) == {
        "rows without audio, left out": 1,
        "utterances that repeat the sound of another": 2,
        "utterances without votes": 1,
    }


def test_sound_as_numbers_with_a_rate_is_read_to_the_last_sample(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, (2, 1_600)).astype(np.float32)
    audio = [{"array": s.tolist(), "sampling_rate": 16_000, "path": None} for s in samples]
    path = tmp_path / "arrays.parquet"
    pq.write_table(pa.Table.from_pylist([{"audio": a, "label": "sad"} for a in audio]), path)
    corpus = load(path, tmp_path)
    assert [u.consensus for u in corpus] == ["sad", "sad"]
    for utterance, expected in zip(corpus, samples, strict=True):
        np.testing.assert_array_equal(load_audio(utterance.audio), expected)


def test_numbers_without_a_rate_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "arrays.parquet"
    pq.write_table(pa.Table.from_pylist([{"audio": {"array": [0.0, 0.1], "sampling_rate": None}}]), path)
    with pytest.raises(UsageError, match=r"row 1, column 'audio': a sampling rate of None Hz"):
        load(path, tmp_path)


@pytest.mark.parametrize(
    "feature", [{"feature": FEATURES["label"], "_type": "Sequence"}, [FEATURES["label"]]]
)
def test_lists_of_coded_labels_become_words_and_minus_one_is_no_rating(tmp_path: Path, feature: Any) -> None:
    rows = [{"audio": ROWS[n]["audio"], "ratings": codes} for n, codes in enumerate([[0, 2, -1], [-1, 1]])]
    noted = {"huggingface": json.dumps({"info": {"features": {"ratings": feature}}})}
    path = tmp_path / "codes.parquet"
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(noted), path)
    corpus = load(path, tmp_path)
    assert [dict(u.votes) for u in corpus] == [{"angry": 1, "sad": 1}, {"happy": 1}]
    assert found(corpus) == {"ratings without a label (empty, nan, none), left out": 2}


def test_a_label_coded_minus_one_is_none_and_no_refusal_of_the_rest(tmp_path: Path) -> None:
    rows = [{"audio": ROWS[n]["audio"], "label": code} for n, code in enumerate([-1, 2])]
    noted = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    path = tmp_path / "codes.parquet"
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(noted), path)
    assert [u.consensus for u in load(path, tmp_path)] == [None, "sad"]


def test_rows_whose_files_have_one_name_stay_as_many_utterances(tmp_path: Path) -> None:
    paths = ["DC/a01.wav", "JE/a01.wav", "a01.wav", "a01.wav", r"C:\x\b.wav", r"C:\y\b.wav"]
    rows = [{"audio": {"bytes": sound(n), "path": path}, "label": "sad"} for n, path in enumerate(paths)]
    path = tmp_path / "same.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    ids = [u.id for u in load(path, tmp_path)]
    assert len(set(ids)) == len(rows)
    assert ids[:2] == ["DC/a01", "JE/a01"]


def test_missing_shards_and_pointers_are_told(tmp_path: Path) -> None:
    save_to_disk(tmp_path / "set", ROWS, shards=2)
    (tmp_path / "set" / "data-00001-of-00002.arrow").unlink()
    assert found(load(tmp_path / "set", tmp_path)) == {"shards that are missing": 1}
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4057953\n"
    (tmp_path / "set" / "data-00000-of-00002.arrow").write_bytes(pointer)
    with pytest.raises(
        UsageError, match=r"no dataset here.*git-lfs pointers in place of shards: 1.*git lfs pull"
    ):
        load(tmp_path / "set", tmp_path)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no dataset here"):
        load_datasets(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(UsageError, match=r"x\.parquet: not readable as Arrow or Parquet"):
        load_datasets(tmp_path)
    save_to_disk(tmp_path / "set", ROWS)
    (tmp_path / "set" / "state.json").write_text("{")
    with pytest.raises(UsageError, match=r"state\.json: not JSON"):
        load_datasets(tmp_path / "set")


def test_audio_outside_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "metadata.csv").write_text("file_name,ratings\n../secret.wav,sad\n")
    with pytest.raises(
        UsageError, match=r"row 2, column 'file_name': '\.\./secret\.wav' leaves the table's folder"
    ):
        load(tmp_path / "set", tmp_path)
