from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ambivox.corpora import CORPORA, Corpus, CorpusLoader, Utterance, load_corpus
from ambivox.errors import UsageError

MANIFEST = "id,audio\na,a.wav\nb,b.wav\n"


def test_every_corpus_says_what_it_reads_in_one_line() -> None:
    assert set(CORPORA) >= {"manifest", "crema-d", "emo-db", "ravdess"}
    for name in CORPORA:
        assert CORPORA[name].description
        assert "\n" not in CORPORA[name].description


def test_a_corpus_is_loaded_by_name_with_its_options(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(MANIFEST)
    corpus = load_corpus("manifest", tmp_path / "m.csv", name="mine", licence="CC0")
    assert (corpus.name, corpus.licence, len(corpus)) == ("mine", "CC0", 2)


def test_unknown_corpora_and_options_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown corpus 'cremad': did you mean 'crema-d'"):
        load_corpus("cremad", tmp_path)
    with pytest.raises(
        UsageError, match="unknown option of the corpus 'crema-d' 'vote': did you mean 'votes'"
    ):
        load_corpus("crema-d", tmp_path, vote="face")
    with pytest.raises(UsageError, match=r"unknown option .* 'root': .*known: require_audio, table, votes"):
        load_corpus("crema-d", tmp_path, root="face")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("votes", "vocie", "expected 'voice', 'face' or 'both', not 'vocie'"),
        ("require_audio", "no", "expected a valid boolean, not 'no'"),
    ],
)
def test_option_values_of_the_wrong_kind_are_refused(
    tmp_path: Path, option: str, value: str, message: str
) -> None:
    with pytest.raises(UsageError, match=f"corpus 'crema-d', option '{option}': {message}"):
        load_corpus("crema-d", tmp_path, **{option: value})


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: no such file or folder: where is the corpus 'emo-db'"):
        load_corpus("emo-db", tmp_path / "nowhere")


def test_a_loader_of_a_third_party_gets_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: str | Path, *, scale: int = 1) -> Corpus:
        return Corpus(f"x{scale}", "CC0", ())

    monkeypatch.setitem(CORPORA._items, "mine", CorpusLoader(load, "a test"))
    assert load_corpus("mine", tmp_path, scale=2).name == "x2"
    with pytest.raises(UsageError, match="corpus 'mine', option 'scale': expected a valid integer"):
        load_corpus("mine", tmp_path, scale="2")


def test_ids_are_unique_within_a_corpus() -> None:
    utterance = Utterance("a", Path("a.wav"))
    with pytest.raises(UsageError, match="corpus 'mine': two utterances have the id 'a'"):
        Corpus("mine", "CC0", (utterance, replace(utterance, audio=Path("b.wav"))))


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    prints = []
    for folder, content in (
        ("one", MANIFEST),
        ("two", MANIFEST),
        ("three", MANIFEST.replace("b.wav", "c.wav")),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.csv").write_text(content)
        prints.append(load_corpus("manifest", tmp_path / folder / "m.csv").fingerprint)
    assert prints[0] == prints[1] != prints[2]
