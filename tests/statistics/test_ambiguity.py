import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from ambivox.statistics import ambiguity_tertiles, rarefied_entropy_bits


@given(st.lists(st.integers(0, 3), min_size=2, max_size=4), st.integers(1, 6))
def test_it_is_the_mean_entropy_of_all_panels(counts, n_raters):
    raters = np.repeat(np.arange(len(counts)), counts)
    got = rarefied_entropy_bits([counts], n_raters)[0]
    if len(raters) < n_raters:
        assert np.isnan(got)
        return
    panels = itertools.combinations(raters, n_raters)
    expected = np.mean([entropy(np.bincount(panel), base=2) for panel in panels])
    assert got == pytest.approx(expected, abs=1e-9)


def test_all_raters_together_give_the_plain_entropy():
    assert rarefied_entropy_bits([[3, 1, 4]], 8)[0] == pytest.approx(entropy([3, 1, 4], base=2))


def test_the_number_of_raters_makes_no_difference_on_average():
    rng = np.random.default_rng(0)
    few, many = (rng.multinomial(n, [0.5, 0.3, 0.2], size=4000) for n in (4, 12))
    plain = [entropy(votes, base=2, axis=1).mean() for votes in (few, many)]
    fair = [rarefied_entropy_bits(votes, 4).mean() for votes in (few, many)]
    assert plain[1] - plain[0] > 0.15
    assert fair[0] == pytest.approx(fair[1], abs=0.02)


def test_thirds_go_from_agreement_to_disagreement():
    votes = [[6, 0], [3, 3], [5, 1], [6, 0], [3, 3], [5, 1]]
    assert ambiguity_tertiles(votes).codes.tolist() == [0, 2, 1, 0, 2, 1]


@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=30))
def test_equal_entropies_share_a_third_and_higher_ones_never_come_lower(votes):
    tertiles = ambiguity_tertiles(votes)
    if tertiles.reason:
        assert (tertiles.codes == -1).all()
        return
    entropies = rarefied_entropy_bits(votes, tertiles.n_raters)
    placed = tertiles.codes >= 0
    assert tertiles.unplaced == (~placed).sum() == np.isnan(entropies).sum()
    order = np.argsort(entropies[placed], kind="stable")
    codes, sorted_entropies = tertiles.codes[placed][order], entropies[placed][order]
    assert (np.diff(codes) >= 0).all()
    assert (np.diff(codes)[np.diff(sorted_entropies) < 1e-10] == 0).all()


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ([[1, 0], [0, 1]], "one-vote"),
        ([[4, 0], [0, 7]], "equally-ambiguous"),
        ([[0, 0]], "one-vote"),
    ],
)
def test_a_reason_stands_in_place_of_thirds(votes, reason):
    assert ambiguity_tertiles(votes).reason.code == reason


@pytest.mark.parametrize("votes", [[[0.5, 1]], [[-1, 2]], [1, 2]])
def test_votes_are_counts(votes):
    with pytest.raises(ValueError, match="counts"):
        ambiguity_tertiles(votes)
