"""The page of a corpus: its numbers, its pictures, and that nothing in it comes from elsewhere."""

import re
from pathlib import Path

import pytest

from ambivox.corpora import Corpus, Utterance, load_emo_db, load_iemocap
from ambivox.errors import UsageError
from ambivox.inspection import Inspection, default_emotions, inspect_corpus
from ambivox.present.figures.charts import Bars, Rows
from ambivox.present.html.corpus_figures import corpus_figures, share_tables
from ambivox.present.html.corpus_page import write_corpus_page
from tests.corpora.trees import SMALL, write_iemocap
from tests.present.pages import Page

EVIL = "</script><b onclick='x'>&"


def page_of(corpus: Corpus, folder: Path) -> tuple[str, Inspection]:
    """Its page, and the facts on it."""
    emotions = default_emotions(corpus.utterances)
    found = inspect_corpus(corpus, emotions=emotions)
    out = write_corpus_page(found, corpus, folder / "page.html", emotions=emotions)
    return out.read_text(encoding="utf-8"), found


def pictures_in(page: str) -> list[str]:
    return re.findall(r'<figure class="picture" data-name="([^"]*)"', page)


def test_the_page_tells_the_numbers_of_crema_d(rated_crema_d: Corpus, tmp_path: Path) -> None:
    page, found = page_of(rated_crema_d, tmp_path / "new")
    for text in (
        "7,442 utterances",
        "4 to 12, median 9",
        "unanimous: 5.1%",
        "jsd_bits 0.378",
        "jsd_bits 0.290",
    ):
        assert text in page
    titles = [figure.title for figure in corpus_figures(found)]
    assert len(pictures_in(page)) == len(titles) == 6
    assert all(f"<h3>{title}</h3>" in page for title in [*titles, "Where raters part", "Intended and heard"])


def test_the_pictures_hold_the_facts(rated_crema_d: Corpus) -> None:
    found = inspect_corpus(rated_crema_d)
    assert found.votes is not None
    figures = {figure.name: figure.panels[0] for figure in corpus_figures(found)}
    shares, raters, entropy = (figures[name] for name in ("labels", "raters", "ambiguity"))
    assert isinstance(shares, Rows)
    assert isinstance(raters, Bars)
    assert isinstance(entropy, Bars)
    assert [row.marks[0].value for row in shares.rows] == [label.share for label in found.votes.labels]
    middles = [low + 0.5 for low in raters.edges[:-1]]
    assert dict(zip(middles, raters.heights, strict=True)) == found.votes.raters.counts  # type: ignore[union-attr]
    assert sum(entropy.heights) == 7_442
    assert share_tables(found.votes)[0].rows[0][1] == pytest.approx(found.votes.confusions[0])


def test_every_clip_is_there_with_its_votes_and_what_is_known_of_it(tmp_path: Path) -> None:
    said = [
        Utterance("a", tmp_path / "a.wav", speaker="s", intended="sad", votes={"sad": 2, "happy": 1}),
        Utterance("b", tmp_path / "b.wav", transcript="It is."),
        Utterance("c", tmp_path / "c.wav", votes={"happy": 4}),
    ]
    page, _ = page_of(Corpus("own", "licence", tuple(said)), tmp_path)
    [clips] = Page(page).clips
    assert clips["ids"] == ["a", "b", "c"]
    assert clips["questions"] == []
    votes = [
        clips["votes"][n : n + len(clips["labels"])]
        for n in range(0, len(clips["votes"]), len(clips["labels"]))
    ]
    assert [dict(zip(clips["labels"], one, strict=True)).get("happy") for one in votes] == [1, 0, 4]
    assert [entropy > 0 for entropy in clips["entropy"]] == [True, False, False]
    assert clips["entropy"][1] == -1
    assert clips["about"] == ["intended sad", "“It is.”", ""]
    assert clips["sound"]["sources"] == [None] * 3  # the files are gone


def test_raters_who_are_known_and_self_ratings_have_their_pictures(tmp_path: Path) -> None:
    page, _ = page_of(load_iemocap(write_iemocap(tmp_path, SMALL)), tmp_path)
    assert "Agreement of each rater with the others" in page
    assert "merged-consensus" in page
    assert "labels" in page


def test_a_corpus_without_votes_has_a_page_too(data_dir: Path, tmp_path: Path) -> None:
    page, _ = page_of(load_emo_db(data_dir / "emo-db"), tmp_path)
    assert "Nobody's votes are known" in page or "Nobody&#39;s votes are known" in page
    assert len(pictures_in(page)) == 2
    assert len(Page(page).clips[0]["ids"]) > 100


def test_no_text_of_the_corpus_becomes_part_of_the_page(tmp_path: Path) -> None:
    said = [
        Utterance(f"u{n}", Path("a.wav"), speaker=EVIL, intended=EVIL, votes={EVIL: 2, "sad": n + 1})
        for n in range(3)
    ]
    page, _ = page_of(Corpus(EVIL, EVIL, tuple(said)), tmp_path)
    assert EVIL not in page
    assert not re.search(r"<b\b", page.replace("<body", "").partition("<noscript>")[0])
    assert "://" not in page.partition("<noscript>")[0]


def test_the_same_corpus_gives_the_same_page(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL))
    assert page_of(corpus, tmp_path)[0] == page_of(corpus, tmp_path)[0]


def test_a_folder_is_no_page(tmp_path: Path) -> None:
    corpus = load_iemocap(write_iemocap(tmp_path, SMALL))
    with pytest.raises(UsageError, match="is a folder; name the file to write"):
        write_corpus_page(inspect_corpus(corpus), corpus, tmp_path)
