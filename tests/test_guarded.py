"""Functions of other packages: what they may be, and what becomes of their mistakes."""

import functools
import inspect
import pickle

import pytest

from ambivox.errors import AmbivoxError, UsageError
from ambivox.guarded import Guarded, check_function


def half(x: float, *, power: int = 1) -> float:
    """Half of a number."""
    return 1 / (2 * x) ** power


def refuses(x: float) -> float:
    raise UsageError("not today")


def test_an_exception_becomes_one_line_with_function_and_place() -> None:
    line = inspect.getsourcelines(half)[1] + 2
    with pytest.raises(AmbivoxError) as error:
        Guarded("metric 'half'", half)(0)
    assert str(error.value).startswith("metric 'half': ZeroDivisionError: ")
    assert str(error.value).endswith(f"(test_guarded.py, line {line})")


def test_a_result_that_was_not_promised_is_an_error() -> None:
    def small(result: float, x: float) -> float:
        if result > 1:
            raise ValueError(f"{result} is above 1")
        return round(result, 1)

    guarded = Guarded("metric 'half'", half, small)
    assert guarded(3) == 0.2
    with pytest.raises(AmbivoxError, match=r"metric 'half': ValueError: 2\.0 is above 1"):
        guarded(0.25)


def test_errors_of_our_own_pass_as_they_are() -> None:
    with pytest.raises(UsageError, match=r"^not today$"):
        Guarded("metric 'x'", refuses)(1)


def test_signature_and_docstring_show_through() -> None:
    guarded = Guarded("metric 'half'", half)
    assert inspect.signature(guarded) == inspect.signature(half)
    assert inspect.getdoc(guarded) == "Half of a number."


def test_it_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Guarded("metric 'half'", half)))(1, power=2) == 0.25


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (4, r"expected a function \(p, q\), not an int"),
        (dict, r"expected a function \(p, q\), not a class"),
        (lambda p: p, r"expected a function \(p, q\): too many positional arguments"),
        (lambda p, q, r: p, r"expected a function \(p, q\): missing a required argument: 'r'"),
        (lambda p, q, *, k: p, r"expected a function \(p, q\): missing a required"),
        (lambda p, q, *, k=1: p, "its option 'k' has no type: write k: float = 1.0"),
    ],
)
def test_what_is_not_such_a_function_is_refused(item: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_function(item, "p", "q")


def test_an_annotation_that_means_nothing_is_refused() -> None:
    def metric(p, q, *, k: "no_such_type" = 1):  # type: ignore  # noqa: F821
        return p

    with pytest.raises(ValueError, match="its annotations cannot be read: name 'no_such_type'"):
        check_function(metric, "p", "q")


def test_a_partial_is_a_function() -> None:
    assert check_function(functools.partial(half, power=2), "x")
