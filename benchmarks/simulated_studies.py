"""Studies in worlds whose truth is known, to see whether intervals and tests keep what they promise.

Speakers differ in the emotions that they show and in how hard they are to read, so that the clips of a
speaker hang together, and in how many clips they have. Raters are few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ambivox.metrics import METRICS, jsd_bits, vote_prior
from ambivox.raters.distribution import Array
from ambivox.statistics import cluster_sums, prior_scatter, ratio_intervals

BASE = np.array([0.1, 0.1, 0.15, 0.1, 0.4, 0.15])
"""Shares of six emotions, the fifth neutral, as in acted corpora rated by voice alone."""
RATERS = (4, 13)
"""Raters of a clip, from the first number to one below the second."""
OVER_CORPUS = ("ece", "vote_ece", "uar", "weighted_f1", "macro_f1", "r2_per_emotion", "entropy_spearman")
"""Metrics over a corpus, whose intervals come from values that are linearised."""
STATISTICS = ("mean", "skill", "difference", *OVER_CORPUS)
"""The mean divergence, the skill against the vote prior, the difference of two readouts of one quality."""


@dataclass(frozen=True)
class World:
    """How the speakers of a corpus differ.

    Args:
        tilt: standard deviation between speakers of the log-shares of the emotions that they show.
        hardness: the same of the log of how noisily they are heard.
        sizes: clips of a speaker: 6 to 24 (``even``), lognormal about 12 (``uneven``), or one has ``half``.
        harder_when_larger: correlation between how many clips a speaker has and how hard they are to read.
        pairs: correlation between the two speakers of a dialogue, in what they show and how they are heard.
        differ: the share of the speakers on whose clips two readouts differ at all.
    """

    tilt: float = 0.6
    hardness: float = 0.5
    sizes: Literal["even", "uneven", "half"] = "even"
    harder_when_larger: float = 0.0
    pairs: float = 0.0
    differ: float = 1.0


WORLDS: dict[str, World] = {
    "plain": World(),
    "strong speaker effects": World(tilt=1.5, hardness=1.0),
    "skewed": World(hardness=1.2),
    "uneven": World(sizes="uneven"),
    "larger speakers are harder": World(sizes="uneven", harder_when_larger=0.5),
    "one speaker has half": World(sizes="half"),
    "mostly zero": World(differ=0.3),
    "correlated pairs": World(pairs=0.5),
}
"""By name."""


@dataclass(frozen=True)
class Study:
    """One simulated corpus: speaker, true shares and votes of each clip, and two readouts of one quality."""

    speakers: NDArray[np.intp]
    shares: Array
    q: Array
    first: Array
    second: Array


def simulate(n_speakers: int, rng: np.random.Generator, world: World = WORLDS["plain"]) -> Study:
    """Draw speakers, their clips, votes, and two predictions that differ by chance only."""
    size, hard = rng.normal(size=(2, n_speakers))
    hard = world.harder_when_larger * size + np.sqrt(1 - world.harder_when_larger**2) * hard
    shown = rng.normal(size=(n_speakers, len(BASE)))
    if world.pairs:
        partner = np.arange(n_speakers) // 2
        hard, shown = (
            np.sqrt(world.pairs) * rng.normal(size=own.shape)[partner] + np.sqrt(1 - world.pairs) * own
            for own in (hard, shown)
        )
    speakers = np.repeat(np.arange(n_speakers), _sizes(n_speakers, size, rng, world))
    tilted = np.exp(np.log(BASE) + world.tilt * shown)
    alpha = 1.5 * tilted / tilted.sum(axis=1, keepdims=True)
    weights = rng.standard_gamma(alpha[speakers]) + 1e-12
    shares = weights / weights.sum(axis=1, keepdims=True)
    raters = rng.integers(*RATERS, size=len(speakers))
    q = rng.multinomial(raters, shares) / raters[:, None]
    noise = np.exp(world.hardness * hard)[speakers, None]

    def hear() -> Array:
        return softmax(0.7 * np.log(shares + 0.02) + 0.6 * noise * rng.normal(size=shares.shape))

    first, second = hear(), hear()
    same = (rng.random(n_speakers) >= world.differ)[speakers]
    return Study(speakers, shares, q, first, np.where(same[:, None], first, second))


def _sizes(n_speakers: int, size: Array, rng: np.random.Generator, world: World) -> NDArray[np.intp]:
    if world.sizes == "even":
        return rng.integers(6, 25, size=n_speakers)
    if world.sizes == "uneven":
        return np.ceil(np.exp(2.5 + 0.8 * size)).astype(np.intp)
    return np.where(np.arange(n_speakers) > 0, 12, 12 * (n_speakers - 1))


def softmax(logits: Array) -> Array:
    """Rows of probabilities, shape ``(U, N)``."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def analyse(study: Study) -> tuple[Array, Array]:
    """Sums of each speaker for the ratios in `STATISTICS`, as ``ambivox score`` has them.

    Returns:
        Numerators and denominators, shape ``(G, M)``.
    """
    codes, n = study.speakers, int(study.speakers.max()) + 1
    score, other = jsd_bits(study.first, study.q), jsd_bits(study.second, study.q)
    predicted = vote_prior(study.q, codes.tolist()).p
    prior = jsd_bits(predicted, study.q) + prior_scatter(predicted, study.q, jsd_bits)
    ones = np.ones(len(codes))
    over_corpus = [METRICS[name].linearised(study.first, study.q) for name in OVER_CORPUS]  # type: ignore[misc]
    above = np.column_stack([score, prior - score, score - other, *over_corpus])
    below = np.column_stack([ones, prior, ones, *(ones for _ in OVER_CORPUS)])
    return cluster_sums(above, codes, n), cluster_sums(below, codes, n)


