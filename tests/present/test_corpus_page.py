"""The page of a corpus: its numbers, its pictures, and that nothing in it comes from elsewhere."""

import json
import re
from pathlib import Path

import pytest

from ambivox.corpora import Corpus, Utterance, load_emo_db, load_iemocap
from ambivox.errors import UsageError
from ambivox.inspection import inspect_corpus
from ambivox.present.html.corpus_figures import corpus_figures
from ambivox.present.html.corpus_page import write_corpus_page
from tests.corpora.trees import SMALL, write_iemocap

EVIL = "</script><b onclick='x'>&"


def figures_in(page: str) -> list[dict[str, object]]:
    return [
        json.loads(found)
        for found in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page)
    ]


def test_the_page_tells_the_numbers_of_crema_d(rated_crema_d: Corpus, tmp_path: Path) -> None:
    found = inspect_corpus(rated_crema_d)
    page = write_corpus_page(found, tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    for text in (
        "7,442 utterances",
        "4 to 12, median 9",
        "unanimous: 5.1%",
        "jsd_bits 0.378",
        "jsd_bits 0.290",
    ):
        assert text in page
    titles = [figure.title for figure in corpus_figures(found)]
    assert len(figures_in(page)) == len(titles) == 8
    assert all(f"<h3>{title}</h3>" in page for title in titles)


def test_the_pictures_hold_the_facts(rated_crema_d: Corpus) -> None:
    found = inspect_corpus(rated_crema_d)
    assert found.votes is not None
    shares, raters, entropy, _, confusions, *_ = (f.spec["data"][0] for f in corpus_figures(found))
    assert shares["y"] == [round(label.share, 6) for label in found.votes.labels]
    assert dict(zip(map(int, raters["x"]), raters["y"], strict=True)) == found.votes.raters.counts
    assert sum(entropy["y"]) == 7_442
    assert confusions["z"][0][0] == round(found.votes.confusions[0, 0], 4)


def test_raters_who_are_known_and_self_ratings_have_their_pictures(tmp_path: Path) -> None:
    found = inspect_corpus(load_iemocap(write_iemocap(tmp_path, SMALL)))
    page = write_corpus_page(found, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Agreement of each rater with the others" in page
    assert "merged-consensus" in page
    assert "labels" in page


def test_a_corpus_without_votes_has_a_page_too(data_dir: Path, tmp_path: Path) -> None:
    found = inspect_corpus(load_emo_db(data_dir / "emo-db"))
    page = write_corpus_page(found, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Nobody's votes are known" in page or "Nobody&#39;s votes are known" in page
    assert len(figures_in(page)) == 2


def test_no_text_of_the_corpus_becomes_part_of_the_page(tmp_path: Path) -> None:
    said = [
        Utterance(f"u{n}", Path("a.wav"), speaker=EVIL, intended=EVIL, votes={EVIL: 2, "sad": n + 1})
        for n in range(3)
    ]
    found = inspect_corpus(Corpus(EVIL, EVIL, tuple(said)))
    page = write_corpus_page(found, tmp_path / "page.html").read_text(encoding="utf-8")
    assert EVIL not in page
    assert not re.search(r"<b\b", page.replace("<body", "").partition("<noscript>")[0])
    assert "://" not in page.partition("<noscript>")[0]


def test_the_same_corpus_gives_the_same_page(tmp_path: Path) -> None:
    found = inspect_corpus(load_iemocap(write_iemocap(tmp_path, SMALL)))
    pages = [write_corpus_page(found, tmp_path / name).read_bytes() for name in ("one.html", "two.html")]
    assert pages[0] == pages[1]


def test_a_folder_is_no_page(tmp_path: Path) -> None:
    found = inspect_corpus(load_iemocap(write_iemocap(tmp_path, SMALL)))
    with pytest.raises(UsageError, match="is a folder; name the file to write"):
        write_corpus_page(found, tmp_path)
