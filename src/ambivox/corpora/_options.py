"""Checking options that come from a study or the command line, by the signature they go to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ambivox.errors import UsageError, unknown_name


def check_options(what: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that a function has no keyword for, or a value of the wrong kind.

    Args:
        what: whose options they are, for the message ("corpus 'crema-d'").
    """
    parameters = inspect.signature(function, eval_str=True).parameters
    known = {name: p.annotation for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    for option, value in options.items():
        if option not in known:
            raise unknown_name(f"option of the {what}", option, known)
        try:
            TypeAdapter(known[option]).validate_python(value, strict=True)
        except ValidationError as error:
            fault = error.errors()[0]["msg"].replace("Input should be", "expected")
            raise UsageError(f"{what}, option {option!r}: {fault}, not {value!r}") from None
