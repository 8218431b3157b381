"""Means of scores whose truth is known exactly, in worlds that are hard on intervals.

A world draws for each speaker the number of clips and their mean score. Many studies are drawn at once, as
columns of arrays, so that thousands take seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ambivox.raters.distribution import Array
from ambivox.statistics import draw_weights, ratio_intervals

Shape = tuple[int, int]
"""Speakers and studies."""


@dataclass(frozen=True)
class World:
    """How the scores of a corpus come about.

    Args:
        draw: from the shape ``(G, S)`` and a generator, the mean score and the number of clips of each
            speaker, both of that shape.
        truth: the mean score of a clip in the population.
        promised: whether the project promises that intervals hold the truth here.
    """

    draw: Callable[[Shape, np.random.Generator], tuple[Array, Array]]
    truth: float
    promised: bool = True


def uneven(shape: Shape, rng: np.random.Generator) -> Array:
    """6 to 24 clips a speaker."""
    return rng.integers(6, 25, size=shape).astype(float)


def very_uneven(shape: Shape, rng: np.random.Generator) -> Array:
    """12 clips a speaker in the middle, with a lognormal spread: one in six has more than 27."""
    return np.asarray(np.ceil(np.exp(2.5 + 0.8 * rng.normal(size=shape))))


def normal(shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    clips = uneven(shape, rng)
    return rng.normal(size=shape) + 1.5 * rng.normal(size=shape) / np.sqrt(clips), clips


def bounded(shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    """Between 0 and 1 with a mean of 0.25, as divergences are."""
    return rng.beta(2, 6, size=shape), uneven(shape, rng)


def skewed(
    sizes: Callable[[Shape, np.random.Generator], Array], shape: Shape, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Speakers as skewed as an exponential distribution, and clips within them too."""
    clips = sizes(shape, rng)
    return rng.exponential(size=shape) + rng.standard_gamma(clips) / clips, clips


