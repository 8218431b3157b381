"""The controls on the real voice-only votes of CREMA-D, against figures computed apart from this code."""

import csv

import numpy as np
import pytest

from ambivox.metrics import (
    METRICS,
    bhattacharyya,
    brier_mean,
    constant_prior,
    jsd_bits,
    one_hot_plurality,
    skill,
    uniform,
    vote_prior,
)
from ambivox.raters.distribution import normalise


@pytest.fixture(scope="module")
def crema_d(data_dir):
    """Truths of all voice-only clips (the first column starts with 1) and the actor of each."""
    with (data_dir / "crema-d/processedResults/tabulatedVotes.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        rows = [row for row in csv.DictReader(file) if row[""].startswith("1")]
    counts = np.array([[int(row[letter]) for letter in "ADFHNS"] for row in rows])
    return normalise(counts), [row["fileName"].split("_")[0] for row in rows]


def test_there_are_7442_clips_of_91_actors(crema_d):
    q, actors = crema_d
    assert q.shape == (7442, 6)
    assert len(set(actors)) == 91


def test_the_constant_prior_reaches_the_published_baseline(crema_d):
    q, _ = crema_d
    p = constant_prior(q)
    assert round(jsd_bits(p, q).mean(), 3) == 0.290
    assert round(bhattacharyya(p, q).mean(), 3) == 0.738
    assert round(brier_mean(p, q).mean(), 3) == 0.044


def test_the_uniform_control_reaches_the_published_baseline(crema_d):
    q, _ = crema_d
    assert round(jsd_bits(uniform(*q.shape), q).mean(), 3) == 0.378


def test_leaving_the_speaker_out_costs_the_prior_almost_nothing(crema_d):
    q, actors = crema_d
    prior = vote_prior(q, actors)
    assert prior.held_out == "group"
    gap = jsd_bits(prior.p, q).mean() - jsd_bits(constant_prior(q), q).mean()
    assert 0 < gap < 0.001


def test_uniform_has_negative_skill_against_the_prior(crema_d):
    q, actors = crema_d
    scores = [jsd_bits(p, q).mean() for p in (uniform(*q.shape), vote_prior(q, actors).p)]
    assert -0.35 < skill(*scores, lower_is_better=True) < -0.25


def test_the_perfect_hard_label_beats_the_prior_and_misses_the_ties(crema_d):
    q, _ = crema_d
    p = one_hot_plurality(q)
    assert jsd_bits(p, q).mean() < 0.29
    tied = (q == q.max(axis=1, keepdims=True)).sum(axis=1)
    assert METRICS["accuracy"].score(p, q).value == pytest.approx((1 / tied).mean())
    assert (tied > 1).any()
