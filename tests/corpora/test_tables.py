"""The kinds of tables that people have: read as what they mean, or refused with the fix that helps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.corpora import Corpus, load_corpus, load_manifest
from ambivox.corpora.guess import guess_corpus
from ambivox.corpora.words import unique_ids
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.raters.truth import truth_from_raters

PLAIN = "id,audio,transcript,votes.angry,votes.sad\na,clips/1.wav,hé,3,1\nb,clips/2.wav,yo,0,4\n"


def write(folder: Path, content: str | bytes, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def told(corpus: Corpus) -> dict[str, int]:
    return {issue.what: issue.count for issue in corpus.load_issues}


def loaded(load: Callable[[], Corpus]) -> tuple[Corpus | tuple[()], str]:
    """The corpus, or nothing and why it was refused."""
    try:
        return load(), ""
    except UsageError as error:
        return (), str(error)


def assert_is_plain(path: Path, **options: Any) -> None:
    corpus = load_manifest(path, **options)
    assert [(u.id, u.transcript, dict(u.votes)) for u in corpus] == [
        ("a", "hé", {"angry": 3, "sad": 1}),
        ("b", "yo", {"sad": 4}),
    ]
    assert [u.audio for u in corpus] == [path.parent / "clips" / "1.wav", path.parent / "clips" / "2.wav"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_encoding_of_unicode_and_every_delimiter_is_read(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    assert_is_plain(write(tmp_path, PLAIN.replace(",", delimiter).encode(encoding)))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_table_of_excel_is_read(tmp_path: Path, mark: str, delimiter: str) -> None:
    rows = PLAIN.replace(",", delimiter).replace("\n", delimiter * 3 + "\r\n")
    assert_is_plain(write(tmp_path, f"{mark}sep={delimiter}\r\n{rows}"))


def test_another_encoding_is_named_by_an_option(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN.encode("cp1252"))
    with pytest.raises(UsageError, match=r"m\.csv: line 2 is not UTF-8: .*encoding=cp1252"):
        load_manifest(path)
    assert_is_plain(path, encoding="cp1252")
    with pytest.raises(UsageError, match="unknown encoding 'klingon'"):
        load_manifest(path, encoding="klingon")


def test_decimal_commas_are_numbers_where_semicolons_part_cells(tmp_path: Path) -> None:
    path = write(tmp_path, "audio;start;end;shares.sad;shares.angry\na.wav;0,5;1,25;0,75;0,25\n")
    (u,) = load_manifest(path)
    assert (u.start_s, u.end_s, dict(u.shares)) == (0.5, 1.25, {"sad": 0.75, "angry": 0.25})


def test_a_cell_may_hold_lines_and_delimiters_in_quotes(tmp_path: Path) -> None:
    path = write(tmp_path, 'audio;transcript\na.wav;"one; two\nthree, ""four"""\n')
    assert load_manifest(path).utterances[0].transcript == 'one; two\nthree, "four"'


@pytest.mark.parametrize("name", [r"clips\1.wav", r".\clips\1.wav", "clips/1.wav"])
def test_paths_of_windows_are_read(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, f"audio\n{name}\n")
    assert load_manifest(path).utterances[0].audio == tmp_path / "clips" / "1.wav"


def test_a_backslash_in_the_name_of_a_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / r"a\b.wav").touch()
    (u,) = load_manifest(write(tmp_path, "audio\na\\b.wav\n"))
    assert u.audio == tmp_path / r"a\b.wav"


@pytest.mark.parametrize("name", [r"D:\speech\day1\a.wav", "/home/me/day1/a.wav", "day1/a.wav", "x/y/a.wav"])
def test_audio_that_was_moved_is_found_by_the_end_of_its_path(tmp_path: Path, name: str) -> None:
    there = tmp_path / "audio" / ("day1" if "day1" in name else "")
    there.mkdir(parents=True)
    (there / "a.wav").touch()
    path = write(tmp_path, f"audio\n{name}\n")
    assert load_manifest(path, audio_folder=str(tmp_path / "audio")).utterances[0].audio == there / "a.wav"


