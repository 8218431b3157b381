"""The page of a corpus: what ``ambivox corpora inspect`` found, with pictures."""

from __future__ import annotations

from pathlib import Path

from ambivox.inspection import Inspection
from ambivox.inspection.facts import VoteFacts
from ambivox.present.html.corpus_figures import corpus_figures
from ambivox.present.html.html import check_page, render_page, write_page
from ambivox.present.html.tables import Cell, Column, Grid
from ambivox.present.text.cells import number
from ambivox.present.text.inspection import summary_lines, vote_lines


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
        labels=None if found.votes is None else _label_grid(found.votes),
        figures=corpus_figures(found),
        options=_option_grid(found) if found.options else None,
        splits=_split_grid(found),
    )
    return write_page(page, out)


def _label_grid(votes: VoteFacts) -> Grid:
    grid = Grid(
        f"Labels of {votes.emotion_set}, over {votes.utterances:,} utterances with votes",
        [
            Column("label", kind="text"),
            Column("votes"),
            Column("share", "mean over utterances"),
            Column("standard error", "of the share in an utterance, mean"),
            Column("most voted", "utterances, ties shared"),
            Column("alpha", "Krippendorff, against the rest"),
            Column("kappa", "Fleiss, against the rest"),
        ],
    )
    lines = [
        [
            Cell(label.label),
            Cell(f"{label.votes:,}"),
            Cell(number(label.share)),
            Cell(number(label.standard_error)),
            Cell(f"{label.first:,.0f}"),
            Cell(number(label.alpha)),
            Cell(number(label.kappa)),
        ]
        for label in votes.labels
    ]
    grid.groups.append(("", lines))
    return grid


def _option_grid(found: Inspection) -> Grid:
    columns = [Column("option", kind="text"), Column("utterances"), Column("share"), Column("votes")]
    grid = Grid("What each option keeps", [*columns, Column("what it does", kind="text")])
    for option in dict.fromkeys(kept.option for kept in found.options):
        lines = [
            [
                Cell(kept.value),
                Cell(f"{kept.utterances:,}"),
                Cell(f"{kept.utterances / max(found.utterances, 1):.1%}"),
                Cell(f"{kept.votes:,}"),
                Cell(kept.what),
            ]
            for kept in found.options
            if kept.option == option
        ]
        grid.groups.append((option, lines))
    return grid


def _split_grid(found: Inspection) -> Grid:
    grid = Grid(
        "Splits by name: utterances in each part",
        [Column("split", kind="text"), Column("how many"), Column("parts", kind="text")],
    )
    lines = []
    for split in found.splits:
        sizes = ", ".join(
            f"{part} {low:,}" + (f" to {high:,}" if high != low else "")
            for part, (low, high) in split.sizes.items()
        )
        lines.append([Cell(split.name), Cell(str(split.n_splits or "–")), Cell(sizes, detail=split.reason)])
    grid.groups.append(("", lines))
    return grid
