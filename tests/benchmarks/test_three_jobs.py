"""The page "Three jobs" asks only for what the command line has, and its output is put where it belongs."""

import shlex

import pytest
import typer
from benchmarks.three_jobs import PAGE, commands_of, filled

from ambivox.cli.app import app

COMMANDS = [line for line in commands_of(PAGE.read_text(encoding="utf-8")) if line.startswith("ambivox ")]


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_and_its_options_are_there(line: str) -> None:
    words = shlex.split(line.partition("|")[0])[1:]
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
    assert not getattr(command, "commands", {})
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_output_is_put_below_its_command_in_place_of_what_was_there() -> None:
    page = "text\n\n```console\n$ a\nold\n$ b\n```\n\n```text\n$ a\n```\n"
    once = filled(page, {"a": "1\n2", "b": ""})
    assert once == "text\n\n```console\n$ a\n1\n2\n$ b\n```\n\n```text\n$ a\n```\n"
    assert filled(once, {"a": "1\n2", "b": ""}) == once
