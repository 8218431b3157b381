"""Records to Parquet and back, and disks and files that fail."""

import errno
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox import record as module
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError
from ambivox.models import LabelTokens, Reply
from ambivox.record import SCHEMA, Record, read_records, write_records

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
number = st.floats(width=64, allow_nan=False)
small = st.integers(0, 2**40)


def asked(draw: Any) -> dict[str, Any]:
    emotions = load_emotions(draw(st.sampled_from(["iemocap4", "cremad6+other"])))
    return {
        **{name: draw(text) for name in ("key", "corpus", "utterance", "clip", "control", "model")},
        **{name: draw(text) for name in ("model_fingerprint", "prompt", "prompt_text", "emotion_set")},
        **{name: draw(st.none() | text) for name in ("speaker", "intended")},
        **{name: draw(st.none() | number) for name in ("start_s", "end_s")},
        "votes": draw(st.dictionaries(text, small, max_size=4)),
        "shares": draw(st.dictionaries(text, number, max_size=4)),
        "consensus": draw(st.none() | text),
        "prompt_version": draw(small),
        "format": draw(st.sampled_from(["word", "free"])),
        "order": tuple(draw(st.permutations(range(len(emotions))))),
        "order_seed": draw(st.none() | small),
        "labels": emotions.labels,
        "forms": emotions.forms,
        "heard": draw(st.none() | text),
        "wording": emotions.labels,
        "transcript": draw(st.booleans()),
        "context_turns": draw(small),
        "temperature": draw(st.none() | number),
    }


@st.composite
def records(draw: Any) -> Record:
    pending = Record(**asked(draw))
    if draw(st.booleans()):
        return pending.failed(draw(text))
    sequences = draw(
        st.lists(st.lists(small, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4, unique=True)
    )
    first = tuple(dict.fromkeys(sequence[0] for sequence in sequences))
    label_tokens = LabelTokens(
        tuple(sequences), (0,) * len(sequences), first, tuple(draw(text) for _ in first)
    )
    steps = draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(small))
    token_logits = (1e4 * rng.standard_normal((steps, len(first)))).astype(np.float32)
    token_logits[:1] = draw(st.sampled_from([0.0, np.inf, -np.inf, np.nan]))
    reply = Reply(
        text=draw(text), token_ids=tuple(range(steps)), token_logits=token_logits,
        logsumexp=rng.standard_normal(steps).astype(np.float32),
        finish=draw(st.sampled_from(["stop", "length"])),
        audio_tokens=draw(small), time_s=draw(number), draws=tuple(draw(st.lists(text, max_size=2))),
    )  # fmt: skip
    if n_layers := draw(st.integers(0, 2)):
        layers = (n_layers, steps, len(first))
        reply = replace(
            reply,
            lens=rng.standard_normal(layers).astype(np.float32),
            lens_logsumexp=rng.standard_normal(layers[:2]).astype(np.float32),
        )
    logp = draw(st.none() | st.just(rng.standard_normal(len(sequences))))
    return pending.answered(reply, label_tokens, logp, draw(st.none() | number))


def assert_same(a: Record, b: Record) -> None:
    for f in fields(Record):
        one, other = getattr(a, f.name), getattr(b, f.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other
            assert type(one) is type(other)


@given(written=st.lists(records(), max_size=4))
def test_records_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("shard") / "part.parquet"
    write_records(written, path)
    back = read_records(path)
    assert len(back) == len(written)
    for a, b in zip(written, back, strict=True):
        assert_same(a, b)


def pending(**other: Any) -> Record:
    emotions = load_emotions("iemocap4")
    return Record(
        key="k", corpus="c", utterance="u1", clip="u1.wav", start_s=None, end_s=None, speaker="s",
        intended=None,
        votes={"sad": 2, "bored": 1}, control="clip", model="m", model_fingerprint="f", prompt="word",
        prompt_version=1, format="word", prompt_text="?", order=(0, 1, 2, 3), order_seed=None,
        emotion_set="iemocap4", labels=emotions.labels, forms=emotions.forms, **other,
    )  # fmt: skip


def test_every_field_of_a_record_is_a_column() -> None:
    names = {f.name for f in fields(Record)} - {"label_tokens"} | {
        f"label_tokens_{f.name}" for f in fields(LabelTokens)
    }
    assert set(SCHEMA.names) == names


def test_a_record_is_failed_until_it_is_answered() -> None:
    record = pending()
    assert (record.status, record.text, record.token_logits) == ("failed", None, None)
    assert record.failed("no such clip").error == "no such clip"


def test_a_folder_named_like_a_column_does_not_enter_the_records(tmp_path: Path) -> None:
    folder = tmp_path / "model=other" / "corpus=other"
    folder.mkdir(parents=True)
    write_records([pending()], folder / "a.parquet")
    assert read_records(folder / "a.parquet") == [pending()]


def only_file(folder: Path) -> bytes:
    (path,) = folder.iterdir()
    return path.read_bytes()


def no_space(*args: Any, **options: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def half_written(table: Any, where: Path, **options: Any) -> None:
    where.write_bytes(b"PAR1 and then")
    no_space()


@pytest.mark.parametrize(
    ("target", "name", "fake"), [(module.pq, "write_table", half_written), (Path, "replace", no_space)]
)
def test_a_full_disk_leaves_no_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: Any, name: str, fake: Any
) -> None:
    monkeypatch.setattr(target, name, fake)
    with pytest.raises(AmbivoxError, match="No space left on device") as error:
        write_records([pending()], tmp_path / "a.parquet")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_shard_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    write_records([pending()], path)
    before = only_file(tmp_path)
    monkeypatch.setattr(module.pq, "write_table", half_written)
    with pytest.raises(AmbivoxError):
        write_records([pending(), pending()], path)
    assert only_file(tmp_path) == before


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AmbivoxError, match="cannot be written"):
        write_records([pending()], tmp_path / "no" / "a.parquet")


def test_text_that_is_not_unicode_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(AmbivoxError, match="is not Unicode text") as error:
        write_records([replace(pending(), clip="caf\udcc3.wav")], tmp_path / "a.parquet")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_records_of_another_version_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(SCHEMA.with_metadata({"ambivox_schema": "0"}).empty_table(), path)
    with pytest.raises(AmbivoxError, match="version 0, this program reads version 4"):
        read_records(path)


def test_parquet_of_another_program_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(AmbivoxError, match="version none"):
        read_records(path)


def test_missing_columns_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_records([pending()], path)
    pq.write_table(pq.read_table(path).drop_columns(["text"]), path)
    with pytest.raises(AmbivoxError, match="columns"):
        read_records(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"key,text\n1,sad\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_file_that_is_not_parquet_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(AmbivoxError, match=r"a\.parquet: not readable as a shard") as error:
        read_records(path)
    assert "\n" not in str(error.value)


def test_a_missing_shard_is_said(tmp_path: Path) -> None:
    with pytest.raises(AmbivoxError, match="not readable"):
        read_records(tmp_path / "none.parquet")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_shard_is_said(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.parquet"
    write_records([pending()] * 20, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AmbivoxError, match="not readable"):
        read_records(path)


def test_a_flipped_bit_in_the_data_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rng = np.random.default_rng(0)
    many = [replace(pending(), text=rng.bytes(200).hex()) for _ in range(20)]
    write_records(many, path)
    place = pq.ParquetFile(path).metadata.row_group(0).column(SCHEMA.names.index("text")).data_page_offset
    data = bytearray(path.read_bytes())
    data[place + 500] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(AmbivoxError, match="not readable"):
        read_records(path)
