"""What a study will test, on which readouts, and how small an effect it could show, before it is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ambivox.choices import Cluster
from ambivox.corpora import Corpus
from ambivox.errors import UsageError
from ambivox.field_claims.catalogue import all_claims
from ambivox.field_claims.claim import LEVEL, Claim
from ambivox.field_claims.paired import TOKEN_READOUTS, Paired
from ambivox.metrics import METRICS, Metric
from ambivox.raters.distribution import Array, count_votes, truth
from ambivox.readouts import Level
from ambivox.reasons import Reason
from ambivox.run.plan import Parts, controls_of, look_up
from ambivox.scoring.gather import clips_of
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import Clips
from ambivox.scoring.table import plain
from ambivox.statistics import detectable_difference, scatter, sharpened_prior
from ambivox.statistics.planning import POWER
from ambivox.study import Study, load_study

_KNOWN_BEFORE = {
    "no-control",
    "one-prompt",
    "one-vote",
    "one-speaker",
    "one-dominates",
    "too-few-clusters",
    "too-few-clips",
}
"""Codes of reasons that do not hang on what a model says."""


@dataclass(frozen=True)
class PlannedClaim:
    """A claim as it will be tested.

    Args:
        numbers: what has to be above 0, in words.
        detectable: the smallest true difference of the metric that is found in 80% of studies; ``nan`` where
            none is among its numbers.
        reason: why it cannot be tested, as far as that is known before; None if it can.
    """

    name: str
    sentence: str
    numbers: tuple[str, ...]
    detectable: float
    reason: Reason | None = None


@dataclass(frozen=True)
class CorpusPlan:
    """The claims on one corpus, for each model.

    Args:
        clips, speakers: with votes.
        readouts: text-level and token-level readout of each prompt, as they are written.
        between, within: how far the scores of a control that hears nothing differ between speakers and within
            them, in the metric's unit; the differences that are tested are taken to scatter as much.
    """

    corpus: str
    clips: int
    speakers: int
    readouts: tuple[tuple[str, str, str], ...]
    between: float
    within: float
    claims: tuple[PlannedClaim, ...]


@dataclass(frozen=True)
class Plan:
    """What will be tested.

    Args:
        level: of the tests, after Holm's correction for all claims on a corpus and model.
        power: the share of studies in which the detectable difference is found.
    """

    metric: str
    cluster: Cluster
    margin: float | None
    level: float
    power: float
    corpora: tuple[CorpusPlan, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        return plain(self)


def plan_claims(
    study: Study | str | Path,
    *,
    metric: str = "jsd_bits",
    cluster: Cluster = "speaker",
    margin: float | None = None,
) -> Plan:
    """Write down before a run what will be tested; nothing is asked of a model.

    Raises:
        UsageError: a study that cannot be run, a metric without a value per utterance, or no votes.
    """
    study = study if isinstance(study, Study) else load_study(study)
    if not METRICS[metric].per_utterance:
        raise UsageError(f"metric {metric!r}: it has no value per utterance; take jsd_bits")
    parts = look_up(study)
    corpora = tuple(_corpus(parts, corpus, METRICS[metric], cluster) for corpus in parts.corpora)
    return Plan(metric, cluster, margin, LEVEL, POWER, corpora)


def _corpus(parts: Parts, corpus: Corpus, metric: Metric, cluster: Cluster) -> CorpusPlan:
    clips = _clips(parts, corpus, cluster)
    keys = _keys(parts, corpus)
    readouts = tuple((text.prompt, text.readout, token.readout) for text, token in keys)
    reasons = [_nothing_known(claim) for claim in _claims(parts, clips, keys, metric)] if keys else []
    n_tests = sum(reason is None for _, reason in reasons)
    groups = clips.codes.tolist()
    prior = sharpened_prior(clips.q, groups, metric.function, lower_is_better=metric.lower_is_better)
    between, within = scatter(prior.scores, groups)
    least = np.nan
    if n_tests and np.isfinite([between, within]).all():
        sizes = np.bincount(clips.codes)
        least = float(
            detectable_difference(sizes, between=between, within=within, level=LEVEL, n_tests=n_tests)
        )
    planned = tuple(_planned(claim, reason, least) for claim, reason in reasons)
    return CorpusPlan(corpus.name, len(clips.names), clips.n_clusters, readouts, between, within, planned)


def _planned(claim: Claim, reason: Reason | None, least: float) -> PlannedClaim:
    differs = reason is None and any(part.unit != "1" for part in claim.parts)
    numbers = tuple(part.what for part in claim.parts)
    return PlannedClaim(claim.name, claim.sentence, numbers, least if differs else np.nan, reason)


def _nothing_known(claim: Claim) -> tuple[Claim, Reason | None]:
    """The claim, and why it will not be tested whatever a model says."""
    reasons = [claim.reason, *(part.interval.reason for part in claim.parts)]
    return claim, next((one for one in reasons if one and one.code in _KNOWN_BEFORE), None)


def _clips(parts: Parts, corpus: Corpus, cluster: Cluster) -> Clips:
    kept, counts, shares = [], [], []
    for utterance in corpus:
        votes = count_votes(utterance.votes, parts.emotions)
        own = truth(votes, parts.emotions)
        if own is not None:
            kept.append(utterance)
            counts.append(votes.counts)
            shares.append(own)
    if not kept:
        raise UsageError(f"corpus {corpus.name!r}: no clip with votes inside {parts.emotions.name}")
    return clips_of(
        [u.id for u in kept],
        [u.speaker for u in kept],
        np.array(counts),
        np.array(shares),
        corpus=corpus.name,
        cluster=cluster,
        dialogues=[u.dialogue for u in kept],
    )[0]


def _keys(parts: Parts, corpus: Corpus) -> list[tuple[RowKey, RowKey]]:
    """Of each prompt that will have both, its text-level and its token-level readout."""
    found = []
    for prompt in parts.prompts:
        reading = [r for r in parts.readouts if r.formats is None or prompt.format in r.formats]
        names = {r.name: r for r in reading}
        text = next((r for r in reading if r.level == "text" and r.name in TOKEN_READOUTS), None)
        token = (
            next((names[name] for name in TOKEN_READOUTS[text.name] if name in names), None) if text else None
        )
        if text and token:
            found.append(
                (
                    RowKey(corpus.name, "", prompt=prompt.name, readout=text.name),
                    RowKey(corpus.name, "", prompt=prompt.name, readout=token.name),
                )
            )
    return found


def _claims(
    parts: Parts, clips: Clips, pairs: list[tuple[RowKey, RowKey]], metric: Metric
) -> Iterator[Claim]:
    """The claims as they will be made, on answers that say nothing: only their reasons and words are used."""
    rng = np.random.default_rng(0)
    n_labels = clips.q.shape[1]

    def said() -> tuple[Array, ...]:
        return tuple(rng.dirichlet(np.ones(n_labels), size=(1, len(clips.names))) for _ in pairs)

    levels: tuple[Level, Level] = ("text", "token")
    p = {(level, str(control)): said() for control in controls_of(parts.study) for level in levels}
    keys = {level: tuple(pair[place] for pair in pairs) for place, level in enumerate(levels)}
    neutral = parts.emotions.index("neutral")
    yield from all_claims(Paired("", "", clips, neutral, metric, "uniform", keys, p))