# Ids


def test_files_of_one_name_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, "file,label\nDC/a01.wav,sad\nJE/a01.wav,sad\nJE/a02.wav,angry\n"))
    assert [u.id for u in corpus] == ["DC/a01", "JE/a01", "a02"]
    assert corpus.load_issues == ()


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), max_size=8))
def test_ids_are_as_many_and_as_different_as_rows(candidates: list[list[str]]) -> None:
    ids = unique_ids(candidates)
    assert len(ids) == len(set(ids)) == len(candidates)
    names = [name for row in candidates for name in row]
    assert all(names.count(i) != 1 or i in row for i, row in zip(ids, candidates, strict=True) if i in names)


def test_the_same_sound_in_two_rows_is_to_be_fixed(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, "id,audio,votes.sad\nx,a.wav,1\ny,a.wav,2\nz,b.wav,1\n"))
    (issue,) = corpus.load_issues
    assert (issue.what, issue.count) == ("utterances that repeat the sound of another", 2)
    assert "columns.rater" in issue.fix
    cut = "id,audio,start,end\nx,a.wav,0,1\ny,a.wav,1,2\n"
    assert load_manifest(write(tmp_path, cut)).load_issues == ()


# Shares


def test_shares_and_percentages_have_no_number_of_raters(tmp_path: Path) -> None:
    shares = load_manifest(write(tmp_path, "audio,shares.angry,shares.sad\na.wav,0.75,0.25\nb.wav,0,1\n"))
    percent = load_manifest(write(tmp_path, "audio,percent.angry,percent.sad\na.wav,75%,25\nb.wav,0,100\n"))
    for corpus in (shares, percent):
        assert [dict(u.shares) for u in corpus] == [{"angry": 0.75, "sad": 0.25}, {"sad": 1.0}]
        assert [dict(u.votes) for u in corpus] == [{}, {}]
        assert corpus.load_issues == ()


@pytest.mark.parametrize(("kind", "cells"), [("shares", "0.75,0.25"), ("percent", "75,25")])
def test_what_columns_of_votes_hold_can_be_said(tmp_path: Path, kind: str, cells: str) -> None:
    path = write(tmp_path, f"audio,votes.angry,votes.sad\na.wav,{cells}\n")
    assert dict(load_corpus("manifest", path, votes=kind).utterances[0].shares) == {
        "angry": 0.75,
        "sad": 0.25,
    }


def test_a_hundred_raters_are_believed_only_when_said(tmp_path: Path) -> None:
    path = write(tmp_path, "audio,votes.angry,votes.sad\na.wav,75,25\nb.wav,66,33\n")
    with pytest.raises(UsageError, match=r"sum to 100, as percentages do: .*votes=percent .*votes=counts"):
        load_manifest(path)
    assert dict(load_manifest(path, votes="counts").utterances[0].votes) == {"angry": 75, "sad": 25}


def test_shares_of_a_known_number_of_raters_are_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "audio,percent.angry,percent.sad,n_raters\na.wav,67,33,3\nb.wav,29,71,7\n")
    corpus = load_manifest(path)
    assert [dict(u.votes) for u in corpus] == [{"angry": 2, "sad": 1}, {"angry": 2, "sad": 5}]
    assert not any(u.shares for u in corpus)


def test_shares_of_raters_who_may_select_several_labels_are_counts(tmp_path: Path) -> None:
    table = "clip_id,source_file,n_raters,label_happy,label_sad,label_angry\n"
    path = write(tmp_path, f"{table}x,a.wav,3,0.333,0.667,0\ny,b.wav,2,0,0.5,1.0\n")
    columns = {"id": "clip_id", "audio": "source_file"}
    columns |= {f"shares.{label}": f"label_{label}" for label in ("happy", "sad", "angry")}
    corpus = load_manifest(path, columns=columns, votes="selected")
    assert {u.id: dict(u.votes) for u in corpus} == {"x": {"happy": 1, "sad": 2}, "y": {"sad": 1, "angry": 2}}
    with pytest.raises(UsageError, match=r"shares sum to 1\.5, not to 1"):
        load_manifest(write(tmp_path, f"{table}y,b.wav,2,0,0.5,1.0\n"), columns=columns)


