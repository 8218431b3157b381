from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambivox.corpora import Corpus, load_corpus, load_msp_podcast, split_corpus
from ambivox.corpora.guess import guess_corpus
from ambivox.errors import UsageError
from ambivox.inspection import check_corpus
from tests.corpora.trees import MSP_CLIPS, MSP_LAYOUTS, MspClip, MspClips, MspRating, msp_name, write_msp

CLIPS = (
    MspClip(
        (
            MspRating("WORKER00000001", "Neutral", ("Neutral", "Concerned")),
            MspRating("WORKER00000002", "Happy"),
            MspRating("WORKER00000003", "Other", ("Excited",), other="curious, amazed"),
        ),
        consensus="no agreement",
        transcript="Well, you know.",
    ),
    MspClip((MspRating("WORKER00000001", "Sad"),), "sad", "Unknown", "Unknown", "Test1"),
    MspClip((), "neutral", "7", "Male", "Test3"),
)


def found(corpus: Corpus) -> dict[str, int]:
    return {load_issue.what: load_issue.count for load_issue in corpus.load_issues}


@pytest.mark.parametrize("layout", MSP_LAYOUTS)
def test_every_layout_gives_the_same_corpus(tmp_path: Path, layout: str) -> None:
    corpus = load_msp_podcast(write_msp(tmp_path, CLIPS, layout))
    first, second, third = corpus
    assert dict(first.votes) == {"neutral": 1, "happy": 1, "other": 1}
    assert [r.rater for r in first.ratings] == ["WORKER00000001", "WORKER00000002", "WORKER00000003"]
    assert first.ratings[0].secondary == ("neutral", "concerned")
    assert first.ratings[2].free_text == "curious, amazed"
    assert (first.consensus, second.consensus) == ("no agreement", "sad")
    assert (first.speaker, second.speaker, third.speaker) == ("12", None, "7")
    assert (first.sex, second.sex, third.sex) == ("female", None, "male")
    assert [u.partition for u in corpus] == ["train", "test1", "test3"]
    assert first.transcript == "Well, you know."
    assert (first.dialogue, first.turn) == ("MSP-PODCAST_0000", None)
    assert first.audio == tmp_path / "Audios" / "MSP-PODCAST_0000_0000.wav"
    unknown = "clips whose speaker is not known; they belong to no speaker"
    assert found(corpus) == {"clips without any rater": 1, unknown: 1}
    (split,) = split_corpus(corpus, "published")
    assert {part: len(chosen) for part, chosen in split.parts.items()} == {
        "train": 1,
        "development": 0,
        "test1": 1,
        "test3": 1,
    }


@pytest.mark.parametrize(
    ("labels", "votes"),
    [
        ("primary", {"neutral": 1, "happy": 1, "other": 1}),
        ("all-labels", {"neutral": 1, "concerned": 1, "happy": 1, "other": 1, "excited": 1}),
        ("secondary", {"concerned": 1, "excited": 1}),
        ("single", {"happy": 1}),
        ("self", {}),
    ],
)
def test_votes_follow_the_choice_of_labels(tmp_path: Path, labels: str, votes: dict[str, int]) -> None:
    corpus = load_corpus("msp-podcast", write_msp(tmp_path, CLIPS, "2.0"), labels=labels)
    assert dict(corpus.utterances[0].votes) == votes


def test_four_classes_count_what_they_leave_out(tmp_path: Path) -> None:
    write_msp(tmp_path, CLIPS, "2.0")
    assert [u.id for u in load_msp_podcast(tmp_path, four_class="plain-all")] == [msp_name(1)]
    corpus = load_msp_podcast(tmp_path, four_class="plain-any")
    assert len(corpus) == 2
    assert found(corpus)["utterances that the four-class convention 'plain-any' leaves out, of 3"] == 1


