"""Records to Parquet and back, and disks and files that fail."""

import errno
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox import record as module
from ambivox.audio import AudioCaution
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError
from ambivox.models import LabelTokens, Reply
from ambivox.prompts import RenderedPrompt
from ambivox.reasons import Reason
from ambivox.record import (
    SCHEMA,
    Asked,
    AskedClip,
    AskedModel,
    AskedUtterance,
    Record,
    Sound,
    read_batches,
    read_records,
    write_records,
)
from tests.records import change

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
number = st.floats(width=64, allow_nan=False)
small = st.integers(0, 2**40)


def asked(draw: Any, label_tokens: LabelTokens) -> Asked:
    emotions = load_emotions(draw(st.sampled_from(["iemocap4", "cremad6+other"])))
    votes = draw(st.dictionaries(text, small, max_size=4))
    shares = draw(st.dictionaries(text, number, max_size=4))
    optional = [draw(st.none() | text) for _ in range(4)]
    order = tuple(draw(st.permutations(range(len(emotions)))))
    return Asked(
        utterance=AskedUtterance(
            draw(text), draw(text), *optional[:3], votes, shares, draw(st.none() | text)
        ),
        clip=AskedClip(draw(text), draw(st.none() | number), draw(st.none() | number), optional[3]),
        control=draw(text),
        model=AskedModel(draw(text), draw(text)),
        emotions=emotions,
        prompt=RenderedPrompt(
            draw(text),
            draw(small),
            draw(st.sampled_from(["word", "free"])),
            draw(text),
            order,
            draw(st.sampled_from([emotions.forms, (("a",), ("b", "c")), ((), ("b",))])),
            draw(small),
            emotions.labels,
            draw(st.booleans()),
        ),
        order_seed=draw(st.none() | small),
        context_turns=draw(small),
        temperature=draw(st.none() | number),
        label_tokens=label_tokens,
    )


@st.composite
def records(draw: Any) -> Record:
    sequences = draw(
        st.lists(st.lists(small, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4, unique=True)
    )
    first = tuple(dict.fromkeys(sequence[0] for sequence in sequences))
    label_tokens = LabelTokens(
        tuple(sequences),
        (0,) * len(sequences),
        (True,) * len(sequences),
        first,
        tuple(draw(text) for _ in first),
    )
    pending = Record(draw(text), asked(draw, label_tokens), answer_of=draw(st.none() | text))
    if draw(st.booleans()):
        return pending.failed(Reason(draw(text), draw(text), draw(text)))
    steps = draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(small))
    token_logits = (1e4 * rng.standard_normal((steps, len(first)))).astype(np.float32)
    token_logits[:1] = draw(st.sampled_from([0.0, np.inf, -np.inf, np.nan]))
    given = Reply(
        text=draw(text), token_ids=tuple(range(steps)), token_logits=token_logits,
        logsumexp=rng.standard_normal(steps).astype(np.float32),
        finish=draw(st.sampled_from(["stop", "length"])),
        audio_tokens=draw(small), time_s=draw(number), draws=tuple(draw(st.lists(text, max_size=2))),
    )  # fmt: skip
    if n_layers := draw(st.integers(0, 2)):
        layers = (n_layers, steps, len(first))
        given = replace(
            given,
            lens=rng.standard_normal(layers).astype(np.float32),
            lens_logsumexp=rng.standard_normal(layers[:2]).astype(np.float32),
        )
    if draw(st.booleans()):
        given = replace(
            given,
            bounded=rng.standard_normal((steps, len(first))) > 0,
            unlisted_logp=rng.standard_normal(steps).astype(np.float32),
            sequence_bounded=rng.standard_normal(len(sequences)) > 0,
            left_out=tuple(draw(st.lists(text, max_size=2))),
        )
    logp = draw(st.none() | st.just(rng.standard_normal(len(sequences))))
    sound = draw(st.none() | st.builds(Sound, number))
    return pending.answered(replace(given, sequence_logp=logp), sound)


def assert_same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif is_dataclass(a):
        for f in fields(a):
            assert_same(getattr(a, f.name), getattr(b, f.name))
    else:
        assert a == b


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


def pending() -> Record:
    emotions = load_emotions("iemocap4")
    order = tuple(range(4))
    return Record(
        "k",
        Asked(
            utterance=AskedUtterance("c", "u1", "s", None, None, {"sad": 2, "bored": 1}),
            clip=AskedClip("u1.wav", None, None, "u1"),
            control="clip",
            model=AskedModel("m", "f"),
            emotions=emotions,
            prompt=RenderedPrompt("word", 1, "word", "?", order, emotions.forms, 8, emotions.labels),
            order_seed=None,
            context_turns=0,
            temperature=None,
            label_tokens=LabelTokens(((5,), (6, 7)), (0, 1), (True, False), (5, 6), ("a", "b")),
        ),
    )


