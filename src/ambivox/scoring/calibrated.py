"""Calibrated readings beside the plain ones: references, development speakers and folds are found here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ambivox.calibration import CALIBRATIONS, Calibration, Scaling, cross_fit, divide
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES
from ambivox.reasons import Reason
from ambivox.scoring.keys import RowKey
from ambivox.scoring.notes import Note
from ambivox.scoring.readings import CorpusReadings, Readings

N_FOLDS = 5
"""Of speakers, or as many as there are: each fold's clips get what was fitted to the others."""

_ENOUGH = 2
"""Clips to fit to, at least."""


@dataclass(frozen=True)
class Fitted:
    """What a calibration was fitted to, and how well, for one row.

    Args:
        key: the calibrated row.
        scalings: one, or one per fold of speakers.
    """

    key: RowKey
    scalings: tuple[Scaling, ...]


@dataclass(frozen=True)
class Calibrated:
    """Readings with the calibrated ones beside them, what was fitted for these, and what to know of them."""

    corpora: tuple[CorpusReadings, ...]
    fitted: tuple[Fitted, ...] = ()
    notes: tuple[Note, ...] = ()


def calibrate(
    corpora: Sequence[CorpusReadings],
    names: Sequence[str],
    *,
    development: Sequence[CorpusReadings] | None = None,
    seed: int = 0,
) -> Calibrated:
    """Add calibrated readings to those that heard the clips.

    Args:
        corpora: what is scored.
        names: of `CALIBRATIONS`.
        development: readings of the development speakers; None fits to the other folds of `corpora`.
        seed: of the folds.

    Raises:
        UsageError: an unknown calibration.
    """
    chosen = [CALIBRATIONS[name] for name in dict.fromkeys(names)]
    fitted_to = {corpus.corpus: corpus for corpus in development} if development is not None else None
    workers = [
        _Calibrator(corpus, fitted_to.get(corpus.corpus) if fitted_to is not None else corpus, seed)
        for corpus in corpora
    ]
    return Calibrated(
        tuple(worker.calibrated(chosen) for worker in workers),
        tuple(fitted for worker in workers for fitted in worker.fits),
        tuple(note for worker in workers for note in worker.notes),
    )


_Outcome = tuple[Array, tuple[Scaling, ...], str]
"""Calibrated distributions, shape ``(R, N)``, what was fitted, and why a reading may have lost its own."""


class _Calibrator:
    def __init__(self, corpus: CorpusReadings, fitted_to: CorpusReadings | None, seed: int) -> None:
        self.corpus, self.fitted_to = corpus, fitted_to
        self.fits: list[Fitted] = []
        self.notes: list[Note] = []
        self.folds = folds_of(corpus, seed)
        self.by_key = {found.key: found for found in corpus.readings}

    def calibrated(self, chosen: Sequence[Calibration]) -> CorpusReadings:
        every = (new for found in self.corpus.readings for new in self.all_of(found, chosen))
        return replace(self.corpus, readings=tuple(every))

    def all_of(self, found: Readings, chosen: Sequence[Calibration]) -> Iterator[Readings]:
        """Readings, and after them what each calibration makes of them."""
        yield found
        if found.key.control != "clip" or found.failed.all():
            return
        for calibration in chosen:
            key = replace(found.key, calibration=calibration.name)
            outcome = self.one(found, calibration)
            if isinstance(outcome, Reason):
                self.notes.append(Note(outcome.code, f"not computed: {outcome.text}", key.corpus, key))
                continue
            p, scalings, why = outcome
            if scalings:
                self.fits.append(Fitted(key, scalings))
            yield self.with_new(replace(found, key=key), p, why)

    def with_new(self, found: Readings, p: Array, why: str) -> Readings:
        """The readings with calibrated distributions; those that lost theirs are undefined."""
        lost = np.isnan(p[:, 0]) & ~found.failed
        if not lost.any():
            return replace(found, p=p)
        reason = Reason("undefined", why)
        text = f"undefined for {int(lost.sum())} of {len(p)}: {why}"
        self.notes.append(Note("undefined", text, found.key.corpus, found.key))
        codes = np.where(lost, np.uint8(STATUSES.index("undefined")), found.status_codes)
        reasons = {**found.reasons, **dict.fromkeys(np.flatnonzero(lost).tolist(), reason)}
        return replace(found, p=p, status_codes=codes, reasons=reasons)

    def one(self, found: Readings, calibration: Calibration) -> _Outcome | Reason:
        """What a calibration makes of readings, or why it makes nothing of them."""
        if calibration.fit is not None:
            return self.fitted(found, calibration)
        p = np.full(found.p.shape, np.nan)
        if calibration.function is not None:
            for v in np.unique(found.variants):
                p[found.variants == v] = calibration.function(found.p[found.variants == v])
            return p, (), "the answers leave too little probability for a label"
        control = [self.by_key.get(found.key.heard(control)) for control in calibration.controls]
        there = [other for other in control if other is not None]
        if not there or (len(there) < len(control) and not calibration.by_clip):
            missing = calibration.controls[[other is None for other in control].index(True)]
            return Reason("no-control", f"the run has no control {missing!r}")
        if calibration.by_clip:
            reference = _references(found, there, by_clip=True)
        else:
            reference = np.mean([_references(found, [other], by_clip=False) for other in there], axis=0)
        return divide(found.p, reference), (), "the reference is missing, or has no probability for a label"

    def fitted(self, found: Readings, calibration: Calibration) -> _Outcome | Reason:
        assert calibration.fit is not None
        known_readings = () if self.fitted_to is None else self.fitted_to.readings
        other = next((other for other in known_readings if other.key == found.key), None)
        if self.fitted_to is None or other is None:
            return Reason("no-development", "the development speakers have no such readings")
        p = np.full(found.p.shape, np.nan)
        readable = ~found.failed
        few = Reason("too-few-clips", f"fewer than {_ENOUGH} clips of other speakers to fit to")
        if self.fitted_to is not self.corpus:
            known = ~other.failed
            if len(np.unique(other.clips[known])) < _ENOUGH:
                return few
            scaling = calibration.fit(other.p[known], self.fitted_to.clips.q[other.clips[known]])
            p[readable] = scaling(found.p[readable])
            return p, (scaling,), ""
        clips = found.clips[readable]
        folds = self.folds[clips]
        if any(len(np.unique(clips[folds != fold])) < _ENOUGH for fold in np.unique(folds)):
            return few
        p[readable], scalings = cross_fit(
            calibration.fit, found.p[readable], self.corpus.clips.q[clips], folds
        )
        return p, scalings, ""


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


def folds_of(corpus: CorpusReadings, seed: int) -> NDArray[np.intp]:
    """Shape ``(U,)``: the fold of each clip, all clips of a speaker in one."""
    known = zip(corpus.clips.names, corpus.clips.speakers, strict=True)
    speakers = [speaker or f"clip {name}" for name, speaker in known]
    names: Collection[str] = dict.fromkeys(speakers)
    shuffled = np.random.default_rng(seed).permutation(len(names)) % min(N_FOLDS, len(names))
    fold_of = dict(zip(names, shuffled, strict=True))
    return np.array([fold_of[speaker] for speaker in speakers], dtype=np.intp)
