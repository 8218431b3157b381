from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.corpora import load_manifest
from ambivox.corpora.words import SEPARATORS, is_unknown, joint
from ambivox.errors import UsageError

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def parquet(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


# What is written is what is read

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12).filter(
    lambda word: word == word.strip() and not is_unknown(word)
)
labels = words.filter(
    lambda word: not set(word) & set(SEPARATORS) and not word.startswith("[") and not joint(word)
)
seconds = st.floats(0, 1e5, allow_nan=False)


@st.composite
def utterances(draw: st.DrawFn) -> dict[str, Any]:
    start, length = draw(seconds), draw(st.floats(0.1, 1e4))
    facts: dict[str, Any] = {"id": draw(words), "audio": draw(st.sampled_from(["a.wav", "clips/ä b.flac"]))}
    optional = {
        "start": start,
        "end": start + length,
        "transcript": draw(words),
        "speaker": draw(words),
        "dialogue": draw(words),
        "turn": draw(st.integers(0, 10_000)),
        "intended": draw(words),
    }
    kept = draw(st.sets(st.sampled_from(list(optional))))
    facts |= {column: value for column, value in optional.items() if column in kept}
    facts["votes"] = draw(st.dictionaries(labels, st.integers(0, 15), max_size=5))
    return facts


corpora = st.lists(utterances(), min_size=1, max_size=6, unique_by=lambda facts: facts["id"])
ways = st.sampled_from(["columns", "object", "ratings"])


def as_rows(facts: list[dict[str, Any]], way: str) -> list[dict[str, Any]]:
    rows = []
    for fact in facts:
        row = {column: value for column, value in fact.items() if column != "votes"}
        if way == "columns":
            row |= {f"votes.{label}": count for label, count in fact["votes"].items()}
        elif way == "object":
            row["votes"] = fact["votes"]
        else:
            row["ratings"] = [label for label, count in fact["votes"].items() for _ in range(count)]
        rows.append(row)
    return rows


def columns_of(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


def assert_read_as_written(path: Path, facts: list[dict[str, Any]]) -> None:
    read = load_manifest(path)
    assert [u.id for u in read] == [fact["id"] for fact in facts]
    for utterance, fact in zip(read, facts, strict=True):
        assert utterance.audio == path.parent / fact["audio"]
        assert (utterance.start_s, utterance.end_s) == (fact.get("start"), fact.get("end"))
        assert utterance.turn == fact.get("turn")
        for column in ("transcript", "speaker", "dialogue", "intended"):
            assert getattr(utterance, column) == fact.get(column)
        assert dict(utterance.votes) == {label: n for label, n in fact["votes"].items() if n}


@given(facts=corpora, way=ways, bom=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
def test_csv_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory, facts: list[dict[str, Any]], way: str, bom: bool, end: str
) -> None:
    rows = as_rows(facts, way)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns_of(rows), lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in row.items()})
    path = tmp_path_factory.getbasetemp() / "round.csv"
    path.write_bytes(b"\xef\xbb\xbf" * bom + file.getvalue().encode())
    assert_read_as_written(path, facts)


@given(facts=corpora, way=ways, ascii_only=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
def test_jsonl_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory,
    facts: list[dict[str, Any]],
    way: str,
    ascii_only: bool,
    end: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.jsonl"
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in as_rows(facts, way)]
    path.write_bytes(end.join(lines).encode())
    assert_read_as_written(path, facts)


@given(facts=corpora, way=ways)
def test_parquet_is_read_as_written(
    tmp_path_factory: pytest.TempPathFactory, facts: list[dict[str, Any]], way: str
) -> None:
    rows = as_rows(facts, way)
    rows = [{column: row.get(column) for column in columns_of(rows)} for row in rows]
    path = tmp_path_factory.getbasetemp() / "round.parquet"
    if way == "object":  # a map; structs are tested below
        fields = [
            (column, pa.array([row[column] for row in rows])) for column in rows[0] if column != "votes"
        ]
        votes = pa.array([list(row["votes"].items()) for row in rows], pa.map_(pa.string(), pa.int64()))
        pq.write_table(pa.table(dict([*fields, ("votes", votes)])), path)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    assert_read_as_written(path, facts)


