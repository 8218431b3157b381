from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from ambivox.audio import load_audio
from ambivox.corpora import Corpus, load_crema_d
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.raters.distribution import count_votes

HEADER = '"","A","D","F","H","N","S","fileName","numResponses"'


def make(root: Path, rows: list[str], clips: tuple[str, ...] = ()) -> Path:
    """A small CREMA-D in its published layout, with invented votes."""
    (root / "processedResults").mkdir(parents=True)
    (root / "processedResults" / "tabulatedVotes.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    (root / "AudioWAV").mkdir()
    for clip in clips:
        (root / "AudioWAV" / f"{clip}.wav").touch()
    return root


ROWS = [
    '"100001",0,1,0,0,8,0,"1001_IEO_NEU_XX",9',
    '"100002",5,0,0,4,0,0,"1002_TSI_ANG_HI",9',
    '"200001",0,0,0,0,3,0,"1001_IEO_NEU_XX",3',
    '"300001",0,0,0,2,0,0,"1001_IEO_NEU_XX",2',
]


def test_a_clip_knows_its_votes_actor_sentence_and_intended_emotion(tmp_path: Path) -> None:
    corpus = load_crema_d(make(tmp_path, ROWS, ("1002_TSI_ANG_HI", "1001_IEO_NEU_XX")))
    assert [u.id for u in corpus] == ["1001_IEO_NEU_XX", "1002_TSI_ANG_HI"]
    second = corpus.utterances[1]
    assert dict(second.votes) == {"angry": 5, "happy": 4}
    assert (second.speaker, second.intended, second.transcript) == ("1002", "angry", "The surface is slick.")
    assert second.audio == tmp_path / "AudioWAV" / "1002_TSI_ANG_HI.wav"
    assert second.source == "row 3 of tabulatedVotes.csv"
    assert corpus.licence == "ODbL 1.0"
    assert corpus.notes == ()


@pytest.mark.parametrize(
    ("votes", "expected"),
    [("voice", {"neutral": 8, "disgust": 1}), ("face", {"neutral": 3}), ("both", {"happy": 2})],
)
def test_votes_are_those_of_the_chosen_raters(tmp_path: Path, votes: str, expected: dict[str, int]) -> None:
    corpus = load_crema_d(make(tmp_path, ROWS, ("1001_IEO_NEU_XX",)), votes=votes)  # type: ignore[arg-type]
    assert dict(corpus.utterances[0].votes) == expected


def test_clips_without_audio_are_left_out_and_counted(tmp_path: Path) -> None:
    make(tmp_path, ROWS, ("1001_IEO_NEU_XX", "1009_IEO_NEU_XX"))
    corpus = load_crema_d(tmp_path)
    assert [u.id for u in corpus] == ["1001_IEO_NEU_XX"]
    assert corpus.notes == (
        "rated clips without audio, left out: 1 (1002_TSI_ANG_HI); copy them into AudioWAV",
        "audio without votes, left out: 1 (1009_IEO_NEU_XX)",
    )
    corpus = load_crema_d(tmp_path, require_audio=False)
    assert len(corpus) == 2
    assert corpus.notes[0] == "rated clips without audio: 1 (1002_TSI_ANG_HI); copy them into AudioWAV"


def test_a_corpus_without_any_audio_says_what_to_do(tmp_path: Path) -> None:
    make(tmp_path, ROWS)
    with pytest.raises(
        UsageError, match=r"AudioWAV: none of the 2 rated clips is here: .*require_audio=False"
    ):
        load_crema_d(tmp_path)
    (tmp_path / "AudioWAV").rmdir()
    assert len(load_crema_d(tmp_path, require_audio=False)) == 2


def test_a_repeated_row_counts_once_and_is_noted(tmp_path: Path) -> None:
    make(tmp_path, [*ROWS, ROWS[0].replace("100001", "107443")], ("1001_IEO_NEU_XX", "1002_TSI_ANG_HI"))
    corpus = load_crema_d(tmp_path)
    assert len(corpus) == 2
    assert corpus.notes == ("rows of the vote table that repeat an earlier one, counted once: 1 (row 6)",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('"107443",0,0,0,0,9,0,"1001_IEO_NEU_XX",9', "row 6: other votes for 1001_IEO_NEU_XX"),
        ('"107443",0,0,0,0,-9,0,"1003_IEO_NEU_XX",9', "row 6: a vote count is not a whole number"),
        ('"107443",0,0,0,0,,0,"1003_IEO_NEU_XX",9', "row 6: a vote count is not a whole number"),
        ('"107443",0,0,0,0,9,0,"1003_IEO_NEU_XX",8', "row 6: 9 votes where numResponses says 8"),
        ('"107443",0,0,0,0,9,0,"1003_XXX_NEU_XX",9', "row 6: '1003_XXX_NEU_XX' is not a clip name"),
        ('"107443",0,0,0,0,9,0,"../../secret",9', "row 6: '../../secret' is not a clip name"),
        ('"107443",0,0,0,0,9,0', "row 6: 7 cells under 9 columns"),
    ],
)
def test_rows_that_make_no_sense_are_named(tmp_path: Path, row: str, message: str) -> None:
    make(tmp_path, [*ROWS, row])
    with pytest.raises(UsageError, match=rf"tabulatedVotes\.csv: {message}"):
        load_crema_d(tmp_path, require_audio=False)


def test_other_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tabulatedVotes\.csv: no such file"):
        load_crema_d(tmp_path)
    table = make(tmp_path, []) / "processedResults" / "tabulatedVotes.csv"
    table.write_text("FileName,VoiceVote\na,b\n")
    with pytest.raises(UsageError, match="columns '', A, D, F, H, N, S and fileName are needed"):
        load_crema_d(tmp_path)
    table.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4057953\n")
    with pytest.raises(UsageError, match=r"a git-lfs pointer.*git lfs pull"):
        load_crema_d(tmp_path)


