import numpy as np
import pytest

from ambivox.metrics import accuracy, brier_sum, jsd_bits, vote_prior
from ambivox.statistics import prior_scatter, sharpened_prior
from ambivox.statistics.prior import EXPONENTS


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


def sharpened_by_loop(q, speakers, metric, sign):
    """The same, one speaker and one exponent at a time."""

    def sharp(p, exponent):
        weights = (p == p.max()).astype(float) if np.isinf(exponent) else np.where(p > 0, p, 0) ** exponent
        return weights / weights.sum()

    def scores(p, rows):
        return metric(np.tile(p, (len(rows), 1)), rows)

    best = min(EXPONENTS, key=lambda e: sign * scores(sharp(q.mean(axis=0), e), q).sum())
    found = scores(sharp(q.mean(axis=0), best), q)
    priors = {s: q[speakers != s].mean(axis=0) for s in np.unique(speakers)}
    for s in np.unique(speakers):

        def others(e, s=s):
            rest = [t for t in priors if t != s]
            return sum(sign * scores(sharp(priors[t], e), q[speakers == t]).sum() for t in rest)

        own = sharp(priors[s], min(EXPONENTS, key=others))
        found[speakers == s] = (found[speakers == s] + scores(own, q[speakers == s])) / 2
    return found


@pytest.mark.parametrize(("metric", "sign"), [(jsd_bits, 1), (brier_sum, 1), (accuracy, -1)])
def test_the_sharpened_prior_is_that_of_a_plain_loop(metric, sign):
    rng = np.random.default_rng(2)
    q = rng.multinomial(6, rng.dirichlet([0.4, 0.9, 0.2], size=40)) / 6
    speakers = rng.integers(0, 5, size=40)
    found = sharpened_prior(q, speakers.tolist(), metric, lower_is_better=sign > 0)
    np.testing.assert_allclose(found.scores, sharpened_by_loop(q, speakers, metric, sign))


def test_the_prior_that_is_held_out_has_not_seen_the_speaker():
    q, speakers = made()
    found = sharpened_prior(q, speakers, jsd_bits).held_out
    other = q.copy()
    own = np.array(speakers) == "s3"
    other[own] = np.roll(other[own], 1, axis=1)
    again = sharpened_prior(other, speakers, jsd_bits).held_out
    assert found[own] == pytest.approx(again[own])
    assert found.sum(axis=1) == pytest.approx(1)
    assert jsd_bits(found, q).mean() < jsd_bits(vote_prior(q, speakers).p, q).mean()


def speaker(rng):
    """Clips of a speaker who shows some emotions more than others do."""
    alpha = 1.5 * rng.dirichlet([0.8, 0.8, 3.0, 1.0])
    return rng.multinomial(8, rng.dirichlet(alpha + 1e-3, size=12)) / 8


def test_its_mean_is_nearer_to_the_best_constant_than_the_leave_one_out_prior():
    """What that prior lacks with few speakers is what a deaf model gains that knows all speakers' votes."""
    rng = np.random.default_rng(0)
    population = np.concatenate([speaker(rng) for _ in range(4000)])
    best = min(
        jsd_bits(np.tile(constant, (len(population), 1)), population).mean()
        for constant in (
            population.mean(axis=0) ** e / (population.mean(axis=0) ** e).sum() for e in EXPONENTS[:-1]
        )
    )
    groups = np.repeat(np.arange(12), 12).tolist()
    corpora = [np.concatenate([speaker(rng) for _ in range(12)]) for _ in range(300)]
    sharpened = np.mean([sharpened_prior(q, groups, jsd_bits).scores.mean() for q in corpora])
    held_out = np.mean([jsd_bits(vote_prior(q, groups).p, q).mean() for q in corpora])
    assert held_out > best + 0.01
    assert abs(sharpened - best) < (held_out - best) / 3


def test_one_speaker_has_no_prior_of_others():
    found = sharpened_prior([[1, 0], [0.5, 0.5]], ["ann", "ann"], jsd_bits)
    assert np.isnan(found.scores).all()
    assert found.reason.code == "one-speaker"
