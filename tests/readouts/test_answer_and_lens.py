"""Averages over chosen steps, and every layer, against sums written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from ambivox.readouts import load_readout, load_readouts, unfold
from ambivox.readouts.tokens import answer, answer_steps, first, lens, mean
from ambivox.record import Record
from tests.readouts.made_up_records import label_tokens_of, with_logits
from tests.records import change

LABEL_TOKENS = label_tokens_of(
    [(0,), (1, 5), (2,), (3,)], [0, 1, 1, 0]
)  # label 0: tokens 0 and 3, label 1: tokens 1 and 2
VOCABULARY = 8


def said(token_ids: tuple[int, ...], seed: int = 0, scale: float = 3.0) -> tuple[Record, np.ndarray]:
    full = scale * np.random.default_rng(seed).normal(size=(len(token_ids), VOCABULARY))
    return change(with_logits(full, LABEL_TOKENS, 2), {"reply.token_ids": token_ids}), full


def joined(full: np.ndarray, t: int) -> np.ndarray:
    """Probabilities of the two labels at a step, of the whole vocabulary."""
    p = softmax(full[t])
    return np.array([p[0] + p[3], p[1] + p[2]])


def test_only_steps_that_write_a_label_count() -> None:
    record, full = said((6, 7, 0, 6, 1, 5, 4))
    assert answer_steps(LABEL_TOKENS, record.replied.token_ids or ()) == [2, 4]
    a = (joined(full, 2) + joined(full, 4)) / 2
    reading = answer(record)
    assert reading.distribution == pytest.approx(a / a.sum(), rel=1e-5)
    assert reading.mass == pytest.approx(a.sum(), rel=1e-5)


def test_an_answer_that_begins_with_a_label_is_read_where_it_begins() -> None:
    record, _ = said((3, 6))
    assert answer(record).distribution == pytest.approx(first(record).distribution, rel=1e-6)


def test_the_beginning_of_a_label_alone_is_not_the_label() -> None:
    assert answer_steps(LABEL_TOKENS, (1, 6, 1)) == []


@pytest.mark.parametrize("tokens", [(6, 7), (1, 6), (4,)])
def test_an_answer_without_a_label_is_undefined(tokens: tuple[int, ...]) -> None:
    reading = answer(said(tokens)[0])
    assert (reading.distribution, reading.status) == (None, "undefined")
    assert "no label was written" in reading.note


@pytest.mark.parametrize("value", ["logit", "probability", "log-probability"])
@pytest.mark.parametrize("normalise", ["sum", "softmax"])
def test_label_tokens_are_averaged_at_the_first_step_without_joining(value: str, normalise: str) -> None:
    record, full = said((6, 0), scale=0.3)
    full = full + 4  # all logits above 0, so that their sum is defined
    record = change(with_logits(full, LABEL_TOKENS, 2), {"reply.token_ids": (6, 0)})
    p = softmax(full[0])
    f = {"logit": full[0], "probability": p, "log-probability": np.log(p)}[value]
    a = np.array([(f[0] + f[3]) / 2, (f[1] + f[2]) / 2])
    reading = mean(record, value=value, over="label-tokens", normalise=normalise)  # type: ignore[arg-type]
    if value == "log-probability" and normalise == "sum":
        assert reading.status == "undefined"
    else:
        expected = softmax(a) if normalise == "softmax" else a / a.sum()
        assert reading.distribution == pytest.approx(expected, rel=1e-5)


GRID = [
    f"mean(value={value}, over={over}, normalise={normalise})"
    for value in ("logit", "probability", "log-probability")
    for over in ("label-tokens", "steps", "answer")
    for normalise in ("sum", "softmax")
]


@given(
    tokens=st.lists(st.integers(0, VOCABULARY - 1), max_size=6).map(tuple),
    seed=st.integers(0, 99),
    scale=st.sampled_from([0.0, 1.0, 100.0, 3000.0]),
)
def test_every_average_of_any_logits_is_a_distribution_or_a_reason(
    tokens: tuple[int, ...], seed: int, scale: float
) -> None:
    record, _ = said(tokens, seed, scale)
    for readout in load_readouts([*GRID, "answer"]):
        reading = readout(record)
        if reading.distribution is None:
            assert reading.status == "undefined"
            assert reading.note
        else:
            assert reading.distribution.min() >= 0
            assert reading.distribution.sum() == pytest.approx(1)


def with_layers(n_layers: int = 3) -> tuple[Record, np.ndarray]:
    record, full = said((0, 6))
    rng = np.random.default_rng(7)
    layers = np.stack([*rng.normal(size=(n_layers - 1, *full.shape)), full])
    kept = layers[..., list(LABEL_TOKENS.token_ids)].astype(np.float32)
    normaliser = np.logaddexp.reduce(layers, axis=2).astype(np.float32)
    record = change(record, {"reply.lens": kept, "reply.lens_logsumexp": normaliser})
    return record, layers


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_a_layer_is_read_like_the_first_step_of_its_logits(layer: int) -> None:
    record, layers = with_layers()
    p = joined(layers[layer - 1], 0)
    reading = lens(record, layer=layer)
    assert reading.distribution == pytest.approx(p / p.sum(), rel=1e-5)
    assert reading.mass == pytest.approx(p.sum(), rel=1e-5)


def test_the_last_layer_is_the_answer_itself() -> None:
    record, _ = with_layers()
    np.testing.assert_array_equal(lens(record, layer=3).distribution, first(record).distribution)


@pytest.mark.parametrize("layer", [None, 0, 4, -1])
def test_a_layer_that_is_not_there_is_undefined_and_the_note_says_which_are(layer: int | None) -> None:
    reading = lens(with_layers()[0], layer=layer)
    assert (reading.distribution, reading.status) == (None, "undefined")
    assert "lens(layer=1) to lens(layer=3)" in reading.note


def test_a_record_without_layers_is_undefined() -> None:
    assert lens(said((0,))[0], layer=1).status == "undefined"


def test_lens_unfolds_into_one_readout_per_layer() -> None:
    record, _ = with_layers()
    names = [
        r.spec for r in unfold(load_readouts(["first", "lens", "lens(join=max)", "lens(layer=2)"]), record)
    ]
    assert names == [
        "first",
        *(f"lens(layer={n})" for n in (1, 2, 3)),
        *(f"lens(layer={n}, join=max)" for n in (1, 2, 3)),
        "lens(layer=2)",
    ]
    assert load_readout("lens(layer=2, join=max)").spec in names
    assert unfold(load_readouts(["lens"]), said((0,))[0])[0].name == "lens"


def test_final_is_a_softmax_over_the_raw_logits_where_a_label_was_last_written() -> None:
    rng = np.random.default_rng(5)
    full = rng.standard_normal((4, 12)) + 10.0
    label_tokens = label_tokens_of([(1,), (4,), (7,)], [0, 1, 2])
    record = with_logits(full, label_tokens, 3)
    record = change(record, {"reply.token_ids": (4, 0, 7, 11)})
    for spec, step in (("final", 2), ("final(step=last)", 3)):
        z = np.exp(full[step, [1, 4, 7]])
        np.testing.assert_allclose(load_readout(spec)(record).distribution, z / z.sum(), rtol=1e-5)


def test_final_needs_a_label_that_is_written() -> None:
    full = np.zeros((2, 12))
    record = with_logits(full, label_tokens_of([(1,), (4,)], [0, 1]), 2)
    assert load_readout("final")(record).status == "undefined"
    assert load_readout("final(step=last)")(record).distribution is not None
