"""Readings of a server's list: the truth lies between the bounds, and no share is told that is not known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ambivox.models.openai.logprobs import Step, listed_values
from ambivox.readouts import Reading, load_readout
from ambivox.readouts.reading import BOUNDS_MATTER
from ambivox.record import Record
from tests.readouts.made_up_records import label_tokens_of, with_logits

VOCABULARY = 40
# label 0 by two tokens, label 1 by one, label 2 by three
LABEL_TOKENS = label_tokens_of([(1,), (7,), (4,), (0,), (9,), (30,)], [0, 0, 1, 2, 2, 2])
READ = ("first", "final", "first(join=max)", "mean", "answer", "mean(over=label-tokens)", "sequence")


def as_listed(full: NDArray[np.float64], n_listed: int) -> Record:
    """A record as a server makes it that lists its most probable tokens."""
    logp = full - np.logaddexp.reduce(full, axis=1, keepdims=True)
    steps = []
    for row in logp:
        top = np.argsort(-row)[:n_listed]
        steps.append(Step(int(top[0]), "", {int(i): float(row[i]) for i in top}, {}, float(row[top[-1]])))
    found = listed_values(steps, LABEL_TOKENS.token_ids)
    exact = truth(full)
    assert exact.reply is not None
    firsts = [LABEL_TOKENS.token_ids.index(s[0]) for s in LABEL_TOKENS.sequences]
    reply = replace(
        exact.reply,
        token_ids=tuple(step.token for step in steps),
        token_logits=found.token_logits,
        logsumexp=np.zeros(len(full), np.float32),
        bounded=found.bounded,
        unlisted_logp=found.unlisted_logp,
        sequence_logp=found.token_logits[0, firsts].astype(np.float64),
        sequence_bounded=found.bounded[0, firsts],
    )
    return replace(exact, reply=reply)


def truth(full: NDArray[np.float64]) -> Record:
    logp = full - np.logaddexp.reduce(full, axis=1, keepdims=True)
    record = with_logits(full, LABEL_TOKENS, 3, logp[0, [s[0] for s in LABEL_TOKENS.sequences]])
    assert record.reply is not None
    return replace(record, reply=replace(record.reply, token_ids=tuple(full.argmax(axis=1).tolist())))


def read(name: str, record: Record) -> Reading:
    return load_readout(name)(record)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_listed=st.integers(1, 39),
    scale=st.floats(0.1, 8),
    name=st.sampled_from(READ),
)
def test_the_truth_lies_between_the_bounds(seed: int, n_listed: int, scale: float, name: str) -> None:
    full = scale * np.random.default_rng(seed).standard_normal((3, VOCABULARY))
    exact, reading = read(name, truth(full)), read(name, as_listed(full, n_listed))
    if exact.distribution is None:  # no label was written
        assert reading.distribution is None
        return
    if reading.lower is None or reading.upper is None:
        assert reading.distribution is not None
        np.testing.assert_allclose(reading.distribution, exact.distribution, atol=1e-5)
        return
    assert reading.status == "bounded"
    assert (reading.lower <= exact.distribution + 1e-5).all()
    assert (reading.upper >= exact.distribution - 1e-5).all()
    told = (reading.upper - reading.lower).max() <= BOUNDS_MATTER
    assert (reading.distribution is not None) == told
    if reading.distribution is not None:
        assert np.abs(reading.distribution - exact.distribution).max() <= BOUNDS_MATTER + 1e-5
        assert (reading.distribution > 0).all()
    assert reading.mass is None or exact.mass is None or reading.mass <= exact.mass + 1e-5


def almost_all_listed() -> NDArray[np.float64]:
    full = np.full((1, VOCABULARY), -20.0)
    full[0, [1, 4]] = [2.0, 1.0]
    return full


def test_a_label_that_is_not_listed_has_a_share_above_zero() -> None:
    reading = read("first", as_listed(almost_all_listed(), 5))
    assert reading.status == "bounded"
    assert reading.distribution is not None
    assert 0 < reading.distribution[2] < 1e-4
    assert reading.distribution.sum() == pytest.approx(1)


def test_where_much_is_not_listed_there_is_no_distribution() -> None:
    full = np.zeros((1, VOCABULARY))
    full[0, 5] = 1.0
    reading = read("first", as_listed(full, 3))
    assert (reading.status, reading.distribution) == ("bounded", None)
    assert "a share may be off by" in reading.note


@pytest.mark.parametrize("value", ["logit", "log-probability"])
def test_a_mean_of_logarithms_has_no_least_value_for_what_is_not_listed(value: str) -> None:
    reading = read(f"mean(value={value}, normalise=softmax)", as_listed(almost_all_listed(), 5))
    assert (reading.status, reading.distribution) == ("undefined", None)


def test_a_list_that_holds_all_labels_is_read_as_exact() -> None:
    full = np.random.default_rng(3).standard_normal((2, VOCABULARY))
    full[:, [0, 1, 4, 7, 9, 30]] += 12
    for name in READ[:-1]:
        exact, listed = read(name, truth(full)), read(name, as_listed(full, 10))
        assert (exact.status, listed.status) == ("ok", "ok")
        np.testing.assert_allclose(listed.distribution, exact.distribution, atol=1e-6)  # type: ignore[arg-type]
