"""``ambivox app``: mistakes are one line before anything is loaded or served."""

import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ambivox.cli.app import app
from ambivox.errors import UsageError


def mistake(*arguments: str) -> str:
    """The error of a command that does not get as far as serving."""
    done = CliRunner().invoke(app, ["app", *arguments])
    assert isinstance(done.exception, UsageError)
    return str(done.exception)


def test_others_are_let_in_with_a_password_only() -> None:
    assert mistake("--host", "0.0.0.0").startswith("--host 0.0.0.0: others can reach it")


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOBODY_SET_THIS", raising=False)
    said = mistake("--host", "0.0.0.0", "--password-env", "NOBODY_SET_THIS")
    assert said.startswith("--password-env NOBODY_SET_THIS: there is no password")
    monkeypatch.setenv("NOBODY_SET_THIS", "short")
    assert "short" not in mistake("--password-env", "NOBODY_SET_THIS").replace("shorter", "")


def test_an_unknown_run_is_told_at_once(tmp_path: Path) -> None:
    assert mistake(str(tmp_path)) == f"{tmp_path}: no run here; give the folder that 'ambivox run' wrote"


def test_an_unknown_model_is_told_at_once() -> None:
    assert mistake("--model", "minni").startswith("unknown model 'minni': did you mean 'mini'?")


def test_without_gradio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert mistake("--port", "0") == "this needs the extra 'app': pip install 'ambivox[app]'"


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert mistake("--port", str(port)).startswith(
            f"127.0.0.1:{port}: cannot be had (Address already in use)"
        )