def test_large_strings_and_lists_as_polars_writes_them_are_read(tmp_path: Path) -> None:
    text = pa.large_string()
    fields = [("id", text), ("audio", text)]
    votes = pa.struct([("angry", pa.int64()), ("sad", pa.int64())])
    rows = [
        {"id": "a", "audio": "a.wav", "votes": {"angry": 3, "sad": None}},
        {"id": "b", "audio": "b.wav", "votes": {"angry": None, "sad": 1}},
    ]
    table = pa.Table.from_pylist(rows, pa.schema([*fields, ("votes", votes)]))
    pq.write_table(table, tmp_path / "s.parquet")
    assert [dict(u.votes) for u in load_manifest(tmp_path / "s.parquet")] == [{"angry": 3}, {"sad": 1}]
    row = {"id": "a", "audio": "a.wav", "ratings": ["sad", "sad", "angry"]}
    table = pa.Table.from_pylist([row], pa.schema([*fields, ("ratings", pa.large_list(text))]))
    pq.write_table(table, tmp_path / "l.parquet")
    assert dict(load_manifest(tmp_path / "l.parquet").utterances[0].votes) == {"sad": 2, "angry": 1}


# Reading


def test_all_columns_of_a_csv(write: Write, tmp_path: Path) -> None:
    path = write(
        "rated.csv",
        "id, audio, start, end, transcript, speaker, dialogue, turn, intended, votes.angry, votes.sad\n"
        'a1 , clips/a.wav , 5E-1, 2 , "Oh, really?", s1, d1, 3, sad, 2, 1\n'
        "\n"
        "a2, clips/b.wav, , , , , , , , , 4.0\n",
    )
    corpus = load_manifest(path)
    first, second = corpus
    assert (corpus.name, corpus.licence, corpus.notes) == ("rated", "not stated", ())
    assert first.audio == tmp_path / "clips" / "a.wav"
    assert (first.start_s, first.end_s, first.transcript) == (0.5, 2.0, "Oh, really?")
    assert (first.speaker, first.dialogue, first.turn, first.intended) == ("s1", "d1", 3, "sad")
    assert dict(first.votes) == {"angry": 2, "sad": 1}
    assert (first.source, second.source) == ("row 2 of rated.csv", "row 4 of rated.csv")
    assert (second.start_s, second.speaker, second.turn, dict(second.votes)) == (None, None, None, {"sad": 4})


@pytest.mark.parametrize(
    ("cell", "votes"),
    [
        ("angry", {"angry": 1}),
        ("angry; sad;angry", {"angry": 2, "sad": 1}),
        ('"[""angry"", ""no idea""]"', {"angry": 1, "no idea": 1}),
        ('"angry,angry, sad"', {"angry": 2, "sad": 1}),
        ("angry|sad", {"angry": 1, "sad": 1}),
        ("angry/sad/sad", {"angry": 1, "sad": 2}),
        ("sad;;sad", {"sad": 2}),
        ("sad;nan;sad;None", {"sad": 2}),
        ("N/A", {}),
        ('"[""sad"", null, ""nan""]"', {"sad": 1}),
        ("", {}),
        ("[]", {}),
    ],
)
def test_one_label_for_each_rater(write: Write, cell: str, votes: dict[str, int]) -> None:
    path = write("m.csv", f"id,audio,ratings\na,a.wav,{cell}\n")
    assert dict(load_manifest(path).utterances[0].votes) == votes


def test_a_manifest_without_votes_loads(write: Write) -> None:
    corpus = load_manifest(write("m.csv", "id,audio\na,a.wav\n"))
    assert dict(corpus.utterances[0].votes) == {}
    assert corpus.notes == ()


def test_utterances_without_votes_are_counted(write: Write) -> None:
    corpus = load_manifest(write("m.csv", "id,audio,votes.sad\na,a.wav,1\nb,b.wav,0\nc,c.wav,\n"))
    assert corpus.notes == ("utterances without votes: 2 (b, c)",)


def test_jsonl_lines_may_leave_out_keys(write: Write) -> None:
    path = write(
        "m.jsonl",
        '\ufeff{"id": 7, "audio": "a.wav", "votes": {"sad": 1}}\r\n\r\n'
        '{"audio": "b.wav", "id": "b", "turn": null}\r\n',
    )
    first, second = load_manifest(path)
    assert (first.id, dict(first.votes), first.source) == ("7", {"sad": 1}, "line 1 of m.jsonl")
    assert (second.turn, dict(second.votes), second.source) == (None, {}, "line 3 of m.jsonl")


def test_a_line_separator_inside_a_json_string_is_text(write: Write) -> None:
    path = write("m.jsonl", '{"id": "a", "audio": "a.wav", "transcript": "one\u2028two\x85three"}\n')
    assert load_manifest(path).utterances[0].transcript == "one\u2028two\x85three"


def test_missing_sound_files_are_no_error(write: Write, tmp_path: Path) -> None:
    corpus = load_manifest(write("m.csv", "id,audio\na,nowhere/a.wav\n"))
    assert corpus.utterances[0].audio == tmp_path / "nowhere" / "a.wav"


