"""Calling the command line as a shell does."""

import sys
from collections.abc import Callable

import pytest

from ambivox import cli

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command: ``call_cli("read", "x.wav") -> (exit code, stdout, stderr)``."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ambivox", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        code = exit_.value.code
        return code if isinstance(code, int) else 0, out, err

    return call


@pytest.fixture(autouse=True, scope="module")
def _few_noise_draws(few_noise_draws: None) -> None:
    """The noise ceiling has tests of its own in `tests/statistics`."""