def true_scores(world: World, n_speakers: int = 20_000, seed: int = 987_654_321) -> dict[str, float]:
    """The mean divergence and the metrics over a corpus in a whole population, to three decimals or so.

    A speaker with half of all clips is one of many like the others: the truth is that of even sizes.
    """
    if world.sizes == "half":
        world = replace(world, sizes="even")
    study = simulate(n_speakers, np.random.default_rng(seed), world)
    over_corpus = {name: float(METRICS[name].function(study.first, study.q)) for name in OVER_CORPUS}
    return {"mean": float(jsd_bits(study.first, study.q).mean())} | over_corpus


def prior_score(n_speakers: int, world: World, n_studies: int = 200) -> float:
    """The mean score of the vote prior of a corpus of this size, which is worse than that of a large one."""
    rng = np.random.default_rng([123_456_789, n_speakers])
    studies = (simulate(n_speakers, rng, world) for _ in range(n_studies))
    return float(np.mean([jsd_bits(vote_prior(s.q, s.speakers.tolist()).p, s.q).mean() for s in studies]))


def coverage(
    n_speakers: int,
    n_studies: int,
    *,
    world: World = WORLDS["plain"],
    n_draws: int = 2000,
    seed: int = 0,
    truth: dict[str, float] | None = None,
    prior: float | None = None,
) -> dict[str, tuple[int, int]]:
    """By statistic, how many intervals hold the truth, and how many are given.

    A test rejects where its interval excludes 0: what ``difference`` lacks to all is how often that is wrong.
    """
    truth = true_scores(world) if truth is None else truth
    prior = prior_score(n_speakers, world) if prior is None else prior
    rng = np.random.default_rng([seed, n_speakers])
    above, below = zip(*(analyse(simulate(n_speakers, rng, world)) for _ in range(n_studies)), strict=True)
    found = ratio_intervals(
        np.concatenate(above, axis=1), np.concatenate(below, axis=1), n_draws=n_draws, seed=seed
    )
    true = truth | {"skill": 1 - truth["mean"] / prior, "difference": 0.0}
    counts = {}
    for place, name in enumerate(STATISTICS):
        own = [interval for interval in found[place :: len(STATISTICS)] if not interval.reason]
        counts[name] = (sum(one.low <= true[name] <= one.high for one in own), len(own))
    return counts