@pytest.mark.parametrize("cells", ["0.7,", "0.7,3", "1.5,2", "0.5,0"])
def test_selections_need_the_number_of_raters_that_gives_them(tmp_path: Path, cells: str) -> None:
    path = write(tmp_path, f"audio,shares.sad,n_raters\na.wav,{cells}\n")
    with pytest.raises(UsageError, match="with votes=selected it says how many raters there were"):
        load_manifest(path, votes="selected")


@pytest.mark.parametrize(
    "cell", ["angry and sad", "angry sad angry", "wütend oder traurig", "angry & sad;sad"]
)
def test_labels_that_are_joined_by_words_are_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UsageError, match=r"several labels|use one of them"):
        load_manifest(write(tmp_path, f"audio,ratings\na.wav,{cell}\n"))


def test_a_label_of_two_words_is_one_label(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, "audio,ratings\na.wav,neutral state; no agreement\n"))
    assert dict(corpus.utterances[0].votes) == {"neutral state": 1, "no agreement": 1}


@pytest.mark.parametrize(
    ("column", "cell"),
    [("ratings", "['angry', 'sad', 'angry', None]"), ("votes", "{'angry': 2, 'sad': 1}")],
)
def test_lists_and_dictionaries_as_python_prints_them_are_read(
    tmp_path: Path, column: str, cell: str
) -> None:
    corpus = load_manifest(write(tmp_path, f'audio,{column}\na.wav,"{cell}"\n'))
    assert dict(corpus.utterances[0].votes) == {"angry": 2, "sad": 1}


@pytest.mark.parametrize(
    "cell", ["{'sad': 1, 'sad': 2}", "[open('x')]", "['sad'", "[" * 3_000, "{**{}}", "[x]"]
)
def test_what_only_looks_like_a_list_of_python_is_refused(tmp_path: Path, cell: str) -> None:
    column = "votes" if cell.startswith("{") else "ratings"
    with pytest.raises(UsageError, match=f"row 2, column '{column}'"):
        load_manifest(write(tmp_path, f'audio,{column}\na.wav,"{cell}"\n'))


def test_the_index_that_pandas_writes_is_no_column(tmp_path: Path) -> None:
    (utterance,) = load_manifest(write(tmp_path, ",audio,label\n0,a.wav,sad\n")).utterances
    assert utterance.consensus == "sad"


# One row for each rating

LONG = (
    "file,annotator,emotion,when\n"
    "a.wav,r1,angry,1\na.wav,r2,angry,2\na.wav,r3,sad,3\n"
    "b.wav,r1,sad,4\nb.wav,r2,sad,5\nb.wav,r3,nan,6\n"
)


def ratings_of(corpus: Corpus) -> dict[str, list[tuple[str | None, tuple[str, ...]]]]:
    return {u.id: [(r.rater, r.labels) for r in u.ratings] for u in corpus}


EXPECTED = {
    "a": [("r1", ("angry",)), ("r2", ("angry",)), ("r3", ("sad",))],
    "b": [("r1", ("sad",)), ("r2", ("sad",))],
}


def test_rows_of_ratings_are_gathered_by_clip(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, LONG))
    assert ratings_of(corpus) == EXPECTED
    assert [dict(u.votes) for u in corpus] == [{"angry": 2, "sad": 1}, {"sad": 2}]
    assert told(corpus) == {
        "columns that are not used": 1,
        "ratings without a label (empty, nan, none), left out": 1,
    }


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dawid-skene", "mace"])
def test_rows_of_ratings_tell_who_rated_so_that_raters_can_be_weighed(tmp_path: Path, method: str) -> None:
    corpus = load_manifest(write(tmp_path, LONG))
    assert truth_from_raters(corpus, load_emotions("iemocap4"), method).p.shape == (2, 4)


