"""Answers read as a published pipeline reads them, against its own few lines."""

import ast
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.errors import UsageError
from ambivox.readouts import load_readout
from tests.readouts.made_up_records import record

LABELS = ("neutral", "happy", "angry", "sad")
READ = load_readout("dictionary(parser=aer-llm)")


def as_published(text: str) -> list[float] | None:
    """The steps that are described in the module, written down on their own."""
    match = re.search(r"\{.*\}", text.strip())
    try:
        given_shares = ast.literal_eval(match.group(0) if match else text.strip())
        return [given_shares[label] for label in LABELS]
    except (ValueError, SyntaxError, KeyError, TypeError):
        return None


keys = st.sampled_from([*LABELS, "Happy", "anger", "surprise"])
numbers = st.sampled_from([0, 0.1, 0.25, 0.5, 1, 40])


@given(
    pairs=st.lists(st.tuples(keys, numbers), min_size=3, max_size=7),
    around=st.sampled_from(["", "```json\n{}\n```", "I think {} fits."]),
    apart=st.sampled_from([", ", ",\n"]),
)
def test_it_reads_and_fails_as_the_published_steps_do(
    pairs: list[tuple[str, float]], around: str, apart: str
) -> None:
    written = "{" + apart.join(f'"{key}": {number}' for key, number in pairs) + "}"
    text = around.replace("{}", written) if around else written
    expected, reading = as_published(text), READ(record(text, format="dictionary"))
    if expected is None or not sum(expected):
        assert (reading.status, reading.distribution) == ("unparsed", None)
    else:
        assert reading.distribution is not None
        np.testing.assert_allclose(reading.distribution, np.array(expected) / sum(expected))
        assert (reading.status == "ok") == (abs(sum(expected) - 1) <= 0.02)


def test_it_fails_where_the_usual_readout_reads_a_missing_label_and_another_case() -> None:
    for text in ('{"neutral": 0.5, "happy": 0.5}', '{"Neutral": 0.5, "Happy": 0.5, "Angry": 0, "Sad": 0}'):
        asked = record(text, format="dictionary")
        assert load_readout("dictionary")(asked).distribution is not None
        assert READ(asked).status == "unparsed"


@pytest.mark.parametrize(
    "text", ["", "{", "{'neutral': 'x'}", "{" * 20_000, '{"neutral": NaN}', "{[]: 1}", "-" * 9999]
)
def test_what_is_no_dictionary_of_numbers_is_unparsed(text: str) -> None:
    assert READ(record(text, format="dictionary")).status == "unparsed"


def test_another_parser_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="parser='mine'"):
        load_readout("dictionary(parser=mine)")
