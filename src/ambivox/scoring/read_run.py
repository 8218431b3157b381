"""Read the records of a run, once: the one way from a run to what scores, claims and reports show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambivox.calibration import CALIBRATIONS, read_kept
from ambivox.errors import UsageError
from ambivox.readouts import load_readouts
from ambivox.run_folder import Run
from ambivox.scoring.calibrated import N_FOLDS, Calibrated, Fitted, calibrate
from ambivox.scoring.facts import RunFacts
from ambivox.scoring.gather import Answered, gather
from ambivox.scoring.kept_rows import with_kept
from ambivox.scoring.notes import Note
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.parallel import answered
from ambivox.scoring.readings import CorpusReadings
from ambivox.scoring.truth_table import read_truth_table
from ambivox.scoring.truths import MEANINGS, truth_at_hand


@dataclass(frozen=True)
class RunReadings:
    """A run with everything that was read from its records.

    Args:
        environment: what the run kept of versions, corpora and seeds; empty where it kept nothing.
        corpora: those with a clip that can be scored, calibrated readings beside the plain ones.
        fitted: what the calibrations were fitted to.
        notes: on what was left out, and on how the rest was read.
    """

    run: Run
    options: ScoringOptions
    environment: Mapping[str, Any]
    facts: RunFacts
    corpora: tuple[CorpusReadings, ...]
    fitted: tuple[Fitted, ...]
    notes: tuple[Note, ...]


def read_run(
    run: Run | str | Path,
    options: ScoringOptions = DEFAULT_OPTIONS,
    *,
    n_processes: int = 1,
    texts: bool = True,
) -> RunReadings:
    """Apply readouts and calibrations to the records of a run; each record is read once.

    Args:
        run: a run or its directory.
        options: what to apply, and against which truth.
        n_processes: that read a large run, see `ambivox.scoring.parallel`.
        texts: whether to keep what was said, as pages show it.

    Raises:
        UsageError: an unknown name, no records, no votes, or a development speaker whom the run has not.
    """
    run = run if isinstance(run, Run) else Run(run)
    study = run.study()
    readouts = load_readouts(study.readouts if options.readouts is None else options.readouts)
    names = study.calibrations if options.calibrations is None else options.calibrations
    development = frozenset(options.development_speakers)
    fitting = any(CALIBRATIONS[name].fit for name in names)
    if development and not fitting:
        raise UsageError("development speakers: no calibration is fitted to them; add temperature or vector")
    facts, apart = RunFacts(texts={} if texts else None), list[Answered]()
    truths = None if options.truth_table is None else read_truth_table(options.truth_table)
    records = _sorted(answered(run, readouts, n_processes), facts, development, apart)
    corpora, notes = gather(
        records, outside=options.outside, cluster=options.cluster, named=options.truth, truths=truths
    )
    _check_speakers(development, facts.speakers)
    if not corpora:
        raise _nothing_to_score(run, options)
    scored_by = options.scored_by
    told = {"inferred": scored_by.inferred, "differs": scored_by.differs}
    notes = [Note(code, text) for code, texts in told.items() for text in texts] + notes
    if truths is not None:
        text = f"truth: from {truths.path.name}, not the shares of the votes"
        notes.append(Note("truth-table", text))
    if options.truth != "votes":
        notes.append(Note("truth-by-name", f"truth: {options.truth}, {MEANINGS[options.truth]}"))
    if fitting:
        notes.append(Note("fitted-to", f"calibrations are {_fitted_to(development)}"))
    done = Calibrated(tuple(corpora))
    if names:
        to = (
            gather(apart, outside=options.outside, named=options.truth, truths=truths)[0]
            if development
            else None
        )
        done = calibrate(corpora, names, development=to, seed=options.seed)
    notes += done.notes
    corpora = list(done.corpora)
    if study.calibrate is not None:
        corpora, told_of_kept = with_kept(corpora, read_kept(run.calibration_path), facts)
        notes += told_of_kept
    return RunReadings(run, options, _environment(run), facts, tuple(corpora), done.fitted, tuple(notes))


def _sorted(
    every: Iterable[Answered], facts: RunFacts, development: frozenset[str], apart: list[Answered]
) -> Iterator[Answered]:
    """The answers that are scored; those of development speakers are put `apart`."""
    for one in every:
        facts.add(one.record)
        if one.record.asked.utterance.speaker in development:
            apart.append(one.light())
        else:
            yield one


def _nothing_to_score(run: Run, options: ScoringOptions) -> UsageError:
    if options.truth_table is not None:
        return UsageError(
            f"{run.folder}: no clip with a truth in {options.truth_table}, nothing to score against: its "
            "column id has to hold the ids of the utterances"
        )
    what = {"votes": "votes", "intended": "an intended emotion", "consensus": "a published label"}
    at_hand = truth_at_hand(run.records(), options.outside)
    fix = "score a corpus that has one of votes, an intended emotion or a published label"
    if at_hand is not None and at_hand != options.truth:
        fix = f"its clips have {what[at_hand]}: score with --truth {at_hand}"
    return UsageError(
        f"{run.folder}: no clip with {what[options.truth]} inside the emotion set, nothing to score against: "
        f"{fix}"
    )


def _check_speakers(development: frozenset[str], known: set[str]) -> None:
    missing = sorted(development - known)
    if missing:
        some = ", ".join(sorted(known)[:8])
        raise UsageError(f"development speakers: no speaker {missing[0]!r} in this run (it has {some})")


def _fitted_to(development: frozenset[str]) -> str:
    if development:
        return f"fitted to development speakers {', '.join(sorted(development))}, who are not scored"
    return f"fitted to the votes of other speakers ({N_FOLDS} folds by speaker, or one per speaker if fewer)"


def _environment(run: Run) -> Mapping[str, Any]:
    return run.environment() if (run.folder / "environment.json").exists() else {}