def test_columns_of_any_name_are_mapped(tmp_path: Path) -> None:
    path = write(tmp_path, LONG.replace("file,annotator,emotion", "Aufnahme,Wer,Was"))
    columns = {"audio": "Aufnahme", "rater": "Wer", "label": "Was"}
    assert ratings_of(load_corpus("manifest", path, columns=columns)) == EXPECTED
    with pytest.raises(UsageError, match=r"no column 'was' for 'label' \(there are: Aufnahme, Wer, Was"):
        load_corpus("manifest", path, columns=columns | {"label": "was"})


def test_rows_of_ratings_without_raters_are_said_to_be_such(tmp_path: Path) -> None:
    path = write(tmp_path, "file,label\na.wav,sad\na.wav,angry\nb.wav,sad\n")
    corpus = load_manifest(path, rows="ratings")
    assert ratings_of(corpus) == {"a": [(None, ("sad",)), (None, ("angry",))], "b": [(None, ("sad",))]}


def test_a_rater_may_name_several_labels_in_any_of_three_ways(tmp_path: Path) -> None:
    cell = "audio,rater,label\na.wav,r1,sad|angry\na.wav,r2,sad\n"
    rows = "audio,rater,label\na.wav,r1,sad\na.wav,r1,angry\na.wav,r2,sad\n"
    marks = "audio,rater,sad,angry\na.wav,r1,1,1\na.wav,r2,1,0\n"
    for content, options in ((cell, {}), (rows, {}), (marks, {"vote_columns": ["sad", "angry"]})):
        corpus = load_corpus("manifest", write(tmp_path, content), **options)
        assert ratings_of(corpus) == {"a": [("r1", ("sad", "angry")), ("r2", ("sad",))]}
        assert dict(corpus.utterances[0].votes) == {"sad": 2, "angry": 1}
    one = load_manifest(write(tmp_path, cell), labels="primary")
    assert dict(one.utterances[0].votes) == {"sad": 2}


def test_a_rater_who_repeats_a_label_counts_once(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, "audio,rater,label\na.wav,r1,sad\na.wav,r1,sad\n"))
    assert dict(corpus.utterances[0].votes) == {"sad": 1}
    assert told(corpus) == {"ratings in which raters repeat themselves, counted once": 1}


def test_minus_one_is_no_rating_and_other_numbers_are_to_be_fixed(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, "audio,rater,label\na.wav,r1,-1\na.wav,r2,sad\na.wav,r3,2\n"))
    assert dict(corpus.utterances[0].votes) == {"sad": 1, "2": 1}
    assert told(corpus) == {
        "ratings without a label (empty, nan, none), left out": 1,
        "labels that are numbers without words": 1,
    }


def test_rows_of_one_clip_must_agree(tmp_path: Path) -> None:
    path = write(tmp_path, "id,audio,rater,label,speaker\na,a.wav,r1,sad,x\na,a.wav,r2,sad,y\n")
    with pytest.raises(UsageError, match=r"row 3, column 'speaker': 'y', but row 2 of the same clip"):
        load_manifest(path)