def reply(text: str = "sad") -> Reply:
    logits = np.arange(6, dtype=np.float32).reshape(3, 2)
    return Reply(text, (1, 2, 3), logits, np.full(3, 9, np.float32), "stop", 10, 0.5)


def test_a_record_is_not_answered_until_it_has_a_reply() -> None:
    record = pending()
    assert (record.reply, record.error) == (None, None)
    with pytest.raises(ValueError, match="was not answered"):
        _ = record.replied
    assert record.answered(reply(), None).replied.text == "sad"
    assert record.failed(Reason("clip", "no such clip")).error == Reason("clip", "no such clip")


def test_what_records_share_is_one_object_when_they_are_read(tmp_path: Path) -> None:
    write_records([pending(), pending()], tmp_path / "a.parquet")
    a, b = read_records(tmp_path / "a.parquet")
    assert a.asked.label_tokens is b.asked.label_tokens
    assert a.asked.emotions is b.asked.emotions
    assert a.asked.prompt is b.asked.prompt


def test_a_large_shard_is_read_a_few_records_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    written = [replace(pending(), key=str(n)) for n in range(8)]
    write_records(written, tmp_path / "a.parquet")
    batches = list(read_batches(tmp_path / "a.parquet"))
    assert [[record.key for record in batch] for batch in batches] == [list("012"), list("345"), list("67")]
    assert batches[0][0].asked.label_tokens is batches[2][1].asked.label_tokens


def test_pyarrow_and_pandas_read_a_shard_without_this_package(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    sound = Sound(1.5, cautions=(AudioCaution("clipped", "9% of its samples"),))
    write_records([pending().answered(reply(), sound), pending()], path)
    rows = pq.read_table(path).to_pylist()
    assert rows[0]["asked"]["utterance"]["votes"] == [("sad", 2), ("bored", 1)]
    assert rows[0]["reply"]["token_logits"] == [[0, 1], [2, 3], [4, 5]]
    assert rows[1]["reply"] is None
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(path)
    assert frame["asked"][1]["prompt"]["name"] == "word"
    assert frame["sound"][0]["duration_s"] == 1.5
    assert frame["sound"][0]["cautions"][0]["code"] == "clipped"


def damage(path: Path, spoil: Any) -> None:
    rows = pq.read_table(path).to_pylist()
    spoil(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(path)), path)


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (lambda row: row.update(key=None), "key has no value in 1 rows"),
        (lambda row: row.update(asked=None), "asked has no value in 1 rows"),
        (lambda row: row["asked"]["prompt"].update(text=None), "text has no value in 1 rows"),
        (lambda row: row["asked"]["prompt"].update(format="essay"), "format is 'essay'"),
        (lambda row: row["asked"]["emotions"].update(labels=["sad"]), "1 label"),
        (lambda row: row["reply"].update(token_logits=[[1.0], [2.0, 3.0], [4.0]]), "reshape"),
    ],
)
def test_a_shard_with_values_that_no_record_has_is_said_in_one_line(
    tmp_path: Path, damaged: Any, said: str
) -> None:
    path = tmp_path / "a.parquet"
    write_records([pending().answered(reply(), None)], path)
    damage(path, damaged)
    with pytest.raises(AmbivoxError, match=said) as error:
        read_records(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


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
        write_records([change(pending(), {"asked.clip.path": "caf\udcc3.wav"})], tmp_path / "a.parquet")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_records_of_another_version_are_refused_in_one_line_that_says_which(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    metadata = {"ambivox_schema": "3", "ambivox": "0.0.9"}
    pq.write_table(SCHEMA.with_metadata(metadata).empty_table(), path)
    with pytest.raises(
        AmbivoxError, match=r"version 3, written by ambivox 0\.0\.9; this one reads version 8"
    ):
        read_records(path)


def test_parquet_of_another_program_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(AmbivoxError, match="version none"):
        read_records(path)


def test_missing_columns_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_records([pending()], path)
    pq.write_table(pq.read_table(path).drop_columns(["error"]), path)
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
    many = [pending().answered(reply(rng.bytes(200).hex()), None) for _ in range(20)]
    write_records(many, path)
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    [place] = [column.dictionary_page_offset for column in columns if column.path_in_schema == "reply.text"]
    data = bytearray(path.read_bytes())
    data[place + 500] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(AmbivoxError, match="not readable"):
        read_records(path)
