"""Calling the command line as a shell does."""

import functools
import sys
from collections.abc import Callable

import pytest
import typer.main

from ambivox import cli

built = functools.cache(typer.main.get_command)
"""The commands behind an app: a process builds them once, and so does a process of many calls."""

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command: ``call_cli("read", "x.wav") -> (exit code, stdout, stderr)``."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ambivox", *arguments])
        monkeypatch.setattr(typer.main, "get_command", built)
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        code = exit_.value.code
        return code if isinstance(code, int) else 0, out, err

    return call


@pytest.fixture(autouse=True, scope="module")
def _few_noise_draws(few_noise_draws: None) -> None:
    """The noise ceiling has tests of its own in `tests/statistics`."""
