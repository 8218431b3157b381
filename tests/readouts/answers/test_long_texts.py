"""The work of reading grows with the length of a text; `benchmarks.answers_fuzz` times it."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from benchmarks.long_texts import REPEATED, repeated

from ambivox.readouts import read_answer


def n_calls(work: Callable[[], Any]) -> int:
    """How many functions are called, in Python and in C."""
    n = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal n
        n += event in ("call", "c_call")

    gc.disable()  # others have callbacks there, whose calls are not this work's
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return n


@pytest.mark.parametrize(("piece", "asked"), REPEATED.values(), ids=REPEATED)
def test_the_steps_grow_with_the_length_and_not_with_its_square(piece: str, asked: Any) -> None:
    def steps(n_characters: int) -> int:
        text = repeated(piece, n_characters)
        return n_calls(lambda: read_answer(text, format=asked, emotions="iemocap4"))

    steps(2_500)  # what is made once, such as a pattern, is not counted
    assert steps(20_000) < 1.25 * 8 * steps(2_500) + 1_000


def test_steps_that_grow_with_the_square_are_seen() -> None:
    def squared(n: int) -> None:
        for k in range(n):
            [abs(other) for other in range(k)]

    assert n_calls(lambda: squared(80)) > 1.25 * 8 * n_calls(lambda: squared(10)) + 1_000
