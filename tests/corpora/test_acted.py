"""Acted corpora, however their folders are laid out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ambivox.corpora import load_corpus, load_mesd, load_nemo, split_corpus
from ambivox.corpora.guess import guess_corpus
from ambivox.errors import UsageError

CLIPS = {
    "ravdess": ("03-01-05-01-02-01-16", {"speaker": "16", "intended": "angry", "sex": "female"}),
    "emo-db": ("03a01Fa", {"speaker": "03", "intended": "happy", "sex": "male"}),
    "nemo": ("EB0_surprised_43", {"speaker": "EB0", "intended": "surprise", "sex": None}),
    "mesd": ("Fear_F_A_por_favor", {"speaker": "F", "intended": "fear", "sex": "female"}),
}


@pytest.mark.parametrize("corpus", CLIPS)
@pytest.mark.parametrize(
    "layout", ["{}.wav", "wav/{}.flac", "a/b/c/{}.WAV", "x/{}.mp3", "wav/UPPER.FLAC", "Actor_16/{}.Flac"]
)
def test_any_layout_case_and_format_is_found_and_told_apart(tmp_path: Path, corpus: str, layout: str) -> None:
    clip, facts = CLIPS[corpus]
    path = tmp_path / layout.replace("UPPER", clip.upper()).format(clip)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert guess_corpus(tmp_path) == corpus
    (u,) = load_corpus(corpus, tmp_path)
    assert (u.id, u.audio) == (clip, path)
    assert {name: getattr(u, name) for name in facts} == facts
    assert not u.rated


@pytest.mark.parametrize("corpus", CLIPS)
def test_another_folder_is_refused_with_an_example(tmp_path: Path, corpus: str) -> None:
    (tmp_path / "song.wav").touch()
    with pytest.raises(UsageError, match=rf"no clip such as .* in here .*song\.wav.*: give .* {corpus}"):
        load_corpus(corpus, tmp_path)


def test_the_real_clips_of_nemo(data_dir: Path) -> None:
    corpus = load_nemo(data_dir / "nemo")
    assert (len(corpus), corpus.licence, corpus.load_issues) == (1_216, "CC BY-NC-SA 4.0", ())
    assert set(Counter(u.intended for u in corpus)) == {
        "angry",
        "fear",
        "happy",
        "neutral",
        "sad",
        "surprise",
    }
    assert len({u.speaker for u in corpus}) == 7
    assert all(u.transcript and u.sex for u in corpus)
    by_id = {u.id: u for u in corpus}
    assert by_id["EB0_anger_43"].transcript == "Niania odegrała w moim życiu ważną rolę."
    assert by_id["EB0_anger_43"].sex == "female"
    assert len(split_corpus(corpus, "leave-one-speaker-out")) == 7


def test_nemo_without_its_table_is_read_and_to_be_fixed(tmp_path: Path) -> None:
    (tmp_path / "EB0_anger_43.wav").touch()
    (issue,) = load_nemo(tmp_path).load_issues
    assert "data.tsv" in issue.what
    assert issue.fix


def test_the_real_clips_of_mesd(data_dir: Path) -> None:
    corpus = load_mesd(data_dir / "mesd")
    assert (len(corpus), corpus.licence, corpus.load_issues) == (862, "CC BY 4.0", ())
    assert Counter(u.speaker for u in corpus) == {"F": 288, "M": 288, "C": 286}
    assert {(u.speaker, u.sex) for u in corpus} == {("F", "female"), ("M", "male"), ("C", None)}
    assert {u.id: u.transcript for u in corpus}["Anger_M_A_por_favor"] == "por favor"
    assert len(split_corpus(corpus, "leave-one-speaker-out")) == 3