def lognormal(spread: float, shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    return np.asarray(np.exp(spread * rng.normal(size=shape))), uneven(shape, rng)


def larger_score_higher(shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    """The more clips a speaker has, the higher they score."""
    z = rng.normal(size=shape)
    return 0.5 * z + 0.5 * rng.normal(size=shape), np.asarray(np.exp(2.5 + 0.6 * z))


def dominated(share: float, shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    """One speaker has this share of the clips, the others 10 each."""
    clips = np.full(shape, 10.0)
    clips[0] = np.round(10 * (shape[0] - 1) * share / (1 - share))
    return rng.normal(size=shape) + rng.normal(size=shape) / np.sqrt(clips), clips


def mostly_zero(shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    """One clip in ten has a score, which is exponential; with most speakers none has."""
    clips = uneven(shape, rng)
    scored = rng.binomial(clips.astype(int), rng.beta(0.5, 4.5, size=shape))
    return rng.standard_gamma(np.maximum(scored, 1e-9)) / clips, clips


def pairs(shape: Shape, rng: np.random.Generator) -> tuple[Array, Array]:
    """Speakers come in pairs (as in dialogues) whose means correlate with 0.3."""
    n, studies = shape
    shared = np.repeat(rng.normal(size=(-(-n // 2), studies)), 2, axis=0)[:n]
    return np.sqrt(0.3) * shared + np.sqrt(0.7) * rng.normal(size=shape), uneven(shape, rng)


WORLDS: dict[str, World] = {
    "normal": World(normal, 0.0),
    "bounded": World(bounded, 0.25),
    "skewed": World(lambda shape, rng: skewed(uneven, shape, rng), 2.0),
    "skewed, sizes very uneven": World(lambda shape, rng: skewed(very_uneven, shape, rng), 2.0),
    "lognormal (0.8)": World(lambda shape, rng: lognormal(0.8, shape, rng), float(np.exp(0.32))),
    "larger speakers score higher": World(larger_score_higher, 0.5 * 0.6),
    "one speaker has 20%": World(lambda shape, rng: dominated(0.2, shape, rng), 0.0),
    "one speaker has 50%": World(lambda shape, rng: dominated(0.5, shape, rng), 0.0),
    "mostly zero": World(mostly_zero, 0.1),
    "lognormal (1.2)": World(lambda shape, rng: lognormal(1.2, shape, rng), float(np.exp(0.72)), False),
    "correlated pairs": World(pairs, 0.0, False),
    "one speaker has 90%": World(lambda shape, rng: dominated(0.9, shape, rng), 0.0, False),
}
"""By name. In the last ones nothing is promised: too skewed, speakers that are not independent (for them are
intervals over dialogues), or refused."""


def plain_bootstrap_t(sums: Array, clips: Array, n_draws: int) -> Array:
    """Ends ``(2, S)`` of intervals by the bootstrap-t alone, which takes speakers for equals."""
    n = len(sums)

    def ratio_and_error(a: Array, b: Array, aa: Array, ab: Array, bb: Array) -> tuple[Array, Array]:
        ratio = a / b
        left = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0)
        return ratio, np.asarray(np.sqrt(n / (n - 1) * left) / b)

    products = [sums, clips, sums * sums, sums * clips, clips * clips]
    ratio, error = ratio_and_error(*(product.sum(axis=0) for product in products))
    weights = draw_weights(n, n_draws, 0)
    drawn, errors = ratio_and_error(*(weights @ product for product in products))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (drawn - ratio) / np.where(errors < 1e-6 * error, 0.0, errors)
    t = np.where(np.isnan(t), 0.0, t)
    tail = norm.cdf(np.sqrt(n / (n - 1)) * norm.ppf(0.025))
    upper, lower = (np.quantile(t, q, axis=0, method=m) for q, m in ((1 - tail, "higher"), (tail, "lower")))
    return np.array([ratio - upper * error, ratio - lower * error])


def flipped(sums: Array, rng: np.random.Generator, n: int = 1999) -> Array:
    """p-values ``(S,)`` of the test that flips signs of whole speakers at random."""
    signs = rng.integers(0, 2, size=(n, len(sums))) * 2.0 - 1
    as_large = np.abs(signs @ sums) >= np.abs(sums.sum(axis=0)) - 1e-12
    return np.asarray((1 + as_large.sum(axis=0)) / (n + 1))


def coverage_of_means(
    name: str, n_speakers: int, n_studies: int, *, n_draws: int = 2000, seed: int = 0
) -> dict[str, float]:
    """How often 95% intervals of a mean hold it, in percent.

    Returns:
        ``held``, of the studies with an interval; ``below`` and ``above``, where the truth lies beyond an
        end; ``given``, in how many there is an interval; ``plain``, held by the plain bootstrap-t; ``flips``,
        how often sign flips reject the true mean.
    """
    world = WORLDS[name]
    rng = np.random.default_rng([seed, n_speakers, list(WORLDS).index(name)])
    means, clips = world.draw((n_speakers, n_studies), rng)
    sums = means * clips
    found = ratio_intervals(sums, clips, n_draws=n_draws, seed=seed)
    given = np.array([interval.reason is None for interval in found])
    low, high = (np.array([getattr(one, end) for one in found])[given] for end in ("low", "high"))
    plain = plain_bootstrap_t(sums, clips, n_draws)
    percent = {
        "held": np.mean((low <= world.truth) & (world.truth <= high)) if given.any() else np.nan,
        "below": np.mean(world.truth < low) if given.any() else np.nan,
        "above": np.mean(world.truth > high) if given.any() else np.nan,
        "given": given.mean(),
        "plain": np.mean((plain[0] <= world.truth) & (world.truth <= plain[1])),
        "flips": np.mean(flipped(sums - world.truth * clips, rng) < 0.05),
    }
    return {key: round(100 * float(value), 2) for key, value in percent.items()}
