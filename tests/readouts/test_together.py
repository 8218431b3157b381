"""Many records read at once against each read by itself."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambivox.readouts import Reading, load_readout
from ambivox.readouts.together import mean_of_many
from ambivox.record import Record
from tests.readouts.made_up_records import label_tokens_of, record, with_logits

VOCABULARY = 9
FORMS = [(0,), (7, 2), (4,), (1,), (5, 6)]
PLAIN = label_tokens_of(FORMS, [0, 0, 1, 2, 2])
OFFERED_IN_PART = replace(PLAIN, offered=(True, False, True, True, False))
SHARED = label_tokens_of([(0,), (7, 2), (7, 3)], [0, 1, 2])
SPECS = [
    "first",
    "first(join=max)",
    "first(forms=all)",
    "answer",
    "mean(over=answer, value=logit)",
    "mean(over=label-tokens)",
    *(
        f"mean(value={value}, normalise={normalise}, join={join})"
        for value, normalise, join in product(
            ("logit", "probability", "log-probability"), ("sum", "softmax"), ("logsumexp", "max")
        )
    ),
]


def some_records(seed: int) -> list[Record]:
    """Plain ones, and between them each kind that is read by itself."""
    rng = np.random.default_rng(seed)
    records = []
    for label_tokens in (PLAIN, OFFERED_IN_PART, SHARED, PLAIN):
        for steps in (1, 4, 2):
            scale = float(rng.choice([0.1, 3, 40]))
            full = (scale * rng.standard_normal((steps, VOCABULARY)) + scale).astype(np.float32)
            tokens = tuple(map(int, rng.integers(0, VOCABULARY, steps)))
            one = with_logits(full.astype(np.float64), label_tokens, 3)
            records.append(replace(one, reply=replace(one.replied, token_ids=tokens)))
    broken = records[0].replied
    records.insert(2, replace(records[0], reply=None))
    records.insert(4, replace(records[0], reply=replace(broken, logsumexp=broken.logsumexp * np.nan)))
    records.insert(
        6,
        replace(
            records[0],
            reply=replace(broken, token_logits=broken.token_logits[:0], logsumexp=broken.logsumexp[:0]),
        ),
    )
    listed = np.zeros_like(broken.token_logits, dtype=bool)
    listed[0, 0] = True
    records.insert(
        8, replace(records[0], reply=replace(broken, bounded=listed, unlisted_logp=broken.logsumexp * 0 - 2))
    )
    return records


def numbers(reading: Reading) -> list[float]:
    p = [] if reading.distribution is None else list(reading.distribution)
    return [*p, reading.mass or 0.0, reading.forms_shift or 0.0]


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_many_records_are_read_as_each_by_itself(spec: str, seed: int) -> None:
    readout, records = load_readout(spec), some_records(seed)
    together, by_themselves = readout.read_many(records), [readout(one) for one in records]
    for one, other in zip(together, by_themselves, strict=True):
        assert (one.status, one.note) == (other.status, other.note)
        assert (one.distribution is None, one.mass is None) == (
            other.distribution is None,
            other.mass is None,
        )
        np.testing.assert_allclose(numbers(one), numbers(other), rtol=1e-9, atol=1e-12)


def test_plain_records_are_read_at_once_and_odd_ones_left_to_their_readout() -> None:
    found = mean_of_many(some_records(0))
    odd = {2, 4, 6, 8}
    shared = {n for n, one in enumerate(some_records(0)) if one.asked.label_tokens == SHARED}
    assert {n for n, one in enumerate(found) if one is None} == odd | shared


def test_a_silent_record_among_many_keeps_its_status() -> None:
    silent = replace(record(""), reply=None)
    assert load_readout("first").read_many([silent])[0].status == "failed"
