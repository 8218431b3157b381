"""Score a run: every readout against the votes, beside controls that heard nothing, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import get_args

from ambivox.calibration import CALIBRATIONS
from ambivox.choices import Cluster, FailedAs, Outside
from ambivox.errors import UsageError
from ambivox.metrics import CONVENTIONS
from ambivox.readouts import load_readouts
from ambivox.run.folder import Run
from ambivox.scoring.calibrated import Split, calibrate
from ambivox.scoring.cautions import cautions
from ambivox.scoring.parallel import answered
from ambivox.scoring.readings import read_all
from ambivox.scoring.rows import CorpusScorer
from ambivox.scoring.sensitivity import sensitivity_scores
from ambivox.scoring.table import ScoreRow, ScoreTable
from ambivox.scoring.truth_table import read_truth
from ambivox.statistics.interval import N_DRAWS


def score(
    run: Run | str | Path,
    *,
    convention: str = "ambivox",
    outside: Outside = "drop",
    failed_as: FailedAs | None = None,
    readouts: Sequence[str] | None = None,
    calibrations: Sequence[str] | None = None,
    development_speakers: Collection[str] = (),
    cluster: Cluster = "speaker",
    n_draws: int = N_DRAWS,
    seed: int = 0,
    n_processes: int = 1,
    truth: str | Path | None = None,
) -> ScoreTable:
    """Score the records of a run. Nothing is asked of a model.

    Args:
        run: a run or its directory.
        convention: a name of ``ambivox metrics``; it says which metrics and how failed readings count.
        outside: how votes outside the emotion set enter the truth, see `truth`.
        failed_as: what a failed reading counts as, in place of the convention's choice.
        readouts: in place of the study's.
        calibrations: names of ``ambivox calibrations``, in place of the study's; each adds a row per readout.
        development_speakers: whom calibrations are fitted to; they are not scored. None: folds of speakers.
        cluster: what the intervals take for independent; dialogues and clips are of just these speakers.
        n_draws: how many corpora the bootstrap draws.
        seed: of the bootstrap and the noise ceiling.
        n_processes: that read a large run; see `ambivox.scoring.parallel`.
        truth: a table of distributions in place of the shares of the votes; see `read_truth`.

    Raises:
        UsageError: unknown name, no records, no votes, or `neutral` asked of a set that has no such label.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    chosen = CONVENTIONS[convention]
    failed_as = failed_as or chosen.failed_as
    if failed_as not in get_args(FailedAs):
        raise UsageError(f"failed: {failed_as!r} is not one of {', '.join(get_args(FailedAs))}")
    wanted = load_readouts(readouts or run.study().readouts)
    names = run.study().calibrations if calibrations is None else calibrations
    split = Split(frozenset(development_speakers))
    if split.development and not any(CALIBRATIONS[name].fit for name in names):
        raise UsageError("development speakers: no calibration is fitted to them; add temperature or vector")
    scored = (
        one
        for one in answered(run, wanted, n_processes)
        if one.record.asked.utterance.speaker not in split.development
    )
    truths = read_truth(truth) if truth is not None else None
    corpora, notes = read_all(scored, wanted, outside=outside, cluster=cluster, truths=truths)
    if not corpora:
        raise UsageError(f"{run.folder}: no clip with votes inside the emotion set, nothing to score against")
    notes = [f"{convention}: {text}" for text in chosen.inferred] + notes
    if truths is not None:
        notes.append(f"truth: from {truths.path.name}, not the shares of the votes")
    if names:
        apart = (
            read_all(split.fitted_to(run.records()), wanted, outside=outside, truths=truths)[0]
            if split.development
            else None
        )
        corpora, found = calibrate(corpora, names, development=apart, seed=seed)
        if any(CALIBRATIONS[name].fit for name in names):
            notes.append(f"calibration: {split}")
        notes += found
    rows: list[ScoreRow] = []
    for corpus in corpora:
        scorer = CorpusScorer(corpus, chosen, failed_as, seed)
        rows += scorer.rows(n_draws)
        notes += [*corpus.notes, *scorer.notes]
    return ScoreTable(
        convention,
        chosen.source,
        tuple(metric.name for metric in chosen.metrics),
        outside,
        failed_as,
        tuple(rows),
        tuple(notes),
        cluster,
        tuple(found for corpus in corpora for found in sensitivity_scores(corpus)),
        tuple(line for corpus in corpora for line in cautions(corpus)),
    )
