import numpy as np
import pytest

from ambivox.metrics import jsd_bits, vote_prior
from ambivox.statistics import prior_scatter


def made(seed=0, n=200):
    q = np.random.default_rng(seed).dirichlet([0.3, 0.6, 1.5, 0.2], size=n)
    return q, [f"s{u // 10}" for u in range(n)]


def test_it_leaves_the_mean_as_it_is():
    q, speakers = made()
    assert prior_scatter(vote_prior(q, speakers).p, q, jsd_bits).mean() == pytest.approx(0, abs=1e-12)


def test_it_is_how_the_mean_score_moves_when_a_clip_counts_for_more():
    q, _ = made()
    prior = np.tile(q.mean(axis=0), (len(q), 1))
    scatter = prior_scatter(prior, q, jsd_bits)
    for u in (0, 7, 100):
        weights = np.ones(len(q))
        weights[u] += 0.01
        moved = np.tile(weights @ q / weights.sum(), (len(q), 1))
        change = jsd_bits(moved, q).mean() - jsd_bits(prior, q).mean()
        assert change == pytest.approx(0.01 * scatter[u] / len(q), rel=0.02, abs=1e-8)


def test_a_corpus_without_a_prior_has_no_scatter():
    assert prior_scatter(np.full((1, 4), np.nan), np.eye(4)[:1], jsd_bits).tolist() == [0.0]
