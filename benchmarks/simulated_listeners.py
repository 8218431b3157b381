"""Listeners whose knowledge is set, on simulated votes and on draws from CREMA-D's vote table.

Some hear nothing and say a constant, noise, or the option that was offered first; what claims say of their
hearing is false. One hears as well at both levels; a claim that one level is better is false.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ambivox.corpora.crema_d import load_crema_d
from ambivox.field_claims.paired import Level, Paired
from ambivox.metrics import METRICS
from ambivox.raters.distribution import Array
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import Clips
from ambivox.statistics.prior import EXPONENTS
from benchmarks.simulated_studies import World, simulate, softmax

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad")
CLIPS = 20
"""Of each actor of CREMA-D, drawn from all 82."""
Draw = Callable[[int, np.random.Generator], "Corpus"]


@dataclass(frozen=True)
class Corpus:
    """Clips with their votes: speaker, votes, and the shares that somebody who knows all would say."""

    speakers: Array
    votes: Array
    shares: Array

    @property
    def q(self) -> Array:
        """Shares of the votes."""
        return self.votes / self.votes.sum(axis=1, keepdims=True)


def unchecked_jsd_bits(p: ArrayLike, q: ArrayLike) -> Array:
    """`jsd_bits` without checks, for thousands of studies.

    >>> round(float(unchecked_jsd_bits([.5, .5, 0, 0], [1, 0, 0, 0])), 3)
    0.311
    """
    a, b = np.broadcast_arrays(p, q)
    nats = (_negative_entropy(a) + _negative_entropy(b)) / 2 - _negative_entropy((a + b) / 2)
    return np.maximum(nats, 0) / np.log(2)


def _negative_entropy(p: Array) -> Array:
    return np.asarray(np.einsum("...n,...n->...", p, np.log(np.maximum(p, 1e-300))))


def simulated(world: World) -> Draw:
    """Corpora of a world of `simulated_studies`."""

    def draw(n_speakers: int, rng: np.random.Generator) -> Corpus:
        study = simulate(n_speakers, rng, world)
        raters = rng.integers(4, 13, size=len(study.q))
        return Corpus(study.speakers, rng.multinomial(raters, study.shares), study.shares)

    return draw


def crema_d(root: Path) -> Draw:
    """Corpora of actors drawn with replacement from CREMA-D, with the votes of some clips of each."""
    clips = [u for u in load_crema_d(root, require_audio=False) if u.votes]
    votes = np.array([[u.votes.get(label, 0) for label in LABELS] for u in clips])
    actors, codes = np.unique([u.speaker for u in clips], return_inverse=True)
    by_actor = [votes[codes == n] for n in range(len(actors))]

    def draw(n_speakers: int, rng: np.random.Generator) -> Corpus:
        drawn = [
            rng.permutation(by_actor[n])[:CLIPS] for n in rng.integers(0, len(by_actor), size=n_speakers)
        ]
        own = np.concatenate(drawn)
        speakers = np.repeat(np.arange(n_speakers), [len(one) for one in drawn])
        return Corpus(speakers, own, (own + 0.05) / (own + 0.05).sum(axis=1, keepdims=True))

    return draw


def best_constant(q: Array) -> Array:
    """Of the sharpened mean votes, the one that is nearest to these votes."""
    mean = q.mean(axis=0)
    constants = [mean**e / (mean**e).sum() for e in EXPONENTS[1:-1]]
    return min(constants, key=lambda c: float(unchecked_jsd_bits(np.tile(c, (len(q), 1)), q).mean()))


@dataclass(frozen=True)
class Population:
    """What is known of all speakers: the mean vote and the best constant, both of shape ``(N,)``."""

    mean: Array
    best: Array

    @classmethod
    def of(cls, q: Array) -> Population:
        """From the votes of very many clips."""
        return cls(q.mean(axis=0), best_constant(q))


@dataclass(frozen=True)
class Listener:
    """What a listener says.

    Args:
        says: of a corpus, what is known of all speakers, and a generator: predictions with the clip and given
            something else (``nan`` rows fail), for one level.
        deaf: whether what claims say of its hearing is false.
        refuses: the share of requests with silence that fail.
    """

    says: Callable[[Corpus, Population, np.random.Generator], tuple[Array, Array]]
    deaf: bool = True
    refuses: float = 0.0


def constant(of: Callable[[Corpus, Population], Array]) -> Listener:
    """Says the same of every clip."""

    def says(corpus: Corpus, population: Population, rng: np.random.Generator) -> tuple[Array, Array]:
        p = np.tile(of(corpus, population), (len(corpus.votes), 1))
        return p, p

    return Listener(says)


def _third(corpus: Corpus, population: Population) -> Array:
    q = corpus.q
    entropies = -(q * np.log(np.where(q > 0, q, 1))).sum(axis=1)
    return best_constant(q[entropies >= np.quantile(entropies, 2 / 3)])


def noisy(amount: float, refuses: float = 0.0) -> Listener:
    """Says the best constant with noise of its own each time."""

    def says(corpus: Corpus, population: Population, rng: np.random.Generator) -> tuple[Array, Array]:
        centre = np.log(population.best + 1e-6)
        shape = corpus.votes.shape
        first, second = (softmax(centre + amount * rng.normal(size=shape)) for _ in range(2))
        return first, second

    return Listener(says, refuses=refuses)


def order_reader(lift: float) -> Listener:
    """Adds to the option that was offered first, in an order drawn for each clip, the same given anything."""

    def says(corpus: Corpus, population: Population, rng: np.random.Generator) -> tuple[Array, Array]:
        n_clips, n_labels = corpus.votes.shape
        first = np.eye(n_labels)[rng.integers(n_labels, size=n_clips)]
        p = softmax(np.log(population.best + 1e-6) + lift * first)
        return p, p

    return Listener(says)


def hearing(knows: float, noise: float = 0.5, spread: float = 0.5) -> Listener:
    """Leans from the best constant towards the clip's shares, more noisily with some speakers than others."""

    def says(corpus: Corpus, population: Population, rng: np.random.Generator) -> tuple[Array, Array]:
        n_clips = len(corpus.votes)
        centre = np.log(population.best + 1e-6)
        lean = np.log(corpus.shares + 0.02)
        lean = knows * (lean - lean.mean(axis=0))
        hard = np.exp(spread * rng.normal(size=int(corpus.speakers.max()) + 1))[corpus.speakers, None]
        heard = softmax(centre + lean + noise * hard * rng.normal(size=lean.shape))
        other = rng.permutation(n_clips)
        return heard, softmax(centre + lean[other] + noise * hard * rng.normal(size=lean.shape))

    return Listener(says, deaf=False)


