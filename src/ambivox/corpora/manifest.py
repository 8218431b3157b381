"""Manifests: a corpus of one's own as one table beside its clips.

The columns are those of `ambivox.corpora.templates`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ambivox.corpora._assemble import Placed, corpus_of
from ambivox.corpora._columns import Columns
from ambivox.corpora._row import Row, VoteKind
from ambivox.corpora.corpus import Corpus
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.tables import is_given, read_table
from ambivox.errors import UsageError
from ambivox.raters.ratings import LabelChoice


def load_manifest(
    path: str | Path,
    *,
    name: str | None = None,
    licence: str = "not stated",
    columns: dict[str, str] | None = None,
    vote_columns: list[str] | None = None,
    votes: VoteKind | None = None,
    rows: Literal["clips", "ratings"] | None = None,
    labels: LabelChoice = "all-labels",
    encoding: str | None = None,
    audio_folder: str | None = None,
    votes_invented: bool = False,
) -> Corpus:
    """Load a corpus from a CSV, TSV, JSONL or Parquet file with a row for each utterance, or for each rating.

    ``audio`` is needed, and all else may be left out: the columns are those that ``ambivox corpora template``
    prints (`ambivox.corpora.templates`). A label that is not of the emotion set asked for later is kept as a
    vote outside it. Zero counts are dropped, so that all ways read the same. Usual other names of columns are
    understood (``file``, ``annotator``, ``emotion``, ...).

    CSV is UTF-8 or UTF-16, parted by commas, semicolons, tabs or bars; spaces around a cell do not count and
    an empty cell is a missing value. JSONL has one object per line, where null or an absent key is a missing
    value. Parquet may hold ``votes`` as struct, map or JSON text and ``ratings`` as list or text.

    A sound file that is missing is no error here: a study reports it as a failed row.

    Args:
        path: the manifest.
        name: what the corpus is called; its file name without the ending if None.
        licence: under which licence the clips are.
        columns: our column -> theirs, for example ``{"rater": "annotator_id", "label": "choice"}``.
        vote_columns: columns that are called as their labels, with votes; in a table of ratings with 1 for
            each label that the rater named.
        votes: what the numbers under ``votes`` are; None: counts, refused where they look like percentages.
            ``selected``: for each label the share of the raters who selected it, of whom one may select
            several; needs ``n_raters``.
        rows: what a row is; None: a rating where there is a column of raters, else a clip.
        labels: which of the labels that a rater named become votes, in a table of ratings.
        encoding: of a text that is not Unicode, such as ``cp1252``.
        audio_folder: where the sound files lie, if not beside the table; paths are matched by their ends.
        votes_invented: nobody rated; scores then say that they show how things work and nothing of people.

    Returns:
        The corpus, in the order of the rows; load issues count utterances without votes where others have
        some, ratings without a label, unknown speakers, sounds that repeat and columns that are not used.

    Raises:
        UsageError: an unreadable or empty file, a missing, doubled or misspelt column, or a cell that makes
            no sense; the message names file, row (in CSV the header is row 1), column and fix.
    """
    path = Path(path)
    folder = path.parent.resolve()
    load_issues = LoadIssues()
    table = read_table(path, encoding)
    if not table.rows:
        raise UsageError(f"{path}: an empty manifest: it needs a row for each utterance")
    known = Columns(
        load_issues, columns, vote_columns or (), by_rating=None if rows is None else rows == "ratings"
    )
    used = known.of(path, table.columns)
    root = None if audio_folder is None else Path(audio_folder)
    placed = []
    for where, cells in table.rows:
        given = {ours: cells[theirs] for ours, theirs in used.items() if is_given(cells.get(theirs))}
        row = Row(path, where, given, used, load_issues, votes, table.decimal_comma)
        audio = row.audio(folder, root)
        placed.append(Placed(row, audio, _names(row, audio)))
    return corpus_of(
        placed,
        load_issues,
        path,
        ratings=bool(known.by_rating),
        name=name,
        licence=licence,
        labels=labels,
        votes=votes,
        votes_invented=votes_invented,
    )


def _names(row: Row, audio: Path) -> tuple[str, ...]:
    start, end = row.cells.get("start"), row.cells.get("end")
    segment = f" {start or 0}-{'' if end is None else end}" if start is not None or end is not None else ""
    channel = row.channel()
    stem = audio.stem + segment + ("" if channel is None else f" channel {channel}")
    return stem, f"{audio.parent.name}/{stem}", f"{stem} ({row.where})"
