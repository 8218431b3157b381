"""Readings calibrated by what was kept: fitted to another run before this one was scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ambivox.calibration import KeptCalibration
from ambivox.readouts import written
from ambivox.scoring.facts import RunFacts
from ambivox.scoring.notes import Note
from ambivox.scoring.readings import CorpusReadings, Readings


def with_kept(
    corpora: Sequence[CorpusReadings], kept: KeptCalibration, facts: RunFacts
) -> tuple[list[CorpusReadings], list[Note]]:
    """Add calibrated readings where the calibration was fitted to the very prompt and readout.

    Args:
        corpora: what is scored.
        kept: which the run was made with.
        facts: of the same run.

    Returns:
        The corpora, and notes on what the calibration was fitted to.

    Raises:
        UsageError: the run is of another model or emotion set.
    """
    for fingerprints in facts.fingerprints.values():
        for fingerprint in fingerprints:
            kept.check_model(fingerprint, corpora[0].emotions.labels)
    found = [replace(c, readings=tuple(_readings(c.readings, kept, facts))) for c in corpora]
    notes = [
        Note("kept-calibration", f"kept calibration: {kept.method}, fitted to {', '.join(kept.corpora)}")
    ]
    for fit in kept.fits:
        if not facts.prompt_texts.get(fit.prompt, set()) <= set(fit.texts):
            text = f"kept calibration: not applied to {fit.prompt}, whose wording or order of options differs"
            notes.append(Note("kept-not-applied", text))
    notes = list(dict.fromkeys(notes))
    for corpus in corpora:
        if corpus.corpus in kept.corpora:
            text = "kept calibration: fitted to this corpus, so its rows are better here than elsewhere"
            notes.append(Note("kept-in-sample", text, corpus.corpus))
    return found, notes


def _readings(every: Sequence[Readings], kept: KeptCalibration, facts: RunFacts) -> Iterator[Readings]:
    """Readings, and the calibrated ones after those of a prompt and readout that it was fitted to."""
    fits = {(fit.prompt, fit.readout): fit for fit in kept.fits}
    for found in every:
        yield found
        key = found.key
        plain = (key.control, key.calibration, key.context_turns, key.wording) == ("clip", None, 0, ())
        fit = fits.get((key.prompt, written(key.readout, key.options)))
        if plain and fit and facts.prompt_texts[key.prompt] <= set(fit.texts):
            calibrated = replace(key, calibration=f"kept-{kept.method}")
            yield replace(found, key=calibrated, p=fit.scaling(found.p))
