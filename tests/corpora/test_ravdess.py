from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ambivox.corpora import load_ravdess
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    return root


def test_a_clip_knows_its_actor_sentence_and_intended_emotion(tmp_path: Path) -> None:
    make(tmp_path, "Actor_02/03-01-06-02-02-01-02.wav", "Actor_01/03-01-08-01-01-01-01.flac")
    first, second = load_ravdess(tmp_path)
    assert (first.id, first.speaker, first.intended) == ("03-01-08-01-01-01-01", "01", "surprise")
    assert (second.intended, second.transcript) == ("fear", "Dogs are sitting by the door.")
    assert not first.votes


def test_songs_and_soundtracks_are_left_out_and_counted(tmp_path: Path) -> None:
    make(
        tmp_path,
        "Actor_01/03-01-08-01-01-01-01.wav",
        "Actor_01/03-02-03-01-01-01-01.wav",
        "Actor_01/01-01-03-01-01-01-01.wav",
        "Actor_01/readme.txt",
    )
    corpus = load_ravdess(tmp_path)
    assert len(corpus) == 1
    assert corpus.notes == (
        "files that are not named as the corpus's clips, left out: 2 "
        "(01-01-03-01-01-01-01.wav, 03-02-03-01-01-01-01.wav)",
    )


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no clip such as 03-01-05-01-02-01-16\.wav in here"):
        load_ravdess(tmp_path)


@pytest.mark.parametrize("copy", ["Actor_01/03-01-08-01-01-01-01.flac", "all/03-01-08-01-01-01-01.wav"])
def test_a_clip_that_is_there_twice_counts_once_and_is_to_be_fixed(tmp_path: Path, copy: str) -> None:
    (issue,) = load_ravdess(make(tmp_path, "Actor_01/03-01-08-01-01-01-01.wav", copy)).load_issues
    assert (issue.what, issue.count) == ("clips that are there twice, counted once", 1)
    assert issue.fix


def test_the_real_clips_are_sixty_for_each_actor(data_dir: Path) -> None:
    corpus = load_ravdess(data_dir / "ravdess")
    assert len(corpus) == 1_200
    assert set(Counter(u.speaker for u in corpus).values()) == {60}
    emotions = load_emotions("ravdess8")
    assert {emotions.index(u.intended or "") for u in corpus} == set(range(8))
