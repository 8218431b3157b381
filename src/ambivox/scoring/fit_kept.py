"""Fit a calibration that is kept: to the readings of a run, and try it on speakers it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ambivox.calibration import (
    Fit,
    HeldOut,
    KeptCalibration,
    KeptFit,
    Scaling,
    cross_entropy_nats,
    cross_fit,
    kept_fit_of,
)
from ambivox.errors import UsageError
from ambivox.metrics import jsd_bits
from ambivox.raters.distribution import Array
from ambivox.readouts import written
from ambivox.run_folder import Run
from ambivox.scoring.calibrated import folds_of
from ambivox.scoring.keys import RowKey
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.read_run import RunReadings, read_run

MOST_TEXTS = 64
"""More than the orders of options that a study draws: such a prompt shows what differs from clip to clip."""


def calibrate(
    run: Run | str | Path,
    method: str = "temperature",
    *,
    model: str | None = None,
    prompts: Sequence[str] = (),
    readouts: Sequence[str] | None = None,
    development_speakers: Sequence[str] = (),
    options: ScoringOptions = DEFAULT_OPTIONS,
) -> KeptCalibration:
    """Fit a calibration to a run with votes, for every prompt and readout of one model.

    Without development speakers it is fitted to all clips, and how it fits others is told by folds of
    speakers: each fold is calibrated by what is fitted to the other folds. With them it is fitted to their
    clips alone, and how it fits others is told by all other clips.

    Args:
        run: a run or its directory.
        method: ``temperature``, ``vector``, ``batch``, ``prior-match``, or one of a plug-in that is fitted.
        model: of the run, by name; it may be left out where there is one.
        prompts: by name; empty takes all.
        readouts: as they are written; None takes the study's.
        development_speakers: whom it is fitted to.
        options: how votes are counted (`outside`, `truth`, `truth_table`, `seed`).

    Raises:
        UsageError: an unknown name, a run without votes, or nothing that can be fitted.
        UnfinishedRunError: the run is not finished, and was not opened as partial.
    """
    fit = kept_fit_of(method)
    read = read_run(run, replace(options, readouts=readouts, calibrations=(), development_speakers=()))
    model = _one_model(read, model)
    emotions = read.corpora[0].emotions.labels
    development = frozenset(development_speakers)
    _check_known("speaker", development, read.facts.speakers)
    _check_known("prompt", frozenset(prompts), set(read.facts.prompt_texts))
    fits = []
    for key in _keys_of(read, model, prompts):
        texts = read.facts.prompt_texts[key.prompt]
        if len(texts) > MOST_TEXTS:
            raise UsageError(
                f"prompt {key.prompt!r}: it shows what differs from clip to clip, so what is fitted to it "
                "cannot be kept: ask without transcripts"
            )
        found = _fitted(fit, read, key, tuple(sorted(texts)), development)
        if found is not None:
            fits.append(found)
    if not fits:
        raise UsageError(f"{read.run.folder}: no readings of {model} on two clips or more to fit to")
    return KeptCalibration(
        method=method,
        model=model,
        fingerprint=read.facts.fingerprints[model][0],
        emotions=emotions,
        corpora=tuple(corpus.corpus for corpus in read.corpora),
        fits=tuple(fits),
    )


def _one_model(read: RunReadings, model: str | None) -> str:
    known = read.facts.fingerprints
    if model is None and len(known) > 1:
        raise UsageError(f"{read.run.folder}: a run of {', '.join(known)}: choose one with --model")
    chosen = next(iter(known)) if model is None else model
    _check_known("model", frozenset([chosen]), set(known))
    if len(known[chosen]) > 1:
        raise UsageError(f"{read.run.folder}: {chosen} changed while it ran: run the study again")
    return chosen


def _check_known(kind: str, asked: frozenset[str], known: set[str]) -> None:
    missing = sorted(asked - known)
    if missing:
        raise UsageError(f"no {kind} {missing[0]!r} in this run (it has {', '.join(sorted(known)[:8])})")


def _keys_of(read: RunReadings, model: str, prompts: Sequence[str]) -> list[RowKey]:
    """What was read of the clips themselves as `ambivox.read` reads them, by any corpus."""
    keys = dict.fromkeys(
        replace(found.key, corpus="") for corpus in read.corpora for found in corpus.readings
    )
    return [
        key
        for key in keys
        if (key.model, key.control, key.calibration, key.context_turns, key.wording)
        == (model, "clip", None, 0, ())
        and (not prompts or key.prompt in prompts)
    ]


def _fitted(
    fit: Fit, read: RunReadings, key: RowKey, texts: tuple[str, ...], development: frozenset[str]
) -> KeptFit | None:
    """What is fitted to one readout of the answers to one prompt; None where there is too little."""
    p, q, clips, speakers, folds = _pooled(read, key)
    readable = ~np.isnan(p[:, 0])
    to = np.array([not development or speaker in development for speaker in speakers])
    known = readable & to
    if len(np.unique(clips[known])) < 2:
        return None
    try:
        scaling = fit(p[known], q[known])
    except ValueError:  # labels without any probability
        return None
    named = {speaker for speaker, is_known in zip(speakers, known, strict=True) if is_known}
    held_out = _held_out(fit, scaling, p, q, clips, readable, to, folds)
    if held_out and held_out.on == "folds of speakers" and None in named:
        held_out = held_out.model_copy(update={"on": "folds of clips"})
    return KeptFit(
        prompt=key.prompt,
        texts=texts,
        readout=written(key.readout, key.options),
        scale=tuple(scaling.scale.tolist()),
        shift=tuple(scaling.shift.tolist()),
        at_end=not scaling.shift.any() and scaling.at_end,
        n_readings=int(known.sum()),
        n_clips=len(np.unique(clips[known])),
        n_speakers=None if None in named else len(named),
        n_failed=int((~readable & to).sum()),
        loss_nats=scaling.loss_nats,
        held_out=held_out,
    )


def _held_out(
    fit: Fit,
    scaling: Scaling,
    p: Array,
    q: Array,
    clips: NDArray[np.intp],
    readable: NDArray[np.bool_],
    to: NDArray[np.bool_],
    folds: NDArray[np.intp],
) -> HeldOut | None:
    """How it fits speakers it was not fitted to: all others, or fold by fold where there are none."""
    if to.all():
        p, q, clips, folds = p[readable], q[readable], clips[readable], folds[readable]
        if any(len(np.unique(clips[folds != fold])) < 2 for fold in np.unique(folds)):
            return None
        try:
            after, _ = cross_fit(fit, p, q, folds)
        except ValueError:
            return None
    else:
        others = readable & ~to
        if not others.any():
            return None
        p, q, clips = p[others], q[others], clips[others]
        after = scaling(p)
    return HeldOut(
        on="folds of speakers" if to.all() else "other speakers",
        n_clips=len(np.unique(clips)),
        loss_nats=(cross_entropy_nats(p, q), cross_entropy_nats(after, q)),
        jsd_bits=(float(np.mean(jsd_bits(p, q))), float(np.mean(jsd_bits(after, q)))),
    )


def _pooled(
    read: RunReadings, key: RowKey
) -> tuple[Array, Array, NDArray[np.intp], list[str | None], NDArray[np.intp]]:
    """Of all corpora: predictions, votes, clips, speakers and folds, shapes ``(R, N)`` and ``(R,)``."""
    p, q, clips, speakers, folds = [], [], [], list[str | None](), []
    before = 0
    for corpus in read.corpora:
        of_clip = folds_of(corpus, read.options.seed)
        for found in corpus.readings:
            if replace(found.key, corpus="") == key:
                p.append(found.p)
                q.append(corpus.clips.q[found.clips])
                clips.append(found.clips + before)
                speakers += [corpus.clips.speakers[clip] for clip in found.clips]
                folds.append(of_clip[found.clips])
        before += len(corpus.clips.names)
    return np.concatenate(p), np.concatenate(q), np.concatenate(clips), speakers, np.concatenate(folds)
