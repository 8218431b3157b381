"""Scores that do not mean what they seem to: constant guesses, orders of options, answers not yet begun."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ambivox.raters.distribution import Array
from ambivox.scoring.readings import Clips, CorpusReadings, Readings

NEARLY_ALL = 0.9
"""Of the clips: from here on an answer is called constant, or a first option a habit."""

STILL = 0.1
"""Distributions that move less than this part of what the votes move are nearly constant."""

NO_MASS = 0.01
"""Labels with less probability than this were not about to be named."""

_SAME = 1e-6
_ENOUGH = 3
"""Clips, below which nothing can be called constant."""


def cautions(corpus: CorpusReadings) -> list[str]:
    """One line for each set of readings of the clips themselves whose score misleads; none is left out.

    - ``constant``: the same distribution on nearly all clips (within one option order and wording) although
      the votes differ, or one that hardly moves: mean total variation distance to the mean, below a tenth of
      that of the votes;
    - ``first option``: nearly always the largest share for the option that was offered first, although the
      votes are not so: `first` after a prompt whose answers list all options reads their order;
    - ``no mass``: the labels had next to no probability before it was renormalised.
    """
    lines: dict[tuple[str, str, str], list[str]] = {}
    for found in corpus.readings:
        if found.control == "clip":
            for text in _cautions(found, corpus.clips):
                lines.setdefault((found.model, found.prompt, text), []).append(found.readout)
    return [
        f"{corpus.corpus}: {model}: {prompt}: {_listed(readouts)}: {text}"
        for (model, prompt, text), readouts in lines.items()
    ]


def _listed(readouts: list[str]) -> str:
    """At most three names, so that a caution is one line."""
    more = f" and {len(readouts) - 3} more" if len(readouts) > 3 else ""
    return ", ".join(readouts[:3]) + more


def _cautions(found: Readings, clips: Clips) -> Iterator[str]:
    there = ~found.failed
    if len(np.unique(found.clips[there])) < _ENOUGH:
        return
    p, q, variants = found.p[there], clips.q[found.clips[there]], found.variants[there]
    n_same = _modal(p, variants)
    if _modal(q, variants) < NEARLY_ALL * len(q):
        if n_same >= NEARLY_ALL * len(p):
            of = f"{n_same} of {len(p)} {'clips' if not variants.any() else 'readings'}"
            yield f"the same answer on {of}; its score is that of a constant guess"
        elif _movement(p, variants) < STILL * _movement(q, variants):
            yield "hardly moves from clip to clip; its score is nearly that of a constant guess"
    habit = int(found.leads_with_first[there].sum())
    wanted = q[np.arange(len(q)), found.first_option[there]] >= q.max(axis=1)
    if found.level == "token" and habit >= NEARLY_ALL * len(p) and wanted.mean() < 0.5:
        several = len(np.unique(found.first_option[there])) > 1
        reads = "it reads" if several else "it may read (ask with other order_seeds)"
        yield f"names the option offered first in {habit} of {len(p)}: {reads} the order, not the clip"
    masses = found.mass[~np.isnan(found.mass)]
    if len(masses) and np.median(masses) < NO_MASS:
        yield "the labels had next to no probability there: the answer begins with something else"


def _modal(p: Array, variants: NDArray[np.intp]) -> int:
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
