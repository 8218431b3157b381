"""Scores that do not mean what they seem to: constant guesses, orders of options, answers not yet begun."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ambivox.raters.distribution import Array
from ambivox.readouts.reading import FORMS_MATTER, NEXT_TO_NONE
from ambivox.scoring.notes import Note
from ambivox.scoring.read_run import RunReadings
from ambivox.scoring.readings import Clips, CorpusReadings, Readings

NEARLY_ALL = 0.9
"""Of the clips: from here on an answer is called constant, or a first option a habit."""

STILL = 0.1
"""Distributions that move less than this part of what the votes move are nearly constant."""

_SAME = 1e-6
_ENOUGH = 3
"""Clips, below which nothing can be called constant."""


def row_cautions(corpus: CorpusReadings) -> list[Note]:
    """For each set of readings of the clips themselves whose score misleads, what it misleads about.

    - ``constant``: the same distribution on nearly all clips (within one option order and wording) although
      the votes differ, or ``nearly-constant``: one that hardly moves: mean total variation distance to the
      mean, below a tenth of that of the votes;
    - ``first-option``: nearly always the largest share for the option that was offered first, although the
      votes are not so: `first` after a prompt whose answers list all options reads their order;
    - ``no-mass``: the labels had next to no probability before it was renormalised;
    - ``forms``: much of the distribution hangs on which written forms of a label count.
    """
    return [
        Note(code, text, corpus.corpus, found.key)
        for found in corpus.readings
        if found.key.control == "clip"
        for code, text in _cautions(found, corpus.clips)
    ]


def run_cautions(readings: RunReadings) -> list[Note]:
    """What makes all scores of a run or of a corpus mean something else than they seem to.

    ``invented-votes``; ``one-vote``: a label and no distribution; ``unfinished``; ``unheard``: the model was
    given no sound; ``several-models``: records of one model with different fingerprints; ``unlearnt``: it was
    asked about labels that it never learnt.
    """
    facts = readings.facts
    described = readings.environment.get("corpora", {})
    found = [
        Note(
            "invented-votes",
            "its votes are invented, so its scores show that the program works and say nothing of people",
            corpus.corpus,
        )
        for corpus in readings.corpora
        if described.get(corpus.corpus, {}).get("votes_invented")
    ]
    found += [
        Note(
            "one-vote",
            "every clip has one vote, so the truth is a label and not a distribution: nothing here measures "
            "ambiguity",
            corpus.corpus,
        )
        for corpus in readings.corpora
        if (corpus.clips.votes.sum(axis=1) == 1).all()
    ]
    planned = int(readings.environment.get("requests", 0))
    if facts.requests < planned:
        text = f"the run is unfinished: {facts.requests} of {planned} requests are recorded"
        found.append(Note("unfinished", text))
    if facts.unheard:
        text = (
            f"in {facts.unheard} of {facts.requests} requests no position of the prompt stood for the audio: "
            "the model did not hear the clip"
        )
        found.append(Note("unheard", text))
    for model, prints in facts.fingerprints.items():
        if len(prints) > 1:
            text = f"{model}: its records have {len(prints)} fingerprints, so they are of different models"
            found.append(Note("several-models", text))
    for model, labels in readings.environment.get("unlearnt", {}).items():
        if labels:
            text = f"{model} never learnt how {', '.join(labels)} sounds: what it gives there is no opinion"
            found.append(Note("unlearnt", text))
    return found


def _cautions(found: Readings, clips: Clips) -> Iterator[tuple[str, str]]:
    there = ~found.failed
    if len(np.unique(found.clips[there])) < _ENOUGH:
        return
    p, q, variants = found.p[there], clips.q[found.clips[there]], found.variants[there]
    n_same = modal(p, variants)
    if modal(q, variants) < NEARLY_ALL * len(q):
        if n_same >= NEARLY_ALL * len(p):
            of = f"{n_same} of {len(p)} {'clips' if not variants.any() else 'readings'}"
            yield "constant", f"the same answer on {of}; its score is that of a constant guess"
        elif _movement(p, variants) < STILL * _movement(q, variants):
            text = "hardly moves from clip to clip; its score is nearly that of a constant guess"
            yield "nearly-constant", text
    habit = int(found.leads_with_first[there].sum())
    wanted = q[np.arange(len(q)), found.first_option[there]] >= q.max(axis=1)
    if found.level == "token" and habit >= NEARLY_ALL * len(p) and wanted.mean() < 0.5:
        several = len(np.unique(found.first_option[there])) > 1
        reads = "it reads" if several else "it may read (ask with other order_seeds)"
        text = f"names the option offered first in {habit} of {len(p)}: {reads} the order, not the clip"
        yield "first-option", text
    masses = found.mass[~np.isnan(found.mass)]
    if len(masses) and np.median(masses) < NEXT_TO_NONE:
        text = "the labels had next to no probability there: the answer begins with something else"
        yield "no-mass", text
    shifts = found.forms_shift[~np.isnan(found.forms_shift)]
    if len(shifts) and shifts.mean() > FORMS_MATTER:
        text = f"more than {FORMS_MATTER:.0%} of it hangs on which written forms of a label are counted"
        yield "forms", f"{text}: compare forms=offered and forms=all"


def modal(p: Array, variants: NDArray[np.intp]) -> int:
    """How many distributions are the most frequent one of their variant."""
    return sum(
        int(np.unique(np.round(p[variants == v] / _SAME), axis=0, return_counts=True)[1].max())
        for v in np.unique(variants)
    )


def _movement(p: Array, variants: NDArray[np.intp]) -> float:
    """Mean total variation distance of distributions to the mean of their variant, 0 to 1."""
    there, codes = np.unique(variants, return_inverse=True)
    means = np.array([p[variants == v].mean(axis=0) for v in there])
    return float(0.5 * np.abs(p - means[codes]).sum(axis=1).mean())
