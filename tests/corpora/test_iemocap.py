from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ambivox.corpora import Corpus, load_corpus, load_iemocap, split_corpus
from ambivox.errors import UsageError
from tests.corpora.trees import DIALOGUE, IEMOCAPS, SMALL, Dialogues, turn_names, write_iemocap


def found(corpus: Corpus) -> dict[str, int]:
    return {load_issue.what: load_issue.count for load_issue in corpus.load_issues}


def test_a_turn_knows_its_speaker_its_raters_and_its_place(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL))
    first, second, third, fourth = corpus.utterances[:4]
    assert [u.id[-4:] for u in corpus.utterances[:4]] == ["F000", "M000", "F001", "M001"]
    assert (first.speaker, first.sex, first.session, first.dialogue) == (
        "Ses01F",
        "female",
        "Session1",
        "Ses01F_impro01",
    )
    assert (second.speaker, second.transcript) == ("Ses01M", "Do you have your forms?")
    assert dict(first.votes) == {"neutral": 1, "angry": 1, "frustrated": 1}
    assert second.ratings[0].free_text == "curious"
    assert (third.consensus, fourth.consensus) == ("excited", "no agreement")
    assert [(r.rater, r.by_speaker) for r in third.ratings] == [("E2", False), ("Ses01 F1", True)]
    assert [u.turn for u in corpus.utterances[:4]] == [0, 1, 3, 4]
    assert first.audio == tmp_path / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    assert first.source == "line 3 of Ses01F_impro01.txt"


def test_turns_before_are_those_of_both_speakers_whether_judged_or_not(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL), four_class="merged-any")
    yeah = next(u for u in corpus if u.transcript == "Yeah.")
    before = corpus.turns_before(yeah, 2)
    assert [(t.speaker, t.transcript) for t in before] == [
        ("Ses01M", "Do you have your forms?"),
        ("Ses01M", "[LAUGHTER]"),
    ]
    assert len(corpus.turns_before(yeah, 30)) == 3
    assert corpus.turns_before(yeah, 0) == ()


@pytest.mark.parametrize(
    ("labels", "votes"),
    [
        ("primary", [{"neutral": 1, "angry": 1}, {"neutral": 1}, {"excited": 1}, {}]),
        ("all-labels", [{"neutral": 1, "angry": 1, "frustrated": 1}, {"neutral": 1}, {"excited": 1}, {}]),
        ("self", [{}, {}, {"happy": 1, "excited": 1}, {"sad": 1}]),
    ],
)
def test_votes_follow_the_choice_of_labels(tmp_path: Path, labels: str, votes: list[dict[str, int]]) -> None:
    corpus = load_corpus("iemocap", write_iemocap(tmp_path, SMALL), labels=labels)
    assert [dict(u.votes) for u in corpus.utterances[:4]] == votes
    assert found(corpus)[f"turns without votes under labels={labels!r}"] == 2 * votes.count({})


@pytest.mark.parametrize(
    ("four_class", "kept"),
    [
        ("merged-any", {"F000", "M000", "F001"}),
        ("plain-any", {"F000", "M000"}),
        ("merged-all", {"M000", "F001"}),
        ("plain-all", {"M000"}),
        ("merged-majority", {"M000", "F001"}),
        ("merged-consensus", {"F000", "M000", "F001"}),
        ("plain-consensus", {"F000", "M000"}),
    ],
)
def test_four_class_conventions_keep_different_turns(tmp_path: Path, four_class: str, kept: set[str]) -> None:
    corpus = load_corpus("iemocap", write_iemocap(tmp_path, SMALL), four_class=four_class)
    assert {u.id[-4:] for u in corpus} == kept
    what = f"utterances that the four-class convention {four_class!r} leaves out, of 8"
    assert found(corpus)[what] == 8 - len(corpus)


def test_a_rater_who_says_happy_and_excited_has_one_vote_after_merging(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL), labels="everyone", four_class="merged-any")
    assert {"happy": 2} in [dict(u.votes) for u in corpus]


def test_leaving_a_session_out_leaves_its_speakers_out(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL))
    splits = split_corpus(corpus, "leave-one-session-out")
    assert [{u.speaker for u in s["test"]} for s in splits] == [{"Ses01F", "Ses01M"}, {"Ses02F", "Ses02M"}]