def test_links_inside_the_folder_are_followed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(load_manifest(write("m.csv", "id,audio\na,link/a.wav\n"))) == 1


# What is refused

CSV_FAULTS = [
    ("id,start\na,1\n", r"m\.csv: the column 'audio' is missing: add it"),
    ("id audio\na b\n", r"m\.csv: the column 'audio' is missing.*parted by commas, semicolons or tabs"),
    ("id,audio,spaeker\na,a.wav,x\n", r"m\.csv: unknown column 'spaeker': did you mean 'speaker'"),
    ("id,audio,vote.sad\na,a.wav,1\n", r"unknown column 'vote\.sad': did you mean"),
    ("id,audio,votes.\na,a.wav,1\n", r"column 'votes\.' names no label"),
    ("id,,audio\na,0,a.wav\n", r"a column has no name"),
    ("id,audio,audio\na,a.wav,b.wav\n", r"two columns are called 'audio'"),
    ("id,audio,votes.sad,ratings\na,a.wav,1,sad\n", r"votes come both in 'ratings' and 'votes\.sad'"),
    ("id,audio,votes.sad\na,a.wav,-1\n", r"row 2, column 'votes\.sad': -1 votes: a count is a whole number"),
    ("id,audio,votes.sad\na,a.wav,1.5\n", r"row 2, column 'votes\.sad': 1\.5 is not a whole number"),
    ("id,audio,votes.sad\na,a.wav,many\n", r"row 2, column 'votes\.sad': 'many' is not a number"),
    ("id,audio,votes.sad\na,a.wav,nan\n", r"row 2, column 'votes\.sad': 'nan' is not a number"),
    ("id,audio,votes.sad\na,a.wav,1e300\n", r"row 2, column 'votes\.sad': 1e\+300 is not a whole number"),
    ("id,audio,votes.sad\na,a.wav,\u0663\n", r"row 2, column 'votes\.sad': '\u0663' is not a number"),
    ("id,audio,votes.sad\na,a.wav,1_0\n", r"row 2, column 'votes\.sad': '1_0' is not a number"),
    ('id,audio,votes\na,a.wav,"{""sad"": -1}"\n', r"row 2, column 'votes': -1 votes"),
    ('id,audio,votes\na,a.wav,"{""sad"": true}"\n', r"row 2, column 'votes': True is not a number"),
    (
        'id,audio,votes\na,a.wav,"{""sad"": 1, ""sad"": 2}"\n',
        r"column 'votes': not JSON \(the key 'sad' stands 2",
    ),
    ('id,audio,votes\na,a.wav,"{"""": 1}"\n', r"row 2, column 'votes': a label is empty"),
    ("id,audio,votes\na,a.wav,sad\n", r"row 2, column 'votes': not JSON \(Expecting value at character 1\)"),
    ("id,audio,votes\na,a.wav,3\n", r"row 2, column 'votes': expected an object of label and count"),
    ('id,audio,ratings\na,a.wav,"happy/excited; sad"\n', r"has labels between '/' and between ';': use one"),
    ('id,audio,ratings\na,a.wav,"[""sad,angry""]"\n', r"'sad,angry' is several labels, or one with ','"),
    ('id,audio,votes\na,a.wav,"{""sad|angry"": 2}"\n', r"'sad\|angry' is several labels"),
    ("id,audio,votes.nan\na,a.wav,2\n", r"'nan', which says that there is none"),
    ("audio,label\na.wav,sad;angry\n", r"column 'label': 'sad;angry' is several labels"),
    ("audio,angry,sad\na.wav,1,2\n", r"angry, sad look like columns of votes: .*vote_columns=\[angry,sad\]"),
    (
        "audio,votes.sad\na.wav,0.75\n",
        r"0\.75 is not a whole number; for shares .* votes=shares",
    ),
    (
        "audio,votes.a,votes.b\na.wav,75,25\nb.wav,1,99\n",
        r"every utterance sum to 100.*votes=percent",
    ),
    ('audio,start\na.wav,"0,5"\n', r"'0,5' is not a number: write a decimal point"),
    (
        "audio,shares.a,shares.b\na.wav,.5,.2\n",
        r"shares sum to 0\.7, not to 1: give those of all labels",
    ),
    ("audio,percent.a,n_raters\na.wav,100,0\n", r"column 'n_raters': .* leave the number out"),
    ("audio,shares.a,shares.b,n_raters\na.wav,.5,.5,3\n", r"not the shares of 3 raters with one vote each"),
    ("id,audio\nnan,a.wav\n", r"row 2, column 'id': is empty"),
    ("id,audio\na\x1b[2J,a.wav\n", r"row 2, column 'id': 'a\\x1b\[2J' has control characters"),
    (f"audio\n{'x' * 300}.wav\n", r"row 2, column 'audio': a name of more than 255 bytes"),
    ("id,audio,ratings\na,a.wav,[1]\n", r"row 2, column 'ratings': expected labels"),
    ("id,audio,ratings\na,a.wav,[sad\n", r"row 2, column 'ratings': not JSON"),
    ("id,audio\na,a.wav\nb,b.wav\na,c.wav\n", r"row 4, column 'id': 'a' is the id of row 2 too"),
    ("id,audio\n,a.wav\n", r"row 2, column 'id': is empty"),
    ("id,audio\na,\n", r"row 2, column 'audio': is empty"),
    ("id,audio,start\na,a.wav,soon\n", r"row 2, column 'start': 'soon' is not a number"),
    ("id,audio,start\na,a.wav,inf\n", r"row 2, column 'start': 'inf' is not a number"),
    ("id,audio,start\na,a.wav,-1\n", r"row 2, column 'start': -1 s is before the beginning"),
    ("id,audio,start,end\na,a.wav,2,1.5\n", r"row 2, column 'end': 1\.5 s is not after the start, 2 s"),
    ("id,audio,start,end\na,a.wav,2,2\n", r"row 2, column 'end': 2 s is not after the start, 2 s"),
    ("id,audio,end\na,a.wav,0\n", r"row 2, column 'end': 0 s is not after the start, 0 s"),
    ("id,audio,turn\na,a.wav,1.5\n", r"row 2, column 'turn': 1\.5 is not a whole number"),
    ("id,audio\na,a.wav,x\n", r"row 2: 3 cells under 2 columns"),
    ("id,audio\na\n", r"row 2: 1 cells under 2 columns"),
    ('id,audio\na,"a.wav\n', r"line 2: not CSV"),
    ("id,audio\n", r"an empty manifest"),
    ("", r"an empty manifest"),
    ("\n\n", r"an empty manifest"),
    ("version https://git-lfs.github.com/spec/v1\n", r"a git-lfs pointer"),
]