LISTENERS: dict[str, Listener] = {
    "deaf: the population's mean vote": constant(lambda corpus, population: population.mean),
    "deaf: the population's best constant": constant(lambda corpus, population: population.best),
    "deaf: this corpus's mean vote": constant(lambda corpus, population: corpus.q.mean(axis=0)),
    "deaf: this corpus's best constant": constant(lambda corpus, population: best_constant(corpus.q)),
    "deaf: the best constant of the most ambiguous third": constant(_third),
    "deaf: noise of 0.1": noisy(0.1),
    "deaf: noise of 0.5": noisy(0.5),
    "deaf: lifts the first option": order_reader(0.3),
    "deaf: refuses silence": noisy(0.1, refuses=0.99),
    "deaf: refuses half of silence": noisy(0.1, refuses=0.5),
    "hears alike at both levels": hearing(0.3),
}
"""By name."""


def clips_of(corpus: Corpus) -> Clips:
    """The clips of a corpus as claims know them."""
    q = corpus.q
    names = tuple(map(str, range(len(q))))
    return Clips(names, tuple(map(str, corpus.speakers)), corpus.votes, q, q, corpus.speakers, "speakers")


def paired(
    corpus: Corpus, clips: Clips, listener: Listener, population: Population, rng: np.random.Generator
) -> Paired:
    """One study of a listener as claims are tested on it; text and token level differ by chance only."""
    p: dict[tuple[Level, str], tuple[Array, ...]] = {}
    for level in ("text", "token"):
        heard, instead = listener.says(corpus, population, rng)
        p[level, "clip"], p[level, "swapped"] = (heard[None],), (instead[None],)
        silence = instead.copy()
        silence[rng.random(len(silence)) < listener.refuses] = np.nan
        p[level, "silence"], p[level, "no-audio"] = (silence[None],), (instead[None],)
    keys: dict[Level, tuple[RowKey, ...]] = {
        "text": (RowKey("simulated", "simulated", prompt="word", readout="label"),),
        "token": (RowKey("simulated", "simulated", prompt="word", readout="first"),),
    }
    metric = replace(METRICS["jsd_bits"], function=unchecked_jsd_bits)
    return Paired("simulated", "simulated", clips, 4, metric, "uniform", keys, p)
