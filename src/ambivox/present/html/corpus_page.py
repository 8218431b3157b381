"""The page of a corpus: what ``ambivox corpora inspect`` found, with pictures."""

from __future__ import annotations

from pathlib import Path

from ambivox.inspection import Inspection
from ambivox.present.corpora import label_table, option_table, split_table, summary_lines, vote_lines
from ambivox.present.html.corpus_figures import corpus_figures
from ambivox.present.html.html import check_page, render_page, write_page


def write_corpus_page(found: Inspection, out: Path) -> Path:
    """Write the facts of a corpus as one HTML file, whole or not at all.

    Args:
        found: what `inspect_corpus` gave.
        out: the file to write; its folder is made.

    Raises:
        UsageError: plotly is missing, or `out` is a folder.
    """
    plotly_js = check_page(out)
    page = render_page(
        "corpus.html.j2",
        plotly_js,
        found=found,
        facts=summary_lines(found),
        votes=[] if found.votes is None else vote_lines(found.votes),
        labels=None if found.votes is None else label_table(found.votes),
        figures=corpus_figures(found),
        options=option_table(found) if found.options else None,
        splits=split_table(found),
    )
    return write_page(page, out)
