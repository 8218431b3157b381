"""A limit on the steps of a chat template, which is a program that comes with a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ambivox.errors import AmbivoxError

MAX_STEPS = 1_000_000
"""Templates of the hub take a few hundred steps for a message; the sandbox alone allows loops in loops."""

_TEMPLATE = "<template>"
"""What Jinja calls the code of a template that came as text."""


@contextmanager
def step_limit(name: str, most: int = MAX_STEPS) -> Iterator[None]:
    """Stop templates that run inside after so many steps (lines of what Jinja made of them).

    Args:
        name: of the model, for the error.
        most: steps, of all templates together.

    Raises:
        AmbivoxError: they took more.
    """
    taken = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal taken
        if frame.f_code.co_filename != _TEMPLATE:
            return None
        taken += 1
        if taken > most:
            raise AmbivoxError(f"{name}: its chat template does not end after {most:,} steps: take another")
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)