def test_votes_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown votes of CREMA-D 'voices': did you mean 'voice'"):
        load_crema_d(tmp_path, votes="voices")  # type: ignore[arg-type]


# The real tables


def test_the_published_voice_votes_have_their_known_numbers(rated_crema_d: Corpus) -> None:
    n_votes = [sum(u.votes.values()) for u in rated_crema_d]
    assert len(rated_crema_d) == 7_442
    assert (min(n_votes), statistics.median(n_votes), max(n_votes)) == (4, 9, 12)
    assert len({u.speaker for u in rated_crema_d}) == 91
    assert len({u.transcript for u in rated_crema_d}) == 12
    assert [(f.what, f.count) for f in rated_crema_d.load_issues] == [("rated clips without audio", 7_430)]


@pytest.mark.parametrize("votes", ["face", "both"])
def test_every_clip_was_rated_in_each_way(data_dir: Path, votes: str) -> None:
    assert len(load_crema_d(data_dir / "crema-d", votes=votes, require_audio=False)) == 7_442  # type: ignore[arg-type]


def test_every_vote_belongs_to_cremad6(rated_crema_d: Corpus) -> None:
    emotions = load_emotions("cremad6")
    assert not any(count_votes(u.votes, emotions).outside for u in rated_crema_d)
    assert all(emotions.index(u.intended or "") is not None for u in rated_crema_d)


def test_the_real_clips_can_be_heard(data_dir: Path) -> None:
    corpus = load_crema_d(data_dir / "crema-d")
    assert len(corpus) == 12
    assert all(len(load_audio(u.audio)) > 16_000 for u in corpus)


# The per-rater file


RESPONSES = [
    ',"pos","localid","queryType","clipName","respEmo","respLevel"',
    *(f"{n},1,r{n},1,1001_IEO_NEU_XX,{emotion},50" for n, emotion in enumerate("NNNNNNNND")),
    "9,1,r0,1,1002_TSI_ANG_HI,A,50",
    "10,1,r0,2,1001_IEO_NEU_XX,S,50",
]
CLIPS = ("1001_IEO_NEU_XX", "1002_TSI_ANG_HI")


def test_the_per_rater_file_tells_who_gave_which_vote(tmp_path: Path) -> None:
    make(tmp_path, ROWS, CLIPS)
    (tmp_path / "finishedResponses.csv").write_text("\n".join(RESPONSES))
    first, second = load_crema_d(tmp_path)
    assert dict(first.votes) == {"neutral": 8, "disgust": 1}
    assert [(r.rater, r.labels) for r in first.ratings][-2:] == [("r7", ("neutral",)), ("r8", ("disgust",))]
    assert dict(second.votes) == {"angry": 5, "happy": 4}
    assert [f.what for f in load_crema_d(tmp_path).load_issues] == [
        "clips with other votes in finishedResponses.csv than in tabulatedVotes.csv"
    ]


def test_votes_can_be_counted_from_the_per_rater_file_alone(tmp_path: Path) -> None:
    make(tmp_path, ROWS, CLIPS)
    (tmp_path / "processedResults" / "tabulatedVotes.csv").unlink()
    with pytest.raises(UsageError, match=r"finishedResponses\.csv: no such file"):
        load_crema_d(tmp_path, table="per-rater")
    (tmp_path / "finishedResponses.csv").write_text("\n".join(RESPONSES))
    first, second = load_crema_d(tmp_path, table="per-rater")
    assert (dict(first.votes), dict(second.votes)) == ({"neutral": 8, "disgust": 1}, {"angry": 1})
    (face,) = load_crema_d(tmp_path, table="per-rater", votes="face")
    assert dict(face.votes) == {"sad": 1}


def test_odd_responses_are_counted_and_survived(tmp_path: Path) -> None:
    make(tmp_path, ROWS, CLIPS)
    odd = [
        "11,1,r0,1,1002_TSI_ANG_HI,H,50",
        "12,1,r1,1,1002_TSI_ANG_HI,X,50",
        "13,1,r1,1,whatever,A,50",
        "14,1,r",
    ]
    (tmp_path / "finishedResponses.csv").write_bytes("\r\n".join([*RESPONSES, *odd]).encode("utf-8-sig"))
    corpus = load_crema_d(tmp_path, table="per-rater")
    assert {f.what: f.count for f in corpus.load_issues} == {
        "files that begin with a byte order mark": 1,
        "files whose lines end in CRLF": 1,
        "rows of finishedResponses.csv in which a rater repeats a clip, left out": 1,
        "rows of finishedResponses.csv without a clip or emotion of CREMA-D, left out": 2,
        "rows of finishedResponses.csv that do not fit its header, left out": 1,
    }


def test_the_sex_of_an_actor_is_that_of_the_published_table(rated_crema_d: Corpus) -> None:
    sexes = {u.speaker: u.sex for u in rated_crema_d}
    assert (sexes["1001"], sexes["1002"]) == ("male", "female")
    assert (list(sexes.values()).count("male"), list(sexes.values()).count("female")) == (48, 43)


def test_pointers_in_place_of_audio_say_how_to_pull_them(tmp_path: Path) -> None:
    make(tmp_path, ROWS, CLIPS)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4057953\n"
    (tmp_path / "AudioWAV" / "1002_TSI_ANG_HI.wav").write_text(pointer)
    corpus = load_crema_d(tmp_path)
    assert [u.id for u in corpus] == ["1001_IEO_NEU_XX"]
    assert corpus.notes[0].startswith("git-lfs pointers in place of audio: 1 (1002_TSI_ANG_HI); run 'git lfs")