@given(
    IEMOCAPS,
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from([".", "IEMOCAP_full_release"]),
)
@settings(max_examples=25)
def test_what_is_written_is_what_is_read(
    dialogues: Dialogues, newline: str, encoding: str, place: str
) -> None:
    assume(any(turn.judgements for turns in dialogues.values() for turn in turns))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_iemocap(root / place, dialogues, newline=newline, encoding=encoding, audio=False)
        corpus = load_iemocap(root, require_audio=False)
    written = {}
    for (session, dialogue), turns in sorted(dialogues.items()):
        for place_in, (name, turn) in enumerate(zip(turn_names(dialogue, turns), turns, strict=True)):
            if turn.judgements:
                facts = (f"Session{session}", f"{name[:5]}{turn.speaker}", turn.transcript, turn.consensus)
                raters = [
                    (j.rater if j.rater[0] == "E" else f"{name[:5]} {j.rater}", j.labels, j.comment or None)
                    for j in turn.judgements
                ]
                written[name] = (*facts, place_in, raters)
    read = {
        u.id: (
            *(u.session, u.speaker, u.transcript, u.consensus, u.turn),
            [(r.rater, r.labels, r.free_text) for r in u.ratings],
        )
        for u in corpus
    }
    assert read == written
    assert list(read) == list(written)
    n_files = 2 * len(dialogues)
    assert found(corpus).get("files whose lines end in CRLF", 0) == (n_files if newline == "\r\n" else 0)
    assert ("files that begin with a byte order mark" in found(corpus)) == (encoding == "utf-8-sig")
    for utterance in corpus:
        turns = dialogues[(int(str(utterance.session)[-1]), str(utterance.dialogue))]
        before = corpus.turns_before(utterance, 30)
        assert [t.transcript for t in before] == [t.transcript for t in turns[: utterance.turn]]


def test_a_partial_copy_is_counted_and_survived(tmp_path: Path) -> None:
    write_iemocap(tmp_path, SMALL)
    (tmp_path / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav").unlink()
    (tmp_path / "Session2/dialog/transcriptions/Ses02M_script01_1.txt").unlink()
    stray = tmp_path / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F009.wav"
    stray.touch()
    (tmp_path / "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt").write_bytes(b"\0\1\2")
    corpus = load_iemocap(tmp_path)
    assert len(corpus) == 7
    assert found(corpus) == {
        "sessions that are missing, of 5": 3,
        "dialogues without a transcript": 1,
        "turns without votes under labels='all-labels'": 2,
        "judged turns without a transcript": 4,
        "judged turns that are missing, of the 10039 of the full release": 10_031,
        "rated clips without audio, left out": 1,
        "audio without votes, left out": 1,
    }
    assert len(load_iemocap(tmp_path, require_audio=False)) == 8


def test_odd_lines_are_counted_named_and_survived(tmp_path: Path) -> None:
    write_iemocap(tmp_path, {(1, "Ses01F_impro01"): DIALOGUE})
    path = tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    text = path.read_text()
    block = text[text.index("[1.0") : text.index("[2.0")]
    text = text.replace("C-E2:\tNeutral;\t()", "C-E2:\tNeutal;\t(d\xe9j\xe0 vu)", 1)
    odd = "C-E3:\t;\t()\nnonsense\n" + block + "[9.0000 - 9.5000]\tSes03F_impro01_F000\tneu\t[2, 2, 2]\n"
    path.write_bytes((text + odd).encode("latin-1"))
    transcript = path.parents[1] / "transcriptions" / path.name
    transcript.write_text(transcript.read_text() + "M: hello\n")
    corpus = load_iemocap(tmp_path)
    counts = found(corpus)
    assert {what for what in counts if "full release" not in what} >= {
        "files that are not UTF-8, read as latin-1",
        "labels of unknown spelling, kept as written",
        "ratings without a label, left out",
        "lines of evaluations that make no sense, left out",
        "turns that are judged twice in a file, the first counts",
        "judged turns whose name is not of their session, left out",
        "lines of transcripts that name no turn, left out",
    }
    assert dict(corpus.utterances[0].votes) == {"neutal": 1, "angry": 1, "frustrated": 1}
    assert corpus.utterances[0].ratings[0].free_text == "déjà vu"


def test_pointers_in_place_of_audio_are_told_with_their_fix(tmp_path: Path) -> None:
    write_iemocap(tmp_path, {(1, "Ses01F_impro01"): DIALOGUE})
    clips = sorted(tmp_path.glob("Session1/sentences/wav/*/*.wav"))
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4057953\n"
    clips[0].write_text(pointer)
    corpus = load_iemocap(tmp_path)
    assert found(corpus)["git-lfs pointers in place of audio"] == 1
    assert any("git lfs pull" in note for note in corpus.notes)
    for clip in clips:
        clip.write_text(pointer)
    with pytest.raises(UsageError, match="none of the 4 rated clips is here: they are git-lfs pointers: run"):
        load_iemocap(tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder Session1 to Session5"):
        load_iemocap(tmp_path)
    (tmp_path / "Session3").mkdir()
    with pytest.raises(UsageError, match="no judged turn"):
        load_iemocap(tmp_path)
