"""Distributions over emotions: what is said of a belief, and what raters would say of a clip.

`heard_target` is the soft target that a clip of RAVDESS or EMO-DB is scored against on development speakers
(and taught with by `benchmarks.objectives`): the voice-only votes of CREMA-D where an actor means the same,
sharpened, since its actors are recognised more often than CREMA-D's.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.mini.data import Clip

Array = NDArray[np.float64]

HEARD = ("angry", "disgust", "fear", "happy", "neutral", "sad", "calm", "surprise", "boredom")
"""The emotions that the training corpora hold; the first six are CREMA-D's."""
VOTED = HEARD[:6]
_VOTE_COLUMNS = "ADFHNS"
INTENDED = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
_LEVELS = {"normal": ("LO", "MD", "XX"), "strong": ("MD", "HI"), "XX": ("MD", "HI", "XX")}
"""CREMA-D's levels of expression whose votes stand for a RAVDESS strength (XX: EMO-DB, CREMA-D)."""

SHARPEN = {"ravdess": 0.8, "emo-db": 0.9}
"""Weight of the intended emotion beside the votes; EMO-DB's is multiplied by the clip's recognition rate."""

# Emotions that CREMA-D's raters could not choose: our own estimates, not measured.
_UNVOTED = {
    "calm": {"calm": 0.55, "neutral": 0.33, "sad": 0.09, "boredom": 0.03},
    "surprise": {
        "surprise": 0.60,
        "happy": 0.12,
        "fear": 0.11,
        "neutral": 0.10,
        "angry": 0.05,
        "disgust": 0.02,
    },
    "boredom": {"boredom": 0.58, "neutral": 0.24, "sad": 0.12, "calm": 0.04, "disgust": 0.02},
}
# Where a label is not among the options, its share goes to these; other labels' shares are just renormalised.
_SUBSTITUTES = {
    "calm": {"neutral": 0.85, "sad": 0.15},
    "boredom": {"neutral": 0.6, "sad": 0.4},
}
_SMALL = {"contempt": {"disgust": 0.2, "angry": 0.04}, "other": {}}
"""Labels that no clip here carries: the share they take from related ones (``other``: a flat 0.04)."""

CANONICAL = {
    "anger": "angry", "happiness": "happy", "joy": "happy", "joyful": "happy", "sadness": "sad",
    "fearful": "fear", "afraid": "fear", "scared": "fear", "disgusted": "disgust", "surprised": "surprise",
    "neutrality": "neutral", "calmness": "calm", "contemptuous": "contempt", "bored": "boredom",
}  # fmt: skip


HERE = ("1001", "1002")
"""The actors of CREMA-D whose clips `mini` is measured on: their votes are left out of all that is chosen."""


def canonical(option: str) -> str:
    """An option's name among `HEARD`, where it is a form of one of them; else itself in small letters.

    >>> canonical("Joy"), canonical("Bewildered")
    ('happy', 'bewildered')
    """
    return CANONICAL.get(option.casefold(), option.casefold())


class VoteTable:
    """Voice-only votes of CREMA-D, pooled by intended emotion and level.

    Actors whose clips the model is measured on are left out of the counts.
    """

    def __init__(self, data: Path, leave_out_actors: Sequence[str] = HERE) -> None:
        self._counts: dict[tuple[str, str], Array] = {}
        self.of_clip: dict[str, Array] = {}
        """Votes of every clip, shape ``(6,)`` in the order of `VOTED`, left-out actors included."""
        with (data / "crema-d" / "processedResults" / "tabulatedVotes.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if not row[""].startswith("1"):  # 1: voice only, 2: face only, 3: both
                    continue
                votes = np.array([float(row[column]) for column in _VOTE_COLUMNS])
                self.of_clip[row["fileName"]] = votes
                actor, _, intended, level = row["fileName"].split("_")
                if actor not in leave_out_actors:
                    key = (INTENDED[intended], level)
                    self._counts[key] = self._counts.get(key, np.zeros(6)) + votes

    def prior(self) -> Array:
        """Share of all votes per emotion, shape ``(6,)``, order of `VOTED`."""
        total = np.sum(list(self._counts.values()), axis=0)
        return np.asarray(total / total.sum())

    def given(self, intended: str, levels: Sequence[str]) -> Array:
        """P(vote | intended emotion), levels weighted alike, shape ``(6,)``."""
        rows = [self._counts[intended, level] for level in levels if (intended, level) in self._counts]
        rows = rows or [self._counts[intended, "XX"]]  # neutral has no levels
        return np.asarray(np.mean([row / row.sum() for row in rows], axis=0))


def heard_target(clip: Clip, votes: VoteTable) -> Array:
    """The soft target of a clip over `HEARD`, shape ``(9,)``."""
    target = np.zeros(len(HEARD))
    if clip.emotion in _UNVOTED:
        for label, share in _UNVOTED[clip.emotion].items():
            target[HEARD.index(label)] = share
        return target
    weight = SHARPEN.get(clip.corpus, 0.0)
    if clip.recognised is not None:
        weight *= clip.recognised
    target[:6] = (1 - weight) * votes.given(clip.emotion, _LEVELS[clip.strength])
    target[HEARD.index(clip.emotion)] += weight
    return target


def option_matrix(options: Sequence[str]) -> Array:
    """How shares of `HEARD` fall on the options of one prompt, shape ``(9, N)``.

    ``heard @ option_matrix(options)``, renormalised, is the target over the options. An option that no clip
    carries and that has no estimate (a user's own label) takes a flat 0.02.
    """
    names = list(map(canonical, options))
    matrix = np.zeros((len(HEARD), len(options)))
    for row, label in enumerate(HEARD):
        if label in names:
            matrix[row, names.index(label)] = 1.0
        else:
            for substitute, share in _SUBSTITUTES.get(label, {}).items():
                if substitute in names:
                    matrix[row, names.index(substitute)] = share
    for column, name in enumerate(names):
        if name in _SMALL and name != "other":
            for label, share in _SMALL[name].items():
                matrix[HEARD.index(label), column] += share
        elif name not in HEARD:
            matrix[:, column] = 0.04 if name == "other" else 0.02
    return matrix


LEAN = 0.4
"""The share of an answer that goes to neutral at most, beside what is believed of it."""
AHEAD = 0.2
"""How far neutral stays behind the label that is believed most; numbers are tenths."""


def leaning(shares: Array, options: Sequence[str], lean: float = LEAN, ahead: float = AHEAD) -> Array:
    """What an answer says where ``shares`` of the options are believed, both ``(N,)`` and summing to one.

    Raters often say neutral where something else is meant, and so does an answer, but never so often that it
    names something else than what is believed: neutral comes as near to the most likely label as ``ahead``.
    Where it is nearer, as of silence, the answer says just what is believed, as it does where neutral is no
    option.
    """
    names = list(map(canonical, options))
    if "neutral" not in names:
        return shares
    neutral = names.index("neutral")
    behind = float(shares.max() - shares[neutral])
    share = min(lean, max(behind - ahead, 0.0) / (1 + behind))
    return np.asarray((1 - share) * shares + share * np.eye(len(names))[neutral])


def restrict(heard: Array, matrix: Array) -> Array:
    """Targets over the options of a prompt: ``(B, 9)`` shares and ``(9, N)`` -> ``(B, N)``, rows sum to 1."""
    shares = heard @ matrix + 1e-3
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))
