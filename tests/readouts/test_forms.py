"""How much of a distribution is the model's, and how much is made by the list of forms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.errors import UsageError
from ambivox.models import LabelTokens
from ambivox.readouts import load_readout
from ambivox.record import Record
from tests.readouts.made_up_records import label_tokens_of, with_logits

READOUTS = ("first", "mean", "answer", "sequence", "mean(value=log-probability, normalise=softmax)")
VOCABULARY = 12
OFFERED = label_tokens_of([(0,), (1,), (2,)], [0, 1, 2])
LISTED = replace(  # label 0 may be written in five ways, label 1 in two, label 2 in one
    label_tokens_of([(0,), (1,), (2,), (3,), (4,), (5,), (6,), (7,)], [0, 1, 2, 0, 0, 0, 0, 1]),
    offered=(True,) * 3 + (False,) * 5,
)


def answered(label_tokens: LabelTokens, logits: np.ndarray) -> Record:
    logp = logits[0] - np.logaddexp.reduce(logits[0])
    scored = np.array([logp[sequence[0]] for sequence in label_tokens.sequences])
    record = with_logits(logits, label_tokens, 3, scored)
    return replace(record, reply=replace(record.replied, token_ids=(2, 2)))


@pytest.mark.parametrize("spec", READOUTS)
@given(rng=st.integers(0, 2**32 - 1).map(np.random.default_rng))
def test_a_listed_form_moves_nothing_unless_it_is_asked_for(spec: str, rng: np.random.Generator) -> None:
    logits = rng.normal(size=(2, VOCABULARY))
    readout = load_readout(spec)
    alone, among = (readout(answered(tokens, logits)) for tokens in (OFFERED, LISTED))
    assert alone.distribution is not None
    assert among.distribution is not None
    np.testing.assert_allclose(among.distribution, alone.distribution, rtol=1e-6)
    assert among.mass == pytest.approx(alone.mass, rel=1e-6)


@pytest.mark.parametrize("spec", READOUTS[:4])
def test_with_equal_logits_no_label_is_favoured_but_by_a_list_of_all_forms(spec: str) -> None:
    even = answered(LISTED, np.zeros((2, VOCABULARY)))
    offered = load_readout(spec)(even)
    listed = load_readout(spec.replace(")", "") + "(forms=all)")(even)
    assert offered.distribution == pytest.approx([1 / 3] * 3)
    assert listed.distribution == pytest.approx([5 / 8, 2 / 8, 1 / 8], rel=1e-6)
    assert offered.forms_shift == listed.forms_shift == pytest.approx(5 / 8 - 1 / 3, rel=1e-6)


def test_nothing_hangs_on_a_list_of_one_form_each() -> None:
    reading = load_readout("first")(answered(OFFERED, np.arange(2.0 * VOCABULARY).reshape(2, -1)))
    assert reading.forms_shift == 0


def test_what_a_model_wrote_in_another_form_is_found_as_a_written_label() -> None:
    record = answered(LISTED, np.zeros((2, VOCABULARY)))
    record = replace(record, reply=replace(record.replied, token_ids=(11, 5)))
    assert load_readout("answer")(record).status == "ok"


def test_forms_that_there_are_not_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="forms='some'"):
        load_readout("first(forms=some)")
