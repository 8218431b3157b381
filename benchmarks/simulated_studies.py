"""Studies in a world whose truth is known, to see whether intervals and tests keep what they promise.

The world: speakers differ in the emotions that they show and in how hard they are to read, so that the clips
of a speaker hang together, and in how many clips they have. Raters are few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ambivox.metrics import METRICS, jsd_bits, vote_prior
from ambivox.raters.distribution import Array
from ambivox.statistics import cluster_sums, draw_weights, paired_permutation_test, prior_scatter
from ambivox.statistics.interval import _bootstrap_t

BASE = np.array([0.1, 0.1, 0.15, 0.1, 0.4, 0.15])
"""Shares of six emotions, the fifth neutral, as in acted corpora rated by voice alone."""
CLIPS, RATERS = (6, 25), (4, 13)
"""Clips of a speaker and raters of a clip, from the first number to one below the second."""
REJECTED = "rejected true nulls"
OVER_CORPUS = ("ece", "vote_ece", "uar", "weighted_f1", "macro_f1", "r2_per_emotion", "entropy_spearman")
"""Metrics over a corpus, whose intervals come from values that are linearised."""
TILT, HARDNESS = 0.6, 0.5
"""Standard deviations between speakers: of the log-shares of emotions, and of the log of how noisily they
are heard."""


@dataclass(frozen=True)
class Study:
    """One simulated corpus: speaker and shares of votes of each clip, and two readouts of one quality."""

    speakers: Array
    q: Array
    first: Array
    second: Array


def simulate(n_speakers: int, rng: np.random.Generator) -> Study:
    """Draw speakers, their clips, votes, and two predictions that differ by chance only."""
    speakers = np.repeat(np.arange(n_speakers), rng.integers(*CLIPS, size=n_speakers))
    tilted = np.log(BASE) + TILT * rng.normal(size=(n_speakers, len(BASE)))
    shown = np.exp(tilted) / np.exp(tilted).sum(axis=1, keepdims=True)
    weights = rng.standard_gamma(1.5 * shown[speakers]) + 1e-12
    shares = weights / weights.sum(axis=1, keepdims=True)
    raters = rng.integers(*RATERS, size=len(speakers))
    q = rng.multinomial(raters, shares) / raters[:, None]
    noise = np.exp(HARDNESS * rng.normal(size=n_speakers))[speakers, None]

    def hear() -> Array:
        logits = 0.7 * np.log(shares + 0.02) + 0.6 * noise * rng.normal(size=shares.shape)
        return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))

    return Study(speakers, q, hear(), hear())


@dataclass(frozen=True)
class Outcome:
    """What came of one study: estimates, intervals (low, high) by statistic and method, and a p-value."""

    control: float
    intervals: dict[str, tuple[float, float]]
    p: float


def analyse(study: Study, *, n_draws: int, seed: int) -> Outcome:
    """Score a study as ``ambivox score`` does, with the simpler percentile interval beside it."""
    codes, n = study.speakers, int(study.speakers.max()) + 1
    score, other = jsd_bits(study.first, study.q), jsd_bits(study.second, study.q)
    predicted = vote_prior(study.q, codes.tolist()).p
    prior = jsd_bits(predicted, study.q) + prior_scatter(predicted, study.q, jsd_bits)
    ones = np.ones(len(codes))
    above = cluster_sums(np.column_stack([score, prior - score, score - other]), codes, n)
    below = cluster_sums(np.column_stack([ones, prior, ones]), codes, n)
    over_corpus = [METRICS[name].linearised(study.first, study.q) for name in OVER_CORPUS]  # type: ignore[misc]
    above = np.concatenate([above, cluster_sums(np.column_stack(over_corpus), codes, n)], axis=1)
    below = np.concatenate([below, cluster_sums(np.tile(ones, (len(OVER_CORPUS), 1)).T, codes, n)], axis=1)
    names = ("mean", "skill", "difference", *OVER_CORPUS)
    ends = _bootstrap_t(above, below, n_draws, seed, 0.95)  # also where `ratio_intervals` would refuse
    intervals = {f"{name}, bootstrap-t": (low, high) for name, low, high in zip(names, *ends, strict=True)}
    drawn = draw_weights(n, n_draws, seed)
    percentiles = np.quantile((drawn @ above) / (drawn @ below), [0.025, 0.975], axis=0)
    intervals |= {
        f"{name}, percentile": (low, high)
        for name, low, high in zip(names, *percentiles, strict=True)
        if name not in OVER_CORPUS
    }
    test = paired_permutation_test(score - other, codes.tolist(), seed=seed)
    return Outcome(float(prior.mean()), intervals, test.p)


def true_scores(n_speakers: int = 20_000, seed: int = 987_654_321) -> dict[str, float]:
    """The mean divergence and the metrics over a corpus in a whole population, to three decimals or so."""
    study = simulate(n_speakers, np.random.default_rng(seed))
    over_corpus = {name: float(METRICS[name].function(study.first, study.q)) for name in OVER_CORPUS}
    return {"mean": float(jsd_bits(study.first, study.q).mean())} | over_corpus


def coverage(
    n_speakers: int,
    n_studies: int,
    *,
    n_draws: int = 2000,
    seed: int = 0,
    truth: dict[str, float] | None = None,
) -> dict[str, float]:
    """The share of studies whose interval holds the truth, by statistic and method, and of rejections."""
    truth = true_scores() if truth is None else truth
    rng = np.random.default_rng([seed, n_speakers])
    outcomes = [analyse(simulate(n_speakers, rng), n_draws=n_draws, seed=i) for i in range(n_studies)]
    # The prior of a small corpus is worse than that of a large one: skill is against a corpus of this size.
    control = float(np.mean([outcome.control for outcome in outcomes]))
    true = truth | {"skill": 1 - truth["mean"] / control, "difference": 0.0}
    found = {}
    for name in outcomes[0].intervals:
        ends = np.array([outcome.intervals[name] for outcome in outcomes])
        held = (ends[:, 0] <= true[name.split(",")[0]]) & (true[name.split(",")[0]] <= ends[:, 1])
        found[name] = float(held.mean())
    found[REJECTED] = float(np.mean([outcome.p < 0.05 for outcome in outcomes]))
    return found


def rejections(n_speakers: int, n_studies: int, *, seed: int = 1) -> float:
    """The share of studies in which the test alone rejects a true null, from more studies than `coverage`."""
    rng = np.random.default_rng([seed, n_speakers])
    rejected = 0
    for i in range(n_studies):
        study = simulate(n_speakers, rng)
        difference = jsd_bits(study.first, study.q) - jsd_bits(study.second, study.q)
        test = paired_permutation_test(difference, study.speakers.tolist(), n_permutations=1999, seed=i)
        rejected += test.p < 0.05
    return rejected / n_studies
