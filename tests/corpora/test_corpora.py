from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ambivox.corpora import CORPORA, Corpus, CorpusLoader, Utterance, load_corpus
from ambivox.corpora.corpus import MOST_VOTES
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


def test_more_votes_than_any_panel_has_are_refused() -> None:
    many = Utterance("a", Path("a.wav"), votes={"sad": MOST_VOTES, "angry": 1}, source="row 2 of m.csv")
    with pytest.raises(UsageError, match=r"row 2 of m\.csv: 10,001 votes, more than the 10,000"):
        Corpus("mine", "CC0", (many,))
    assert len(Corpus("mine", "CC0", (replace(many, votes={"sad": MOST_VOTES}),))) == 1


@pytest.mark.parametrize(
    "field", ["id", "audio", "transcript", "speaker", "dialogue", "intended", "consensus"]
)
def test_text_that_no_record_could_hold_is_refused_in_one_line(field: str) -> None:
    value = Path("\udc80.wav") if field == "audio" else "\ud800"
    with pytest.raises(UsageError, match=r"is not Unicode text: rename it") as raised:
        Corpus("mine", "CC0", (replace(Utterance("a", Path("a.wav")), **{field: value}),))
    str(raised.value).encode()


def test_an_utterance_has_counts_or_shares_and_not_both() -> None:
    both = Utterance("a", Path("a.wav"), votes={"sad": 1}, shares={"sad": 1.0})
    with pytest.raises(UsageError, match="both counts of votes and shares"):
        Corpus("mine", "CC0", (both,))


def test_shares_are_part_of_the_fingerprint() -> None:
    soft = [Utterance("a", Path("a.wav"), shares={"sad": p, "angry": 1 - p}) for p in (0.25, 0.5)]
    assert len({Corpus("mine", "CC0", (u,)).fingerprint for u in soft}) == 2
