"""Score a run: every readout against the votes, beside controls that heard nothing, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ambivox.errors import UsageError
from ambivox.run_folder import Run
from ambivox.scoring.cautions import row_cautions, run_cautions
from ambivox.scoring.leads import leads
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.read_run import RunReadings, read_run
from ambivox.scoring.readings import CorpusReadings
from ambivox.scoring.rows import CorpusScorer
from ambivox.scoring.sensitivity import sensitivity_scores
from ambivox.scoring.several_runs import check_comparable, side_by_side
from ambivox.scoring.table import ScoreTable


def score(
    run: Run | str | Path | Sequence[Run | str | Path],
    options: ScoringOptions = DEFAULT_OPTIONS,
    *,
    n_processes: int = 1,
) -> ScoreTable:
    """Score the records of a run, or of several in one table. Nothing is asked of a model.

    Args:
        run: a run or its directory, or several of them: see `ambivox.scoring.several_runs.side_by_side`.
        options: readouts, metrics, truth, calibrations and intervals; by default those of the study and of
            the convention ``ambivox``.
        n_processes: that read a large run; a program that asks for several has to be importable without
            running, see `ambivox.scoring.parallel`.

    Raises:
        UsageError: unknown name, no records, no votes, `neutral` asked of a set that has no such label, or
            runs that do not belong in one table.
    """
    runs = [run] if isinstance(run, Run | str | Path) else run
    return score_runs([read_run(one, options, n_processes=n_processes, texts=False) for one in runs])


def score_runs(readings: Sequence[RunReadings]) -> ScoreTable:
    """Score what was read from one run or from several, by the options that all were read with.

    Raises:
        UsageError: no run, or runs that do not belong in one table.
    """
    if not readings:
        raise UsageError("no run is given: name at least one")
    if len(readings) == 1:
        return score_readings(readings[0])
    check_comparable(readings)
    return side_by_side(readings, [score_readings(one) for one in readings])


def score_readings(readings: RunReadings) -> ScoreTable:
    """Score what was read from a run, by the options that it was read with."""
    table = score_corpora(readings.corpora, readings.options)
    return replace(
        table,
        fitted=readings.fitted,
        notes=(*readings.notes, *table.notes),
        cautions=(*run_cautions(readings), *table.cautions),
    )


def score_corpora(corpora: Sequence[CorpusReadings], options: ScoringOptions) -> ScoreTable:
    """Score readings corpus by corpus, wherever they come from."""
    scorers = [CorpusScorer(corpus, options) for corpus in corpora]
    rows = [row for scorer in scorers for row in scorer.rows()]
    return ScoreTable(
        convention=options.convention,
        source=options.scored_by.source,
        metrics=tuple(metric.name for metric in options.all_metrics),
        asked_for=tuple(dict.fromkeys(options.metrics)),
        outside=options.outside,
        failed_as=options.counts_failed_as,
        cluster=options.cluster,
        rows=tuple(rows),
        sensitivities=tuple(found for corpus in corpora for found in sensitivity_scores(corpus)),
        notes=tuple(note for scorer in scorers for note in (*scorer.corpus.notes, *scorer.notes)),
        cautions=tuple(caution for corpus in corpora for caution in row_cautions(corpus)),
        leads=leads([("", corpus) for corpus in corpora], rows, options),
    )
