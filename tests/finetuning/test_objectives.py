"""Objectives against scipy and plain loops, in value and in gradient."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import logsumexp, softmax
from scipy.stats import entropy as scipy_entropy

from ambivox.errors import UsageError
from ambivox.finetuning.objectives import (
    OBJECTIVES,
    entropy,
    forward_kl,
    jsd,
    label_log_p,
    text_loss,
)
from ambivox.metrics import jsd_bits, jsd_nats, kl_bits

seeds = st.integers(0, 2**32 - 1)


def drawn(seed, rows=3, labels=4):
    """Logits of a model and shares of votes, some of them 0."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (rows, labels))
    votes = rng.multinomial(5, np.full(labels, 1 / labels), rows)
    return logits, votes / 5


def tensors(logits, q):
    return torch.tensor(logits).log_softmax(-1), torch.tensor(q)


@given(seeds)
def test_forward_kl_is_that_of_scipy_with_the_votes_first(seed):
    logits, q = drawn(seed)
    expected = [scipy_entropy(truth, p) for truth, p in zip(q, softmax(logits, -1), strict=True)]
    np.testing.assert_allclose(forward_kl(*tensors(logits, q)), expected, atol=1e-9)
    np.testing.assert_allclose(expected, kl_bits(softmax(logits, -1), q) * np.log(2), atol=1e-9)


@given(seeds)
def test_jsd_is_the_squared_distance_of_scipy_and_our_metric(seed):
    logits, q = drawn(seed)
    expected = [jensenshannon(truth, p) ** 2 for truth, p in zip(q, softmax(logits, -1), strict=True)]
    np.testing.assert_allclose(jsd(*tensors(logits, q)), expected, atol=1e-8)
    np.testing.assert_allclose(jsd(*tensors(logits, q)), jsd_nats(softmax(logits, -1), q), atol=1e-9)


def test_jsd_of_the_worked_example_is_in_nats():
    log_p, q = torch.tensor([[0.5, 0.5, 1e-30, 1e-30]]).log(), torch.tensor([[1.0, 0, 0, 0]])
    assert float(jsd(log_p, q)) == pytest.approx(0.216, abs=5e-4)
    assert jsd_bits([0.5, 0.5, 0, 0], [1, 0, 0, 0]) == pytest.approx(float(jsd(log_p, q)) / np.log(2))


@given(seeds)
def test_entropy_is_that_of_scipy(seed):
    logits, q = drawn(seed)
    np.testing.assert_allclose(entropy(tensors(logits, q)[0]), scipy_entropy(softmax(logits, -1), axis=-1))


@pytest.mark.parametrize("function", [forward_kl, jsd, lambda log_p, q: entropy(log_p)])
def test_gradients_are_those_of_finite_differences(function):
    logits, q = drawn(7)
    inputs = torch.tensor(logits, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: function(z.log_softmax(-1), torch.tensor(q)), inputs)


@given(seeds)
def test_gradients_are_finite_where_a_probability_underflows(seed):
    logits, q = drawn(seed)
    inputs = torch.tensor(logits * 100, dtype=torch.float32, requires_grad=True)
    log_p = inputs.log_softmax(-1)
    (forward_kl(log_p, torch.tensor(q)) + jsd(log_p, torch.tensor(q)) + entropy(log_p)).sum().backward()
    assert torch.isfinite(inputs.grad).all()


@given(seeds)
def test_label_log_p_joins_the_tokens_of_a_label_and_leaves_padding_out(seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 3, 5)
    shares = np.zeros((7, 3))
    shares[[0, 1, 2, 3, 4], [0, 0, 1, 2, 2]] = 1  # tokens 5 and 6 are padding
    joined = [logsumexp(z[:2]), z[2], logsumexp(z[3:])]
    found = label_log_p(torch.tensor([[*z, 99, 99]]), torch.tensor(shares, dtype=torch.float32)[None])
    np.testing.assert_allclose(found[0].exp(), softmax(joined), rtol=1e-4)


def test_text_loss_is_the_mean_over_each_answers_tokens():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 8))
    labels = np.array([[-100, -100, -100, 3, 1], [-100, -100, 2, 5, 0]])
    expected = []
    for row in range(2):
        nats = [
            logsumexp(logits[row, place - 1]) - logits[row, place - 1, labels[row, place]]
            for place in range(5)
            if labels[row, place] >= 0
        ]
        expected.append(np.mean(nats))
    np.testing.assert_allclose(text_loss(torch.tensor(logits), torch.tensor(labels)), expected, rtol=1e-5)


def brute_force(name, text, p, q, labelled):
    """The definitions, one example at a time."""
    if name in ("cross-entropy", "answer-sampling"):
        return text
    if name == "yu-2026":
        return text + (scipy_entropy(q, p) if labelled else 0)
    if not labelled:
        return text
    return jensenshannon(p, q) ** 2 + 0.08 * scipy_entropy(p)


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_objective_is_its_definition(name):
    logits, q = drawn(3, rows=6)
    text = np.random.default_rng(1).exponential(size=6)
    labelled = np.array([True, False, True, True, False, True])
    loss = OBJECTIVES[name].with_options({})
    found = loss(torch.tensor(text), *tensors(logits, q), torch.tensor(labelled))
    expected = [brute_force(name, *row) for row in zip(text, softmax(logits, -1), q, labelled, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_flat_prediction_costs_scaling_ambiguity_more_than_a_sharp_one_that_is_as_far_off():
    loss = OBJECTIVES["scaling-ambiguity"].with_options({})
    sharp = OBJECTIVES["scaling-ambiguity"].with_options({"entropy_weight": 0.0})
    flat = torch.full((1, 4), 0.25).log()
    given = (torch.zeros(1), flat, torch.full((1, 4), 0.25), torch.tensor([True]))
    assert float(sharp(*given)) == pytest.approx(0, abs=1e-6)
    assert float(loss(*given)) == pytest.approx(0.08 * np.log(4), rel=1e-5)


def test_scaling_ambiguity_has_no_text_term_for_labels_unless_one_is_asked_for():
    text, flat = torch.tensor([2.0, 3.0]), torch.full((2, 4), 0.25).log()
    given = (text, flat, torch.full((2, 4), 0.25), torch.tensor([True, False]))
    plain = OBJECTIVES["scaling-ambiguity"].with_options({"entropy_weight": 0.0})
    mixed = OBJECTIVES["scaling-ambiguity"].with_options({"entropy_weight": 0.0, "text_weight": 0.5})
    np.testing.assert_allclose(plain(*given), [0, 3], atol=1e-6)
    np.testing.assert_allclose(mixed(*given), [1, 3], atol=1e-6)


def test_unknown_option_of_an_objective_names_the_near_one():
    with pytest.raises(UsageError, match="did you mean 'weight'"):
        OBJECTIVES["yu-2026"].with_options({"wieght": 2.0})
