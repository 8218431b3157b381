"""Folders of Hugging Face datasets that are not as ``datasets`` writes them end in one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from ambivox.corpora import load_corpus
from ambivox.errors import AmbivoxError
from tests.corpora.test_hf_datasets import ROWS, save_to_disk, table, write_parquet

SHARD = "data-00000-of-00001.arrow"


def described(name: str, content: object) -> Callable[[Path], None]:
    """A description with this content: text as it is, bytes as they are, all else as JSON."""

    def change(folder: Path) -> None:
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    return change


def shards(*names: object) -> Callable[[Path], None]:
    return described("state.json", {"_data_files": [{"filename": name} for name in names]})


def cut(share: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = (folder / SHARD).read_bytes()
        (folder / SHARD).write_bytes(data[: int(share * len(data))])

    return change


def column(name: str, values: pa.Array) -> Callable[[Path], None]:
    """A column of other values."""

    def change(folder: Path) -> None:
        rows = table(ROWS)
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
        with pa.OSFile(str(folder / SHARD), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)

    return change


def twice(folder: Path) -> None:
    rows = table(ROWS)
    rows = rows.append_column("label", rows["label"])
    with pa.OSFile(str(folder / SHARD), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)


def as_folder(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def as_pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def as_link(target: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / SHARD).unlink()
        (folder / SHARD).symlink_to(target)

    return change


KINDS: dict[str, Callable[[Path], None]] = {
    "state empty": described("state.json", ""),
    "state cut": described("state.json", '{"_data_files": ['),
    "state a list": described("state.json", []),
    "state null": described("state.json", None),
    "state not UTF-8": described("state.json", b"\xff\xfe\x00"),
    "state deep": described("state.json", "[" * 100_000),
    "state with NaN": described("state.json", '{"_data_files": NaN}'),
    "state a folder": as_folder("state.json"),
    "state a pipe": as_pipe("state.json"),
    "shards a number": described("state.json", {"_data_files": 3}),
    "shards without names": described("state.json", {"_data_files": [{}]}),
    "shards as words": described("state.json", {"_data_files": ["a", "b"]}),
    "a shard's name a number": shards(3),
    "a shard's name empty": shards(""),
    "a shard's name a dot": shards("."),
    "a shard elsewhere": shards("../../etc/passwd"),
    "a shard at the root": shards("/etc/passwd"),
    "a shard's name with a null": shards("a\x00b"),
    "a shard's name with half a character": described(
        "state.json", '{"_data_files": [{"filename": "\\ud800"}]}'
    ),
    "a shard's name too long": shards("x" * 5000),
    "a shard that is the description": shards("state.json"),
    "info cut": described("dataset_info.json", '{"features": {'),
    "info a list": described("dataset_info.json", []),
    "info a pipe": as_pipe("dataset_info.json"),
    "features deep": described("dataset_info.json", '{"features":' * 50_000),
    "fewer label names than codes": described(
        "dataset_info.json", {"features": {"label": {"names": ["angry"], "_type": "ClassLabel"}}}
    ),
    "splits a number": described("dataset_dict.json", {"splits": 3}),
    "splits of numbers": described("dataset_dict.json", {"splits": [3]}),
    "a split elsewhere": described("dataset_dict.json", {"splits": ["../.."]}),
    "a split that is not there": described("dataset_dict.json", {"splits": ["train"]}),
    "shard cut": cut(0.5),
    "shard almost empty": cut(0.001),
    "shard empty": cut(0),
    "shard a folder": as_folder(SHARD),
    "shard a pipe": as_pipe(SHARD),
    "shard a link in a circle": as_link(SHARD),
    "shard a device": as_link("/dev/zero"),
    "two columns of one name": twice,
    "audio a number": column("audio", pa.array([1, 2])),
    "audio nested": column("audio", pa.array([[[["a"]]]] * 2)),
    "label not a number": column("label", pa.array([1e308, float("nan")])),
    "label huge": column("label", pa.array([2**62, -(2**62)])),
    "ratings of ratings": column("ratings", pa.array([[[["a"]]]] * 2)),
    "text binary": column("text", pa.array([b"\xff\xfe", b"\x00"])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_malformed_folder_is_one_line_that_names_it(tmp_path: Path, kind: str) -> None:
    save_to_disk(tmp_path / "set", ROWS)
    KINDS[kind](tmp_path / "set")
    with pytest.raises(AmbivoxError) as error:
        load_corpus("datasets", tmp_path / "set", clips=str(tmp_path / "clips"))
    assert "\n" not in str(error.value)
    assert str(tmp_path / "set") in str(error.value)


def test_a_parquet_file_with_features_that_are_no_json_is_read(tmp_path: Path) -> None:
    write_parquet(tmp_path / "set" / "train.parquet", ROWS)
    file = pa.parquet.ParquetFile(tmp_path / "set" / "train.parquet")
    rows = file.read().replace_schema_metadata({b"huggingface": b"[" * 1000})
    shutil.rmtree(tmp_path / "set")
    (tmp_path / "set").mkdir()
    pa.parquet.write_table(rows, tmp_path / "set" / "train.parquet")
    assert len(load_corpus("datasets", tmp_path / "set", clips=str(tmp_path / "clips"))) == 2
