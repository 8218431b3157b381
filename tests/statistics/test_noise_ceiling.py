import numpy as np
import pytest
from scipy import optimize, stats

from ambivox.metrics import jsd_bits
from ambivox.statistics import fit_vote_model, mean_over_redraws, redraw_votes


def draw(alpha, n_clips, raters, seed=0):
    rng = np.random.default_rng(seed)
    return rng.multinomial(rng.integers(*raters, size=n_clips), rng.dirichlet(alpha, size=n_clips))


def test_the_fit_has_the_highest_likelihood_that_scipy_finds():
    votes = draw([0.5, 1.0, 0.3], 200, (4, 13))
    totals = votes.sum(axis=1)

    def loss(log_alpha):
        return -stats.dirichlet_multinomial.logpmf(votes, np.exp(log_alpha), totals).sum()

    best = optimize.minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
    assert fit_vote_model(votes).alpha == pytest.approx(np.exp(best.x), rel=1e-3)


def test_the_fit_finds_the_truth_again():
    alpha = [0.2, 0.1, 0.4, 0.3]
    assert fit_vote_model(draw(alpha, 20_000, (4, 13))).alpha == pytest.approx(alpha, rel=0.05)


def test_a_label_that_nobody_votes_for_stays_at_nothing_and_is_told():
    votes = np.insert(draw([0.5, 1.0], 100, (4, 9)), 1, 0, axis=1)
    model = fit_vote_model(votes)
    assert model.alpha[1] == 0
    assert model.note == "1 label(s) were never voted for and stay at 0"
    shares, new = next(redraw_votes(votes, model.alpha))
    assert shares[:, 1].max() == new[:, 1].max() == 0


def test_votes_that_scatter_like_one_distribution_are_told():
    votes = np.tile([4, 4], (50, 1))
    assert "no more than" in fit_vote_model(votes).note


def test_full_agreement_has_no_noise():
    votes = np.array([[9, 0], [0, 9]] * 20)
    model = fit_vote_model(votes)
    assert mean_over_redraws(votes, model.alpha, jsd_bits)[0].mean() < 1e-3


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ([[1, 0], [0, 1]], "votes of one rater: their noise cannot be told from ambiguity"),
        ([[3, 2]], "1 rated clip(s): at least 2 are needed"),
        ([[0, 0], [0, 0]], "0 rated clip(s): at least 2 are needed"),
    ],
)
def test_a_reason_stands_in_place_of_a_fit(votes, reason):
    model = fit_vote_model(votes)
    assert (model.alpha, model.reason.text) == (None, reason)


def test_the_ceiling_is_what_true_shares_score_against_votes():
    """With the shares known, they are scored against the votes; the fit knows the votes only."""
    rng = np.random.default_rng(4)
    alpha = np.array([0.6, 0.3, 1.2, 0.4])
    shares = rng.dirichlet(alpha, size=6000)
    raters = rng.integers(4, 13, size=6000)
    votes = rng.multinomial(raters, shares)
    known = jsd_bits(shares, votes / raters[:, None]).mean()
    ceiling = mean_over_redraws(votes, fit_vote_model(votes).alpha, jsd_bits, n_draws=30)[0].mean()
    assert ceiling == pytest.approx(known, rel=0.03)


def test_the_error_of_the_ceiling_is_how_far_other_draws_are_off():
    votes, alpha = draw([0.6, 0.3, 1.2], 40, (4, 13)), np.array([0.6, 0.3, 1.2])
    found = [
        mean_over_redraws(votes, alpha, lambda p, q: jsd_bits(p, q).mean(), n_draws=40, seed=seed)
        for seed in range(60)
    ]
    means, errors = np.array(found).T
    assert np.sqrt((errors**2).mean()) == pytest.approx(means.std(ddof=1), rel=0.3)


def test_draws_without_a_value_are_left_out_of_the_ceiling():
    values = iter([1.0, np.nan, 3.0])
    mean, error = mean_over_redraws([[2, 2]], np.ones(2), lambda p, q: next(values), n_draws=3)
    assert (mean, error) == (2, pytest.approx(1))


def test_new_votes_have_as_many_raters():
    votes = draw([1.0, 1.0, 1.0], 50, (1, 9))
    for shares, new in redraw_votes(votes, np.ones(3), n_draws=5):
        totals = new * votes.sum(axis=1, keepdims=True)
        assert totals == pytest.approx(totals.round())
        assert shares.sum(axis=1) == pytest.approx(1)