@given(
    MSP_CLIPS,
    st.sampled_from(MSP_LAYOUTS),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
@settings(max_examples=40)
def test_what_is_written_is_what_is_read(clips: MspClips, layout: str, newline: str, encoding: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write_msp(Path(folder), clips, layout, newline=newline, encoding=encoding, audio=False)
        corpus = load_msp_podcast(root, require_audio=False)
    assert [u.id for u in corpus] == [msp_name(n) for n in range(len(clips))]
    for clip, u in zip(clips, corpus, strict=True):
        read = [(r.rater, r.labels, r.secondary, r.free_text) for r in u.ratings]
        assert read == [
            (r.worker, (r.main.lower(),), tuple(s.lower() for s in r.secondary), r.other or None)
            for r in clip.ratings
        ]
        assert u.consensus == clip.consensus
        assert u.speaker == (None if clip.speaker == "Unknown" else clip.speaker)
        assert u.sex == (None if clip.sex == "Unknown" else clip.sex.lower())
        assert u.partition == clip.partition.lower()
        assert u.transcript == (clip.transcript or None)
        assert sum(u.votes.values()) == len(clip.ratings)
    odd = {
        what
        for what in found(corpus)
        if not what.startswith(
            ("rated clips without audio", "clips without any rater", "clips whose speaker")
        )
    }
    crlf = {"files whose lines end in CRLF"} if newline == "\r\n" else set()
    assert odd == crlf | ({"files that begin with a byte order mark"} if encoding == "utf-8-sig" else set())


@pytest.mark.parametrize(
    ("layout", "claimed", "told"),
    [("1.6", "1.6", False), ("1.6", "2.0", True), ("1.7 to 1.12", "1.11", False), ("2.0", "1.7", True)],
)
def test_another_release_than_claimed_is_read_and_noted(
    tmp_path: Path, layout: str, claimed: str, told: bool
) -> None:
    corpus = load_corpus("msp-podcast", write_msp(tmp_path, CLIPS, layout), release=claimed)
    what = f"labels laid out as in release {layout}, not {claimed} as claimed, read as they are"
    assert (what in found(corpus)) == told
    assert len(corpus) == 3


def test_a_partial_copy_is_counted_and_survived(tmp_path: Path) -> None:
    write_msp(tmp_path, CLIPS, "1.7 to 1.12")
    (tmp_path / "Audios" / "MSP-PODCAST_0000_0001.wav").unlink()
    (tmp_path / "Audios" / "MSP-PODCAST_0009_0009.wav").touch()
    detailed = tmp_path / "Labels" / "labels_detailed.csv"
    lines = detailed.read_text().splitlines()
    lines += [
        lines[1],
        'MSP-PODCAST_0008_0001.wav,"WORKER00000001; Sad; ; A:1.0; V:1.0; D:1.0;"',
        "MSP-PODCAST_0000_0001.wav,WORKER0000",
        'MSP-PODCAST_0000_0001.wav,"WORKER00000002; Sadd; ; A:1.0; V:1.0; D:1.0;"',
        "MSP-PODC",
    ]
    detailed.write_bytes("\n".join(lines).encode() + b',"\xe9"\n')
    consensus = tmp_path / "Labels" / "labels_consensus.csv"
    consensus.write_text(consensus.read_text() + "MSP-PODCAST_0000_0001.wav,A,1,1,1,1,Male,Train\n")
    corpus = load_msp_podcast(tmp_path)
    assert [u.id for u in corpus] == [msp_name(0), msp_name(2)]
    assert found(corpus) == {
        "files that are not UTF-8, read as latin-1": 1,
        "rows of labels_detailed.csv in which a rater repeats a clip, the first counts": 1,
        "rows of labels_detailed.csv that make no sense, left out": 2,
        "labels of unknown spelling, kept as written": 1,
        "rows of labels_consensus.csv that repeat a clip, the first counts": 1,
        "clips without any rater": 1,
        "clips whose speaker is not known; they belong to no speaker": 1,
        "clips with ratings but no row in labels_consensus.csv, left out": 1,
        "rated clips without audio, left out": 1,
        "audio without votes, left out": 1,
    }
    assert dict(load_msp_podcast(tmp_path, require_audio=False).utterances[1].votes) == {"sad": 1, "sadd": 1}


def test_a_row_cut_short_is_left_out(tmp_path: Path) -> None:
    write_msp(tmp_path, CLIPS, "2.0")
    detailed = tmp_path / "Labels" / "labels_detailed.csv"
    detailed.write_text(detailed.read_text() + "MSP-PODCAST_0000_0001.wav,WOR")
    assert (
        found(load_msp_podcast(tmp_path))["rows of labels_detailed.csv that do not fit its header, left out"]
        == 1
    )


def test_tables_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labels_detailed\.csv: no such file"):
        load_msp_podcast(tmp_path)
    write_msp(tmp_path, CLIPS, "2.0")
    (tmp_path / "Labels" / "labels_consensus.csv").write_text("file,label\na,b\n")
    with pytest.raises(UsageError, match="columns FileName and EmoClass are needed"):
        load_msp_podcast(tmp_path)
    (tmp_path / "Labels" / "labels_detailed.csv").write_text("file,label\na,b\n")
    with pytest.raises(UsageError, match="columns FileName and EmoDetail"):
        load_msp_podcast(tmp_path)
    with pytest.raises(UsageError, match=r"option 'release': expected '1.6'"):
        load_corpus("msp-podcast", tmp_path, release="1.5")


def test_the_table_that_some_releases_misspell_is_read(tmp_path: Path) -> None:
    root = write_msp(tmp_path, CLIPS, "1.7 to 1.12")
    (root / "Labels" / "labels_consensus.csv").rename(root / "Labels" / "labels_concensus.csv")
    assert guess_corpus(root) == "msp-podcast"
    corpus = load_msp_podcast(root)
    assert [u.consensus for u in corpus] == ["no agreement", "sad", "neutral"]
    assert corpus.utterances[0].source == "row 2 of labels_concensus.csv"


def test_unknown_speakers_are_refused_by_splits_or_left_out(tmp_path: Path) -> None:
    corpus = load_msp_podcast(write_msp(tmp_path, CLIPS, "2.0"))
    for name in ("leave-one-speaker-out", "grouped-k-fold"):
        options = {"k": 2} if name == "grouped-k-fold" else {}
        with pytest.raises(UsageError, match=r"speaker of 1 utterances is not known.*unknown='leave-out'"):
            split_corpus(corpus, name, **options)
        for split in split_corpus(corpus, name, unknown="leave-out", **options):
            assert msp_name(1) not in {u.id for part in split.parts.values() for u in part}
            assert sum(map(len, split.parts.values())) == 2


def test_speakers_in_several_partitions_are_named(tmp_path: Path) -> None:
    clips = [MspClip(speaker=s, partition=p) for s, p in [("1", "Train"), ("1", "Test2"), ("2", "Train")]]
    clips.append(MspClip(speaker="Unknown", partition="Test1"))
    (check,) = (
        c for c in check_corpus(load_msp_podcast(write_msp(tmp_path, clips, "2.0"))) if "apart" in c.name
    )
    assert check.detail.startswith("1 speakers are in several: 1 in train and test2; ")
    assert "1 clips of unknown speaker" in check.detail