@pytest.mark.parametrize(("content", "message"), CSV_FAULTS)
def test_faults_of_a_csv_are_named(write: Write, content: str, message: str) -> None:
    path = write("m.csv", content)
    with pytest.raises(UsageError, match=message) as raised:
        load_manifest(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


JSONL_FAULTS = [
    ('{"id": "a", "audio": "a.wav"}\n{"id": \n', r"line 2: not JSON \(Expecting value at character 8\)"),
    ('["a", "a.wav"]\n', r"line 1: expected an object"),
    ("[" * 100_000 + "\n", r"line 1: not JSON"),
    ('{"id": "a", "id": "b", "audio": "a.wav"}\n', r"line 1: not JSON \(the key 'id' stands 2 times\)"),
    ('{"id": "a", "audio": "a.wav"}\n{"id": "b"}\n', r"line 2, column 'audio': is empty"),
    ('{"id": "a", "audio": "a.wav", "strat": 1}\n', r"unknown column 'strat': did you mean 'start'"),
    ('{"id": "a", "audio": null}\n', r"line 1, column 'audio': is empty"),
    ('{"id": "a", "audio": ["a.wav"]}\n', r"line 1, column 'audio': \['a\.wav'\] is not a text"),
    ('{"id": true, "audio": "a.wav"}\n', r"line 1, column 'id': True is not a text"),
    ('{"id": 1.5, "audio": "a.wav"}\n', r"line 1, column 'id': 1\.5 is not a text"),
    ('{"id": "a", "audio": "a.wav", "start": NaN}\n', r"line 1, column 'start': nan is not a number"),
    ('{"id": "a", "audio": "a.wav", "start": true}\n', r"line 1, column 'start': True is not a number"),
    ('{"id": "a", "audio": "a.wav", "start": 1' + "0" * 400 + "}\n", r"line 1, column 'start': 1000*"),
    (
        '{"id": "a", "audio": "a.wav", "votes": {"sad": "x"}}\n',
        r"line 1, column 'votes': 'x' is not a number",
    ),
    ('{"id": "a", "audio": "a.wav", "votes": ["sad"]}\n', r"line 1, column 'votes': expected an object"),
    (
        '{"id": "a", "audio": "a.wav", "ratings": "sad"}\n{"id": "b", "audio": "b.wav", "votes": {}}\n',
        r"votes come both in 'votes' and 'ratings'",
    ),
]


@pytest.mark.parametrize(("content", "message"), JSONL_FAULTS)
def test_faults_of_a_jsonl_are_named(write: Write, content: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"m\.jsonl: {message}"):
        load_manifest(write("m.jsonl", content))


def test_faults_of_a_parquet_are_named(write: Write, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"m\.parquet: not a Parquet file \(.*\)$"):
        load_manifest(write("m.parquet", "id,audio\na,a.wav\n"))
    with pytest.raises(UsageError, match="not a Parquet file"):
        load_manifest(write("m.parquet", b""))
    path = tmp_path / "m.parquet"
    with pytest.raises(UsageError, match=r"row 2, column 'votes\.sad': -1 votes"):
        load_manifest(
            parquet(
                path,
                [{"id": "a", "audio": "a", "votes.sad": 1}, {"id": "b", "audio": "a", "votes.sad": -1}],
            )
        )
    with pytest.raises(UsageError, match=r"row 1, column 'start': nan is not a number"):
        load_manifest(parquet(path, [{"id": "a", "audio": "a.wav", "start": float("nan")}]))
    with pytest.raises(UsageError, match="an empty manifest"):
        load_manifest(parquet(path, [], pa.schema([("id", pa.string()), ("audio", pa.string())])))
    pq.write_table(pa.table([["a"], ["b"], ["c"]], names=["id", "audio", "audio"]), path)
    with pytest.raises(UsageError, match="two columns have the same name"):
        load_manifest(path)
    votes = pa.array([[("sad", 1), ("sad", 2)]], pa.map_(pa.string(), pa.int64()))
    pq.write_table(pa.table({"id": ["a"], "audio": ["a.wav"], "votes": votes}), path)
    with pytest.raises(UsageError, match="the label 'sad' stands there twice"):
        load_manifest(path)


@pytest.mark.parametrize(
    "audio",
    [
        "/etc/passwd",
        "../a.wav",
        "clips/../../a.wav",
        "clips/../a.wav",
        "escape/a.wav",
        "C:\\\\a.wav",
        "\\\\server\\a.wav",
        "..\\a.wav",
    ],
)
def test_audio_outside_the_folder_is_refused(write: Write, tmp_path: Path, audio: str) -> None:
    (tmp_path / "escape").symlink_to("/usr")
    with pytest.raises(UsageError, match=r"row 2, column 'audio': .* leaves the table's folder"):
        load_manifest(write("m.csv", f"id,audio\na,{audio}\n"))


def test_names_that_no_file_can_have_are_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match=r"row 2, column 'audio': 'loop/a\.wav' is not a path of a file"):
        load_manifest(write("m.csv", "id,audio\na,loop/a.wav\n"))
    with pytest.raises(UsageError, match=r"line 1, column 'audio': .* is not a path of a file"):
        load_manifest(write("m.jsonl", '{"id": "a", "audio": "a\\u0000.wav"}\n'))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", "id,audio\nä,a.wav\n".encode("latin-1"), r"line 2 is not UTF-8"),
        ("m.csv", b"PK\x03\x04\0\0", r"an Excel workbook or a zip file, not text: save it as CSV"),
        ("m.csv", b"\xd0\xcf\x11\xe0\0\0", r"an old Excel workbook, not text"),
        ("m.csv", b"a\0\0\0b", r"a binary file, not text"),
        ("m.xlsx", b"PK", r"a manifest ends in \.csv, \.tsv, \.jsonl or \.parquet"),
    ],
)
def test_files_of_another_kind_are_refused(write: Write, name: str, content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=rf"{name}: {message}"):
        load_manifest(write(name, content))


def test_a_missing_manifest_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"m\.csv: no such file"):
        load_manifest(tmp_path / "m.csv")
    (tmp_path / "f.csv").mkdir()
    with pytest.raises(UsageError, match=r"f\.csv: cannot be read \(Is a directory\)"):
        load_manifest(tmp_path / "f.csv")


@given(content=st.binary(max_size=300), ending=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_no_content_at_all_raises_anything_but_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz.{ending}"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        load_manifest(path)


cells = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    row=st.dictionaries(
        st.sampled_from(["start", "end", "turn", "votes", "ratings", "votes.sad", "speaker"]), cells
    )
)
def test_any_json_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz2.jsonl"
    path.write_text(json.dumps({"id": "a", "audio": "a.wav"} | row), encoding="utf-8")
    fault = ""
    try:
        utterance = load_manifest(path).utterances[0]
    except UsageError as error:
        fault = str(error)
    assert "\n" not in fault
    assert fault or all(isinstance(count, int) and count > 0 for count in utterance.votes.values())
