"""Token readouts against brute force on a made-up vocabulary."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ambivox.errors import UsageError
from ambivox.readouts import READOUTS, load_readout
from ambivox.readouts.label_logits import label_logits, owned_shares
from ambivox.readouts.tokens import SHARED_MASS, first, mean
from tests.readouts.made_up_records import label_tokens_of, record, with_logits

VALUES = ("logit", "probability", "log-probability")
VOCABULARY = 11
# label 0 by two tokens, label 1 by one, label 2 by three
OWNERS = {0: (1, 7), 1: (4,), 2: (0, 9, 10)}
LABEL_TOKENS = label_tokens_of(
    [(t,) for ts in OWNERS.values() for t in ts], [n for n, ts in OWNERS.items() for _ in ts]
)

logits = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def some_logits(rng: np.random.Generator, steps: int, scale: float = 3.0) -> NDArray[np.float64]:
    # Rounded to float32 once, since that is what a record holds.
    return (scale * rng.standard_normal((steps, VOCABULARY))).astype(np.float32).astype(np.float64)


def probabilities(full: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(full - full.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@given(rng=logits)
def test_first_is_the_softmax_restricted_to_the_labels_and_renormalised(rng: np.random.Generator) -> None:
    full = some_logits(rng, 3)
    p = probabilities(full)[0]
    mass = np.array([sum(p[t] for t in tokens) for tokens in OWNERS.values()])
    reading = first(with_logits(full, LABEL_TOKENS, 3))
    assert reading.status == "ok"
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution, mass / mass.sum(), rtol=1e-9)
    assert reading.mass == pytest.approx(mass.sum(), rel=1e-5)


def by_loop(full: NDArray[np.float64], value: str, normalise: str, join: str) -> list[float] | None:
    p = probabilities(full)
    a = []
    for tokens in OWNERS.values():
        steps = []
        for t in range(len(full)):
            if join == "max":
                best = max(tokens, key=lambda token: full[t, token])
                joined = {"logit": full[t, best], "probability": p[t, best]}
            else:
                joined = {
                    "logit": float(np.log(sum(np.exp(full[t, token]) for token in tokens))),
                    "probability": sum(p[t, token] for token in tokens),
                }
            joined["log-probability"] = float(np.log(joined["probability"]))
            steps.append(joined[value])
        a.append(sum(steps) / len(steps))
    if normalise == "softmax":
        return [float(np.exp(x) / sum(np.exp(y) for y in a)) for x in a]
    return [x / sum(a) for x in a] if min(a) >= 0 else None


@pytest.mark.parametrize(
    ("value", "normalise", "join"), list(product(VALUES, ("sum", "softmax"), ("logsumexp", "max")))
)
@given(rng=logits)
def test_mean_equals_a_loop(value: Any, normalise: Any, join: Any, rng: np.random.Generator) -> None:
    full = some_logits(rng, 4)
    reading = mean(with_logits(full, LABEL_TOKENS, 3), value=value, normalise=normalise, join=join)
    expected = by_loop(full, value, normalise, join)
    if expected is None:
        assert (reading.distribution, reading.status) == (None, "undefined")
    else:
        assert reading.status == "ok"
        assert reading.distribution is not None
        np.testing.assert_allclose(reading.distribution, expected, rtol=1e-4, atol=1e-6)


ONE_TOKEN_EACH = label_tokens_of([(0,), (1,), (2,)], [0, 1, 2])


def formula(rows: list[list[float]]) -> Any:
    full = np.pad(np.array(rows), ((0, 0), (0, 2)))
    return mean(with_logits(full, ONE_TOKEN_EACH, 3), value="logit", normalise="sum")


def test_the_summary_formula_is_the_mean_logit_over_the_sum_of_mean_logits() -> None:
    reading = formula([[20.0, 10.0, 6.0], [22.0, 14.0, 8.0]])
    np.testing.assert_allclose(reading.distribution, np.array([21, 12, 7]) / 40)


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([[20.0, -10.0, 6.0]], "mixed signs"),
        ([[-20.0, -10.0, -6.0]], "negative values"),
        ([[0.0, 0.0, 0.0]], "all values are 0"),
        ([[5.0, 5.0, 5.0], [-5.0, -6.0, -4.0]], "mixed signs"),
    ],
)
def test_the_summary_formula_is_undefined_for_other_than_positive_logits(
    rows: list[list[float]], note: str
) -> None:
    reading = formula(rows)
    assert (reading.distribution, reading.status) == (None, "undefined")
    assert note in reading.note


@pytest.mark.parametrize(
    "spec",
    [
        "first",
        "mean",
        "mean(value=log-probability, normalise=softmax)",
        "mean(value=logit, normalise=softmax)",
    ],
)
@given(rng=logits, shift=st.floats(-50, 50))
def test_a_constant_added_to_all_logits_changes_nothing(
    spec: str, rng: np.random.Generator, shift: float
) -> None:
    full = some_logits(rng, 3)
    before = load_readout(spec)(with_logits(full, LABEL_TOKENS, 3)).distribution
    after = load_readout(spec)(with_logits(full + shift, LABEL_TOKENS, 3)).distribution
    np.testing.assert_allclose(before, after, atol=1e-4)


def test_a_constant_added_to_all_logits_changes_the_summary_formula() -> None:
    before = formula([[20.0, 10.0, 6.0]]).distribution
    after = formula([[120.0, 110.0, 106.0]]).distribution
    assert np.abs(before - after).max() > 0.15


@pytest.mark.parametrize("scale", [1e4, -1e4])
@pytest.mark.parametrize("join", ["logsumexp", "max"])
@pytest.mark.parametrize("spec", ["first", "mean", "mean(value=log-probability, normalise=softmax)"])
def test_extreme_logits_neither_overflow_nor_vanish(spec: str, join: str, scale: float) -> None:
    # The labels get a probability of exp(-20000), which no float can hold, and still differ by a factor e.
    full = np.array([[scale, scale + 1.0, scale, 1e4 if scale < 0 else 0.0]])
    readout = load_readout(spec)
    reading = readout.function(with_logits(full, ONE_TOKEN_EACH, 3), **dict(readout.options) | {"join": join})
    expected = np.exp([0, 1, 0]) / np.exp([0, 1, 0]).sum()
    np.testing.assert_allclose(reading.distribution, expected, rtol=1e-6)
    assert reading.mass is None or 0 <= reading.mass <= 1


@given(rng=logits, scale=st.sampled_from([1.0, 30.0, 1e4]))
def test_the_mass_is_a_probability(rng: np.random.Generator, scale: float) -> None:
    everything = label_tokens_of([(t,) for t in range(VOCABULARY)], [t % 3 for t in range(VOCABULARY)])
    full = some_logits(rng, 3, scale)
    for readout in (first, mean):
        mass = readout(with_logits(full, everything, 3)).mass
        assert mass == pytest.approx(1, abs=2e-3)
        assert mass <= 1


# "f" begins labels 0 and 1; label 2 has a token of its own.
SHARED = label_tokens_of([(0, 1), (0, 2), (3,)], [0, 1, 2])


def test_labels_that_only_share_a_token_collide() -> None:
    reading = first(with_logits(np.zeros((1, 5)), SHARED, 3))
    assert (reading.distribution, reading.status) == (None, "collided")
    assert reading.note == "label0, label1 begin with '0': use the readout 'sequence'"
    assert mean(with_logits(np.zeros((1, 5)), SHARED, 3)).status == "collided"


@given(rng=logits)
def test_a_shared_token_is_divided_by_whole_label_probabilities(rng: np.random.Generator) -> None:
    full = rng.normal(size=(2, 5)).astype(np.float32).astype(np.float64)
    p = probabilities(full)[0]
    part = rng.uniform(0.01, 0.99)
    logp = np.log([p[0] * part, p[0] * (1 - part), p[3]])
    reading = first(with_logits(full, SHARED, 3, logp))
    expected = np.array([p[0] * part, p[0] * (1 - part), p[3]])
    assert reading.status == "ok"
    assert "divided" in reading.note
    np.testing.assert_allclose(reading.distribution, expected / expected.sum(), rtol=1e-6)


@given(rng=logits, n_sequences=st.integers(2, 12))
def test_no_logit_is_counted_for_two_labels(rng: np.random.Generator, n_sequences: int) -> None:
    drawn = {tuple(map(int, rng.integers(0, VOCABULARY, rng.integers(1, 4)))) for _ in range(n_sequences)}
    label_tokens = label_tokens_of(sorted(drawn), [int(n) for n in rng.integers(0, 3, len(drawn))])
    full = some_logits(rng, 2)
    label_token_mass = probabilities(full)[0, list(label_tokens.token_ids)].sum()
    logp = np.log(rng.uniform(1e-6, 1, len(drawn)))
    reading = first(with_logits(full, label_tokens, 3, logp))
    assert reading.status == "ok"
    assert reading.mass == pytest.approx(label_token_mass, rel=1e-4)


def test_dividing_a_hopeless_token_does_not_overflow() -> None:
    logp = np.array([-5000.0, -5001.0, -1.0])
    reading = first(with_logits(np.zeros((1, 5)), SHARED, 3, logp))
    assert reading.distribution is not None
    np.testing.assert_allclose(reading.distribution[0] / reading.distribution[1], np.e, rtol=1e-9)


@pytest.mark.parametrize(("factor", "status"), [(0.5, "ok"), (2.0, "collided")])
def test_a_shared_token_may_be_left_out_only_where_it_hardly_counts(factor: float, status: str) -> None:
    # Labels 0 and 1 own a token each and share token 2, for example the bare space.
    label_tokens = label_tokens_of([(0,), (1,), (2, 0), (2, 1)], [0, 1, 0, 1])
    share = SHARED_MASS * factor
    full = np.log([[(1 - share) / 2, (1 - share) / 2, share, 1e-9]])
    record = with_logits(full, label_tokens, 2)
    assert first(record).status == status
    assert mean(record).status == status


def test_shared_tokens_far_below_the_rest_of_the_vocabulary_still_collide() -> None:
    label_tokens = label_tokens_of([(0,), (1,), (2, 0), (2, 1)], [0, 1, 0, 1])
    assert first(with_logits(np.array([[-1e4, -1e4, 0.0, 1e4]]), label_tokens, 2)).status == "collided"


def test_a_shared_token_belongs_to_no_label() -> None:
    assert owned_shares(SHARED, 3).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_a_label_without_a_token_has_no_logit() -> None:
    joined = label_logits(np.zeros((1, 2), np.float32), owned_shares(SHARED, 3))
    assert joined.tolist() == [[-np.inf, -np.inf, 0.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("field", ["token_logits", "logsumexp"])
@pytest.mark.parametrize("readout", [first, mean])
def test_logits_that_are_not_finite_are_undefined(readout: Any, field: str, bad: float) -> None:
    record = with_logits(np.zeros((2, 5)), ONE_TOKEN_EACH, 3)
    getattr(record.replied, field)[0] = bad
    assert readout(record).status == "undefined"


@pytest.mark.parametrize("readout", [first, mean])
def test_a_reply_without_steps_is_undefined(readout: Any) -> None:
    assert readout(with_logits(np.zeros((0, 5)), ONE_TOKEN_EACH, 3)).status == "undefined"


@pytest.mark.parametrize("name", ["first", "mean", "sequence"])
def test_a_record_without_logits_is_undefined(name: str) -> None:
    assert READOUTS[name](record("sad")).status == "undefined"


@pytest.mark.parametrize("option", [{"value": "logits"}, {"normalise": "l2"}, {"join": "mean"}])
def test_an_unknown_choice_is_a_usage_error(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is not one of"):
        mean(with_logits(np.zeros((1, 5)), ONE_TOKEN_EACH, 3), **option)
