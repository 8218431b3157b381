"""The swapped clip: who hears whose clip, so that hearing the wrong voice can be told from hearing none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ambivox.corpora import Utterance
from ambivox.errors import UsageError


def swap_clips(utterances: Sequence[Utterance], seed: int) -> list[Utterance]:
    """For every utterance another one whose clip is heard in its place: a seeded derangement.

    Each clip is heard once, and never by its own utterance, nor by one that is the same stretch of the same
    file. Clips of one speaker with one intended emotion are swapped among themselves only where more than
    half of the clips are such, and then as few as can be.

    Raises:
        UsageError: there is no other clip.

    >>> from pathlib import Path
    >>> clips = [Utterance(name, Path(name)) for name in "abc"]
    >>> [heard.id != own.id for heard, own in zip(swap_clips(clips, seed=0), clips)]
    [True, True, True]
    """
    keys = [(_group(utterance), _stretch(utterance)) for utterance in utterances]
    shuffled = np.random.default_rng(seed).permutation(len(utterances))
    # Members of a group stand side by side, in random order; moving all by the size of the largest group
    # takes every clip out of its own group, if that is possible at all.
    rank = {key: i for i, key in enumerate(dict.fromkeys(key for i in shuffled for key in keys[i]))}
    row = sorted((int(i) for i in shuffled), key=lambda i: [rank[key] for key in keys[i]])
    largest = max(Counter(group for group, _ in keys).values(), default=0)
    for shift in (*range(largest, len(row)), *range(1, largest)):
        heard = {i: row[(place + shift) % len(row)] for place, i in enumerate(row)}
        if all(_stretch(utterances[i]) != _stretch(utterances[j]) for i, j in heard.items()):
            return [utterances[heard[i]] for i in range(len(utterances))]
    raise UsageError(
        "control 'swapped': the corpus has no other clip to hear; give it at least two, or "
        "leave it out of the controls"
    )


def _group(utterance: Utterance) -> tuple[object, ...]:
    if utterance.speaker is None or utterance.intended is None:
        return _stretch(utterance)  # nothing is known that could be shared, but the clip itself
    return utterance.speaker, utterance.intended


def _stretch(utterance: Utterance) -> tuple[object, ...]:
    return utterance.audio, utterance.start_s, utterance.end_s