def test_rows_of_ratings_need_a_label(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column of the label that each rater gave.*columns\.label"):
        load_manifest(write(tmp_path, "audio,rater,thoughts\na.wav,r1,sad\n"))


# One label for each clip


def test_a_column_of_one_label_is_the_consensus(tmp_path: Path) -> None:
    corpus = load_manifest(write(tmp_path, "file,emotion\na.wav,sad\nb.wav,nan\nc.wav,-1\n"))
    assert [(u.id, u.consensus, dict(u.votes)) for u in corpus] == [
        ("a", "sad", {}),
        ("b", None, {}),
        ("c", None, {}),
    ]


def test_labels_that_are_numbers_are_to_be_fixed(tmp_path: Path) -> None:
    (issue,) = load_manifest(write(tmp_path, "file,emotion\na.wav,3\n")).load_issues
    assert issue.what == "labels that are numbers without words"
    assert issue.fix


@pytest.mark.parametrize("word", ["Unknown", "unknown", "nan", "None", "UNK", "-1"])
def test_unknown_speakers_are_nobody(tmp_path: Path, word: str) -> None:
    corpus = load_manifest(write(tmp_path, f"audio,speaker\na.wav,{word}\nb.wav,s1\n"))
    assert [u.speaker for u in corpus] == [None, "s1"]
    assert told(corpus) == {"utterances whose speaker is not known": 1}


# What is no table at all


def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.csv")
    (tmp_path / "z.csv").symlink_to("/dev/zero")
    for name in ("m.csv", "z.csv"):
        with pytest.raises(UsageError, match="a pipe or device, not a file"):
            load_corpus("manifest", tmp_path / name)
        with pytest.raises(UsageError, match="laid out as no corpus"):
            guess_corpus(tmp_path / name)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\udc80.csv"])
def test_names_that_no_file_has_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    for load in (lambda p: load_corpus("manifest", p), guess_corpus):
        with pytest.raises(UsageError, match="no such file or folder"):
            load(tmp_path / name)


def test_odd_names_are_written_out_in_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for name in (b"03a01Fa.wav", b"\xff\xfe.wav", b"a\x1b[2J.wav"):
        (Path(os.fsdecode(os.fsencode(tmp_path / "wav") + b"/" + name))).touch()
    corpus = load_corpus("emo-db", tmp_path)
    assert corpus.notes
    for note in corpus.notes:
        note.encode()
        assert "\x1b" not in note


cells = st.sampled_from(
    ["", "nan", "sad", "sad,angry", "-1", "0.5", "100", "x" * 40, "é", "\x00", '"', "1e9"]
)


@given(
    st.lists(
        st.sampled_from(
            ["id", "audio", "label", "rater", "votes.sad", "shares.sad", "ratings", "speaker", "x"]
        ),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    st.lists(st.lists(cells, min_size=5, max_size=5), min_size=1, max_size=3),
    st.sampled_from([",", ";", "\t"]),
)
def test_any_table_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, columns: list[str], rows: list[list[str]], delimiter: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    lines = [columns, *(row[: len(columns)] for row in rows)]
    path.write_text("\n".join(delimiter.join(line) for line in lines), encoding="utf-8")
    corpus, fault = loaded(lambda: load_manifest(path))
    assert "\n" not in fault
    assert all("," not in label for u in corpus for label in (*u.votes, *u.shares))


# Malformed folders of Hugging Face

WRONG = [
    None,
    3,
    "x",
    [],
    {},
    [3],
    [None],
    {"a": 1},
    [{"filename": 3}],
    [{"filename": "../x"}],
    "nul\0",
    ["../.."],
    ["a\0b"],
    [{"filename": "x" * 5000}],
    {"label": {"names": [3]}},
    {"label": [[]]},
]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("dataset_dict.json", "splits"),
        ("state.json", "_data_files"),
        ("dataset_info.json", "features"),
        ("parquet", "features"),
        ("dataset_dict.json", None),
        ("state.json", None),
        ("parquet", None),
    ],
)
def test_a_malformed_folder_is_read_or_refused_in_one_line(
    tmp_path: Path, file: str, key: str | None, value: object
) -> None:
    content = json.dumps(value if key is None else {key: value})
    if file == "parquet":
        noted = {
            b"huggingface": content.encode() if key is None else json.dumps({"info": {key: value}}).encode()
        }
        table = pa.table({"audio": ["a.wav"], "label": [1]}).replace_schema_metadata(noted)
        pq.write_table(table, tmp_path / "train-00000-of-00001.parquet")
    else:
        if file == "dataset_info.json":
            (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "x.arrow"}]}')
            (tmp_path / "x.arrow").write_bytes(b"ARROW1")
        (tmp_path / file).write_text(content)
    _, fault = loaded(lambda: load_corpus("datasets", tmp_path))
    assert "\n" not in fault
    assert not fault or str(tmp_path) in fault
