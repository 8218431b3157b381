"""Thousands of answers of known truth, read right or refused; `benchmarks.answers_fuzz` takes a million."""

import random
from collections.abc import Callable

import pytest
from benchmarks.answer_grammar import KINDS, Case, make
from hypothesis import given, settings
from hypothesis import strategies as st

N_OF_EACH_KIND = 250


@settings(max_examples=300, derandomize=True)
@given(rng=st.randoms(use_true_random=False))
def test_no_answer_of_the_grammar_is_read_wrong(rng: random.Random) -> None:
    case = make(rng)
    reading = case.read()
    assert case.outcome(reading) != "wrong", (case, reading)


@pytest.mark.parametrize("kind", dict.fromkeys(KINDS), ids=lambda kind: kind.__name__)
def test_hundreds_of_answers_of_each_kind_are_read_right_and_few_are_lost(
    kind: Callable[[random.Random], Case],
) -> None:
    rng = random.Random(f"answers {kind.__name__}")
    cases = [kind(rng) for _ in range(N_OF_EACH_KIND)]
    outcomes = [case.outcome(case.read()) for case in cases]
    bad = [case for case, outcome in zip(cases, outcomes, strict=True) if outcome in ("wrong", "unsure")]
    assert not bad
    readable = [o for case, o in zip(cases, outcomes, strict=True) if case.truth is not None]
    if kind.__name__ != "cut_off":  # half a dictionary is lost with right
        assert readable.count("right") >= 0.95 * len(readable)


def test_the_grammar_holds_answers_that_have_none_and_that_have_one() -> None:
    cases = [make(random.Random(seed)) for seed in range(400)]
    assert 0.2 < sum(case.truth is None for case in cases) / len(cases) < 0.7
    assert {case.kind for case in cases} >= {
        "structure",
        "denial",
        "letters",
        "rankings",
        "Chinese",
        "reasoning",
    }


def test_a_wrong_reading_is_called_wrong() -> None:
    case = Case("made up", "word", make(random.Random(0)).emotions, "angry", None)
    assert case.outcome(case.read()) == "wrong"
