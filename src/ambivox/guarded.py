"""Functions of other packages: checked when registered, and called so that their mistakes cost one line."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ambivox.errors import AmbivoxError, first_line


class Guarded:
    """A function of another package; whatever it raises becomes one line that says which function and where.

    It can be sent to other processes if the function can: if it stands at the top of a module.

    Args:
        what: how to call it in an error ("metric 'gap'").
        function: what is called.
        finish: ``(result, *arguments)`` -> what is given in its place; raises ValueError where it is not what
            was promised.

    >>> Guarded("metric 'half'", lambda x: x / 2)(3)
    1.5
    """

    def __init__(
        self, what: str, function: Callable[..., Any], finish: Callable[..., Any] | None = None
    ) -> None:
        self.what, self.function, self.finish = what, function, finish
        functools.update_wrapper(self, function)  # options and help are read from signature and docstring

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the function.

        Raises:
            AmbivoxError: it raised something, or its result is not what was promised.
        """
        try:
            result = self.function(*args, **options)
            return result if self.finish is None else self.finish(result, *args)
        except AmbivoxError:
            raise
        except Exception as error:
            raise AmbivoxError(f"{self.what}: {fault_in(self.function, error)}") from error


def fault_in(function: Callable[..., Any], error: Exception) -> str:
    """What went wrong in a function, and in which line of its file.

    >>> def broken(): return {}["a"]
    >>> try: broken()
    ... except KeyError as error: print(fault_in(print, error))
    KeyError: 'a'
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    file = code.co_filename if code else None
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(str(file)).name}, line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {first_line(error)}{where}"


def check_function(item: object, *arguments: str) -> Callable[..., Any]:
    """The item, if it is a function that takes these arguments, with typed options by keyword if any.

    Raises:
        ValueError: it is not.

    >>> check_function("jsd", "p", "q")
    Traceback (most recent call last):
    ValueError: expected a function (p, q), not a str
    >>> check_function(lambda p: p, "p", "q")
    Traceback (most recent call last):
    ValueError: expected a function (p, q): too many positional arguments
    """
    wanted = f"expected a function ({', '.join(arguments)})"
    if not callable(item) or inspect.isclass(item):
        raise ValueError(f"{wanted}, not {a_(item)}")
    try:
        signature = inspect.signature(item, eval_str=True)
    except (ValueError, TypeError):  # some functions written in C do not tell
        return item
    except Exception as error:  # an annotation can be any expression
        raise ValueError(f"{wanted}; its annotations cannot be read: {first_line(error)}") from None
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise ValueError(f"{wanted}: {error}") from None
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.annotation is parameter.empty:
            raise ValueError(f"its option {name!r} has no type: write {name}: float = 1.0, or whatever it is")
    return item


def a_(item: object) -> str:
    """What an item is, for a message.

    >>> a_(3), a_(int)
    ('an int', 'a class')
    """
    name = "class" if inspect.isclass(item) else type(item).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a docstring, or where a function is from if it has none."""
    while isinstance(function, functools.partial):
        function = function.func
    line = (inspect.getdoc(function) or "").strip().partition("\n")[0]
    return line or f"from {getattr(function, '__module__', type(function).__module__)}"
