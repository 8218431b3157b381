"""The page of a corpus: what ``ambivox corpora inspect`` found, with pictures."""

from __future__ import annotations

from pathlib import Path

from ambivox.choices import ClipSound
from ambivox.corpora import Corpus
from ambivox.emotions import EmotionSet
from ambivox.inspection import Inspection
from ambivox.present.corpora import label_table, option_table, split_table, summary_lines, vote_lines
from ambivox.present.html.corpus_clips import corpus_browser
from ambivox.present.html.corpus_figures import corpus_figures, share_tables
from ambivox.present.html.html import check_page, render_page, write_page


def write_corpus_page(
    found: Inspection,
    corpus: Corpus,
    out: Path,
    *,
    emotions: EmotionSet | None = None,
    audio: ClipSound = "link",
) -> Path:
    """Write the facts of a corpus and its clips as one HTML file, whole or not at all.

    Args:
        found: what `inspect_corpus` gave.
        corpus: of which.
        out: the file to write; its folder is made.
        emotions: what votes are counted over, clip by clip; None where nobody rated.
        audio: how clips can be heard, as in `ambivox.present.html.write_report`.

    Raises:
        UsageError: `out` is a folder.
    """
    check_page(out)
    page = render_page(
        "corpus.html.j2",
        found=found,
        facts=summary_lines(found),
        votes=[] if found.votes is None else vote_lines(found.votes),
        labels=None if found.votes is None else label_table(found.votes),
        figures=corpus_figures(found),
        shares=[] if found.votes is None else share_tables(found.votes),
        browser=corpus_browser(corpus, emotions, audio, out),
        options=option_table(found) if found.options else None,
        splits=split_table(found),
    )
    return write_page(page, out)
