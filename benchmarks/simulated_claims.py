"""Claims in a world whose truth is known: do the intervals of their parts hold it?

The world of `simulated_studies`, asked through several prompts at two levels. The token level hears a clip
better than the text level and follows the prompt less; the text level fails on some clips, with some speakers
more often. Prompts are the same in all studies; speakers, clips, votes and answers are drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ambivox.field_claims import Claim
from ambivox.field_claims.catalogue import (
    failures_explain,
    follows_the_ambiguity,
    token_is_steadier,
)
from ambivox.field_claims.hearing import beats_the_prior
from ambivox.field_claims.paired import Level, Paired
from ambivox.metrics import METRICS, vote_prior
from ambivox.raters.distribution import Array
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import Clips
from benchmarks.simulated_studies import simulate

PROMPTS = ("one", "two", "three")
SHIFT = 0.5 * np.random.default_rng(11).normal(size=(len(PROMPTS), 6))
"""What each prompt adds to the logits of the text level; the token level is moved by half of it."""
FAILURES = 0.2
"""Of the text level, on average over speakers."""

PARTS: dict[str, tuple[Callable[[Paired], Claim], int]] = {
    "variance over prompts": (token_is_steadier, 0),
    "share between clips": (token_is_steadier, 1),
    "explained share": (failures_explain, 0),
    "skill against the sharpened prior": (beats_the_prior, 0),
    "better than given another clip": (beats_the_prior, 1),
    "rank correlation of entropies": (follows_the_ambiguity, 0),
}
"""By name, the claim and which of its parts."""


def paired(n_speakers: int, rng: np.random.Generator) -> Paired:
    """One simulated study as claims are tested on it."""
    study = simulate(n_speakers, rng)
    raters = 8
    votes = rng.multinomial(
        raters, study.q
    )  # as many raters for every clip: entropies are those of the votes
    q = votes / raters
    names = tuple(map(str, range(len(q))))
    speakers = tuple(map(str, study.speakers))
    clips = Clips(names, speakers, votes, q, vote_prior(q, speakers).p, study.speakers, "speakers")
    hard = rng.random(n_speakers)[study.speakers] * 2 * FAILURES

    def heard(sharpness: float, moved: float, noise: float, prompt: int) -> Array:
        logits = sharpness * np.log(study.first + 0.02) + moved * SHIFT[prompt]
        logits = logits + noise * rng.normal(size=q.shape)
        return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))

    token = tuple(heard(1.0, 0.5, 0.2, n)[None] for n in range(len(PROMPTS)))
    other = np.roll(np.arange(len(q)), 1 + len(q) // 2)
    p: dict[tuple[Level, str], tuple[Array, ...]] = {
        ("token", "clip"): token,
        ("token", "swapped"): tuple(predictions[:, other] for predictions in token),
    }
    text = []
    for n in range(len(PROMPTS)):
        said = heard(2.0, 1.0, 1.5, n)
        said[rng.random(len(q)) < hard] = np.nan
        text.append(said[None])
    p["text", "clip"] = tuple(text)
    readouts: dict[Level, str] = {"text": "dictionary", "token": "expected"}
    keys = {
        level: tuple(RowKey("simulated", "simulated", prompt=prompt, readout=readout) for prompt in PROMPTS)
        for level, readout in readouts.items()
    }
    return Paired("simulated", "simulated", clips, 4, METRICS["jsd_bits"], "uniform", keys, p)


def true_parts(n_speakers: int = 4000, seed: int = 987_654_321) -> dict[str, float]:
    """The value of every part in a large population."""
    whole = paired(n_speakers, np.random.default_rng(seed))
    return {name: claim(whole).parts[n].interval.estimate for name, (claim, n) in PARTS.items()}


def coverage_of_claims(
    n_speakers: int, n_studies: int, *, seed: int = 0, truth: dict[str, float] | None = None
) -> dict[str, tuple[int, int]]:
    """By part of a claim, how many intervals hold the truth, and how many are given."""
    truth = true_parts() if truth is None else truth
    rng = np.random.default_rng([seed, n_speakers])
    held, given = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0)
    for _ in range(n_studies):
        study = paired(n_speakers, rng)
        claims = {claim: claim(study) for claim in dict.fromkeys(claim for claim, _ in PARTS.values())}
        for name, (claim, n) in PARTS.items():
            if claims[claim].parts and not claims[claim].parts[n].interval.reason:
                interval = claims[claim].parts[n].interval
                given[name] += 1
                held[name] += interval.low <= truth[name] <= interval.high
    return {name: (held[name], given[name]) for name in PARTS}
