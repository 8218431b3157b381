import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.metrics import (
    accuracy,
    constant_prior,
    jsd_bits,
    kl_bits,
    one_hot_plurality,
    uniform,
    vote_prior,
)
from ambivox.raters.distribution import as_distributions
from tests.metrics.made_up_rows import corpora


def test_uniform_gives_every_label_the_same():
    assert uniform(2, 4).tolist() == [[0.25] * 4] * 2
    assert uniform(0, 4).shape == (0, 4)


def test_uniform_over_no_label_is_refused():
    with pytest.raises(ValueError, match="at least 0 and 1 are needed"):
        uniform(1, 0)


def test_constant_prior_is_the_mean_truth_in_every_row():
    assert constant_prior([[1, 0], [0, 1], [0.5, 0.5], [1, 0]]).tolist() == [[0.625, 0.375]] * 4


def test_constant_prior_of_no_utterance_is_refused():
    with pytest.raises(ValueError, match="no utterance"):
        constant_prior(np.zeros((0, 3)))


@given(corpora(min_utterances=2), st.data())
def test_vote_prior_is_the_mean_of_the_utterances_of_other_groups(corpus, data):
    q = corpus[1]
    groups = data.draw(st.lists(st.sampled_from("abc"), min_size=len(q), max_size=len(q)))
    groups[0], groups[-1] = "a", "b"
    prior = vote_prior(q, groups)
    expected = [
        np.mean([row for row, other in zip(q, groups, strict=True) if other != group], axis=0)
        for group in groups
    ]
    assert prior.held_out == "group"
    assert prior.reason == ""
    assert prior.p == pytest.approx(np.array(expected), abs=1e-12)
    as_distributions(prior.p)


def test_a_label_that_only_this_group_voted_for_is_exactly_zero_in_its_prior():
    q = [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.2, 0.7, 0.1], [1 / 3, 2 / 3, 0], [0.1, 0.9, 0], [1, 0, 0]]
    prior = vote_prior(q, ["ann", "ann", "ann", "bob", "bob", "cat"])
    assert (prior.p[:3, 2] == 0).all()
    assert np.isinf(kl_bits(prior.p, q)[:3]).all()


def test_with_one_group_the_prior_leaves_out_one_utterance_and_says_so():
    prior = vote_prior([[1, 0], [0.5, 0.5], [0, 1]], ["ann"] * 3)
    assert prior.p.tolist() == [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]
    assert prior.held_out == "utterance"
    assert "one group (ann)" in prior.reason


@pytest.mark.parametrize("n_utterances", [0, 1])
def test_without_another_utterance_there_is_no_prior(n_utterances):
    prior = vote_prior(np.full((n_utterances, 4), 0.25), ["ann"] * n_utterances)
    assert prior.p.shape == (n_utterances, 4)
    assert np.isnan(prior.p).all()
    assert prior.held_out == "none"
    assert prior.reason.startswith(f"{n_utterances} utterance(s)")


def test_vote_prior_needs_a_group_for_every_utterance():
    with pytest.raises(ValueError, match="1 for 2 utterances"):
        vote_prior([[1, 0], [0, 1]], ["ann"])


def test_one_hot_plurality_names_the_most_voted_label():
    assert one_hot_plurality([[0.2, 0.5, 0.3]]).tolist() == [[0, 1, 0]]


def test_which_of_tied_labels_one_hot_plurality_names_does_not_matter_within_an_utterance():
    q = [0.4, 0.4, 0.2]
    first, second = one_hot_plurality(q), [0, 1, 0]
    assert first.tolist() == [1, 0, 0]
    for metric in (jsd_bits, accuracy):
        assert metric(first, q) == metric(second, q)


def test_a_perfect_classifier_of_one_label_is_not_perfect_on_distributions():
    q = [[0.6, 0.4], [1, 0]]
    assert accuracy(one_hot_plurality(q), q).tolist() == [1, 1]
    assert (jsd_bits(one_hot_plurality(q), q) > 0).tolist() == [True, False]
