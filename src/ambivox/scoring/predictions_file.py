"""Score a table of distributions made elsewhere against the votes of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ambivox.corpora import Corpus
from ambivox.corpora.tables import Table, is_given, read_table
from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError
from ambivox.raters.distribution import Array
from ambivox.readouts import Status
from ambivox.readouts.reading import BOUNDS_MATTER
from ambivox.scoring.keys import RowKey
from ambivox.scoring.notes import Note
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.predictions import Predictions, corpus_readings, rated_clips
from ambivox.scoring.score_run import score_corpora
from ambivox.scoring.service_answers import is_answers, read_answers
from ambivox.scoring.table import ScoreTable
from ambivox.scoring.truths import truth_of

ID_COLUMNS = ("id", "utterance", "clip", "file")
"""The first of these that a table has names the utterance; of a file name the stem."""

SUM_TOLERANCE = 1e-3
"""How far a row may sum from 1; it is divided by its sum."""


def score_predictions_file(
    paths: Sequence[Path], corpus: Corpus, emotions: EmotionSet, options: ScoringOptions = DEFAULT_OPTIONS
) -> ScoreTable:
    """Score distributions made elsewhere, with the controls, intervals and cautions that runs have.

    Args:
        paths: answers of services (.json or a folder, see `ambivox.scoring.service_answers`), or tables
            (.csv, .parquet, .jsonl) with the utterance's id and a column for each label, named as
            the label, one of its forms, or ``p.LABEL`` as an export has it; one row of the score table each.
        corpus: whose votes are the truth. Clips without a prediction, or with an empty one, are failed
            readings and stay in every denominator.
        emotions: what is predicted, N labels.
        options: as for a run.

    Raises:
        UsageError: a label that a table lacks, a row that is not a distribution (it is named), an id twice or
            one that the corpus has not.
    """
    names, speakers, votes, truths = [], [], [], []
    for utterance in corpus:
        counted, q, _ = truth_of(utterance, emotions, options.outside, options.truth)
        if q is not None:
            names.append(utterance.id)
            speakers.append(utterance.speaker)
            votes.append(counted.counts)
            truths.append(q)
    if not names:
        raise UsageError(
            f"corpus {corpus.name!r}: no clip with votes inside {emotions.name}: name another set"
        )
    clips, notes = rated_clips(
        names, speakers, votes, np.array(truths), corpus=corpus.name, cluster=options.cluster
    )
    known = {u.id for u in corpus}
    predictions = [_predictions(path, names, known, corpus.name, emotions) for path in paths]
    notes += [note for one in predictions for note in _answer_notes(one)]
    left_out = len(corpus) - len(names)
    if left_out:
        notes.append(Note("no-usable-vote", f"{left_out} clips left out: no vote counts", corpus.name))
    return score_corpora([corpus_readings(predictions, clips, emotions, corpus.name, notes)], options)


def _predictions(
    path: Path, names: Sequence[str], known: set[str], corpus: str, emotions: EmotionSet
) -> Predictions:
    answers = read_answers(path, emotions) if is_answers(path) else None
    found = read_predictions(path, emotions) if answers is None else {n: a.p for n, a in answers.items()}
    strange = next((name for name in found if name not in known), None)
    if strange is not None:
        raise UsageError(f"{path}: {strange!r} is not an utterance of the corpus {corpus!r}")
    nothing = np.full(len(emotions), np.nan)
    p = np.array([found.get(name, nothing) for name in names])
    statuses: list[Status] = ["undefined" if np.isnan(row[0]) else "ok" for row in p]
    if answers is not None:
        statuses = [answers[name].status if name in answers else "undefined" for name in names]
    return Predictions(RowKey(corpus, path.stem, readout="given"), "text", p, tuple(statuses))


def _answer_notes(one: Predictions) -> list[Note]:
    """What was done to the answers of a service before they were scored."""
    counted, n = Counter(one.statuses), len(one.p)
    apart = f"a share may be off by more than {BOUNDS_MATTER:g}, and they have no distribution"
    told: dict[Status, str] = {
        "bounded": f"{counted['bounded']} of {n} answers list only some labels: {apart}",
        "renormalised": f"{counted['renormalised']} of {n} answers hold scores that do not sum to 1: they "
        "are divided by their sum",
    }
    return [Note(code, text, one.key.corpus, one.key) for code, text in told.items() if counted[code]]


def read_predictions(path: Path, emotions: EmotionSet) -> dict[str, Array]:
    """Utterance -> shape ``(N,)``, in the order of the set; ``nan`` for an empty row.

    Raises:
        UsageError: see `score_predictions_file`.
    """
    table = read_table(path)
    ids = _ids(path, table)
    columns = [_column(path, table.columns, emotions, n) for n in range(len(emotions))]
    p = np.array(
        [
            [_share(path, where, cells.get(name), table.decimal_comma) for name in columns]
            for where, cells in table.rows
        ]
    )
    empty = np.isnan(p).all(axis=1)
    total = p.sum(axis=1)
    wrong = ~empty & ~((p >= 0).all(axis=1) & (np.abs(total - 1) <= SUM_TOLERANCE))
    if wrong.any():
        row = int(wrong.argmax())
        why = f"sums to {total[row]:.6g}" if (p[row] >= 0).all() else "has a value that is missing or below 0"
        raise UsageError(
            f"{path}: the distribution of {ids[row]!r} {why}: give shares of all {len(emotions)} labels that "
            "sum to 1, or leave the whole row empty"
        )
    p[~empty] /= total[~empty, None]
    return dict(zip(ids, p, strict=True))


def _share(path: Path, where: str, value: Any, decimal_comma: bool) -> float:
    """A cell as a number; ``nan`` for an empty one."""
    if not is_given(value):
        return np.nan
    try:
        return float(value.replace(",", ".") if decimal_comma and isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise UsageError(f"{path}, {where}: {value!r} is not a number") from None


def _ids(path: Path, table: Table) -> list[str]:
    name = next((name for name in ID_COLUMNS if name in table.columns), None)
    if name is None:
        raise UsageError(
            f"{path}: no column {' or '.join(ID_COLUMNS)}: it has {', '.join(table.columns) or 'none'}"
        )
    ids = [str(cells.get(name, "")) for _, cells in table.rows]
    if name in ("clip", "file"):
        ids = [Path(value).stem for value in ids]
    if len(set(ids)) < len(ids):
        twice = max(ids, key=ids.count)
        raise UsageError(f"{path}: {twice!r} stands there twice: keep one row for each utterance")
    return ids


def _column(path: Path, columns: Sequence[str], emotions: EmotionSet, n: int) -> str:
    forms = (emotions.labels[n], *emotions.forms[n])
    wanted = {name.casefold() for form in forms for name in (form, f"p.{form}")}
    found = [name for name in columns if name.casefold() in wanted]
    if len(found) != 1:
        said = f"{len(found)} columns ({', '.join(found)})" if found else "no column"
        raise UsageError(f"{path}: {said} for the label {emotions.labels[n]!r} of {emotions.name}")
    return found[0]
