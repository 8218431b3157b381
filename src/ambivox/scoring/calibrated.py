"""Calibrated readings beside the plain ones: references, development speakers and folds are found here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ambivox.calibration import CALIBRATIONS, Calibration, Scaling, divide
from ambivox.errors import UsageError
from ambivox.raters.distribution import Array
from ambivox.readouts import Status
from ambivox.record import Record
from ambivox.scoring.readings import CorpusReadings, Readings

N_FOLDS = 5
"""Of speakers, or as many as there are: each fold's clips get what was fitted to the others."""

_ENOUGH = 2
"""Clips to fit to, at least."""


@dataclass(frozen=True)
class Split:
    """Whom a calibration is fitted to: development speakers, who are not scored, or the others in turn."""

    development: frozenset[str] = frozenset()

    def of(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records that are scored."""
        return (record for record in records if record.asked.utterance.speaker not in self.development)

    def fitted_to(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records of the development speakers.

        Raises:
            UsageError: a development speaker whom the records do not have.
        """
        seen: set[str] = set()
        for record in records:
            seen.add(record.asked.utterance.speaker or "")
            if record.asked.utterance.speaker in self.development:
                yield record
        if self.development - seen:
            missing, known = sorted(self.development - seen), ", ".join(sorted(seen - {""})[:8])
            raise UsageError(f"development speakers: no speaker {missing[0]!r} in this run (it has {known})")

    def __str__(self) -> str:
        if self.development:
            return f"fitted to development speakers {', '.join(sorted(self.development))}, who are not scored"
        return (
            f"fitted to the votes of other speakers ({N_FOLDS} folds by speaker, or one per speaker if fewer)"
        )


def calibrate(
    corpora: Sequence[CorpusReadings],
    names: Sequence[str],
    *,
    development: Sequence[CorpusReadings] | None = None,
    seed: int = 0,
) -> tuple[list[CorpusReadings], list[str]]:
    """Add calibrated readings, called ``first + batch``, to those that heard the clips.

    Args:
        corpora: what is scored.
        names: of `CALIBRATIONS`.
        development: readings of the development speakers; None fits to the other folds of `corpora`.
        seed: of the folds.

    Returns:
        The corpora with more readings, and what was fitted or could not be, as notes.

    Raises:
        UsageError: an unknown calibration.
    """
    chosen = [CALIBRATIONS[name] for name in dict.fromkeys(names)]
    fitted_to = {corpus.corpus: corpus for corpus in development} if development is not None else None
    done, notes = [], []
    for corpus in corpora:
        worker = _Calibrator(corpus, fitted_to.get(corpus.corpus) if fitted_to is not None else corpus, seed)
        added = [new for found in corpus.readings for new in worker.all_of(found, chosen)]
        done.append(replace(corpus, readings=tuple(added)))
        notes += [f"{corpus.corpus}: {note}" for note in worker.notes]
    return done, notes


class _Calibrator:
    def __init__(self, corpus: CorpusReadings, fitted_to: CorpusReadings | None, seed: int) -> None:
        self.corpus, self.fitted_to = corpus, fitted_to
        self.notes: list[str] = []
        self.folds = _folds(corpus, seed)
        self.by_control = {_key(found, found.control): found for found in corpus.readings}

    def all_of(self, found: Readings, chosen: Sequence[Calibration]) -> Iterator[Readings]:
        yield found
        if found.control != "clip" or found.failed.all():
            return
        for calibration in chosen:
            p, note = self.one(found, calibration)
            name = f"{found.readout} + {calibration.name}"
            if note:
                self.notes.append(f"{found.model}, {found.prompt}: {name}: {note}")
            if p is not None:
                statuses: dict[Status, int] = dict(found.statuses)
                lost = int((np.isnan(p[:, 0]) & ~found.failed).sum())
                if lost:
                    kept = int((~np.isnan(p[:, 0])).sum())
                    statuses = {"ok": kept, "undefined": len(p) - kept}
                kept_statuses = {s: n for s, n in statuses.items() if n}
                fault = note.partition(": ")[2] if lost else found.fault
                yield replace(found, readout=name, p=p, statuses=kept_statuses, fault=fault)

    def one(self, found: Readings, calibration: Calibration) -> tuple[Array | None, str]:
        """Calibrated distributions, shape ``(R, N)``, and what is to be said; None where there are none."""
        if calibration.fit is not None:
            return self.fitted(found, calibration)
        p = np.full(found.p.shape, np.nan)
        if calibration.function is not None:
            for v in np.unique(found.variants):
                p[found.variants == v] = calibration.function(found.p[found.variants == v])
            return p, _lost(p, found, "a label has no probability in any answer")
        control = [self.by_control.get(_key(found, control)) for control in calibration.controls]
        there = [other for other in control if other is not None]
        if not there or (len(there) < len(control) and not calibration.by_clip):
            missing = calibration.controls[[other is None for other in control].index(True)]
            return None, f"not computed: the run has no control {missing!r}"
        if calibration.by_clip:
            reference = _references(found, there, by_clip=True)
        else:
            reference = np.mean([_references(found, [other], by_clip=False) for other in there], axis=0)
        p = divide(found.p, reference)
        return p, _lost(p, found, "the reference is missing, or has no probability for a label")

    def fitted(self, found: Readings, calibration: Calibration) -> tuple[Array | None, str]:
        assert calibration.fit is not None
        other = None if self.fitted_to is None else _same(self.fitted_to, found)
        if self.fitted_to is None or other is None:
            return None, "not computed: the development speakers have no such readings"
        p = np.full(found.p.shape, np.nan)
        scalings: list[Scaling] = []
        if self.fitted_to is not self.corpus:
            parts = [(np.ones(len(found.p), dtype=bool), ~other.failed)]
        else:
            fold = self.folds[found.clips]
            parts = [(fold == n, (fold != n) & ~found.failed) for n in np.unique(fold)]
        for scored, known in parts:
            if len(np.unique(other.clips[known])) < _ENOUGH:
                return None, f"not computed: fewer than {_ENOUGH} clips of other speakers to fit to"
            scaling = calibration.fit(other.p[known], self.fitted_to.clips.q[other.clips[known]])
            readable = scored & ~found.failed
            p[readable] = scaling(found.p[readable])
            scalings.append(scaling)
        return p, _describe(scalings, calibration)


def _lost(p: Array, found: Readings, reason: str) -> str:
    """What to say of readings that a calibration left without a distribution; empty if there are none."""
    lost = int((np.isnan(p[:, 0]) & ~found.failed).sum())
    return f"undefined for {lost} of {len(p)}: {reason}" if lost else ""


def _key(found: Readings, control: str) -> tuple[str, str, str, str]:
    return found.model, control, found.prompt, found.readout


def _same(corpus: CorpusReadings, found: Readings) -> Readings | None:
    key = _key(found, found.control)
    return next((other for other in corpus.readings if _key(other, other.control) == key), None)


def _references(found: Readings, control: Sequence[Readings], *, by_clip: bool) -> Array:
    """Shape ``(R, N)``: what was answered to a control, with the same order of options."""
    rows: dict[tuple[object, ...], list[Array]] = {}
    for other in control:
        for key, p in zip(_asked(other, by_clip=by_clip), other.p, strict=True):
            if not np.isnan(p[0]):
                rows.setdefault(key, []).append(p)
    means = {key: np.mean(own, axis=0) for key, own in rows.items()}
    nothing = np.full(found.p.shape[1], np.nan)
    return np.array([means.get(key, nothing) for key in _asked(found, by_clip=by_clip)])


def _asked(found: Readings, *, by_clip: bool) -> Iterator[tuple[object, ...]]:
    """What answers must share to be compared: on one clip all, else all but that the transcript was shown."""
    for clip, variant in zip(found.clips, found.variants, strict=True):
        order, transcript = found.conditions[variant]
        yield (order, transcript, clip) if by_clip else (order,)


def _folds(corpus: CorpusReadings, seed: int) -> NDArray[np.intp]:
    """Shape ``(U,)``: the fold of each clip, all clips of a speaker in one."""
    known = zip(corpus.clips.names, corpus.clips.speakers, strict=True)
    speakers = [speaker or f"clip {name}" for name, speaker in known]
    names: Collection[str] = dict.fromkeys(speakers)
    shuffled = np.random.default_rng(seed).permutation(len(names)) % min(N_FOLDS, len(names))
    fold_of = dict(zip(names, shuffled, strict=True))
    return np.array([fold_of[speaker] for speaker in speakers], dtype=np.intp)


def _describe(scalings: Sequence[Scaling], calibration: Calibration) -> str:
    before, after = np.mean([scaling.loss_nats for scaling in scalings], axis=0)
    loss = f"cross-entropy {before:.3f} to {after:.3f} nats where it was fitted"
    if calibration.name != "temperature":
        return loss
    low, high = (f"{extreme(s.temperature for s in scalings):.3g}" for extreme in (min, max))
    at_end = " (the search ends there)" if any(s.at_end for s in scalings) else ""
    return f"T = {low}{f' to {high}' if high != low else ''}{at_end}; {loss}"
