"""The rules that every command keeps, read from the commands themselves."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

from ambivox import choices
from ambivox.cli.app import app
from tests.cli.conftest import Cli

ROOT: Any = typer.main.get_command(app)
CLOSED = {
    "--dtype": choices.Dtype,
    "--engine": choices.Engine,
    "--outside": choices.Outside,
    "--failed-as": choices.FailedAs,
    "--cluster": choices.Cluster,
    "--truth-method": choices.TruthMethod,
}
NAMES = {
    "--model",
    "--prompt",
    "--emotions",
    "--readout",
    "--convention",
    "--metric",
    "--calibration",
    "--corpus",
    "--token",
    "--columns",
    "--method",
}
"""Options that take a name of a registry, to which plug-ins may add."""
FREE = {
    "--address",
    "--channel",
    "--clip",
    "--device",
    "--development-speakers",
    "--gate",
    "--host",
    "--option",
    "--password-env",
    "--shard",
}
"""Options whose text only a corpus, a sound file or a machine can know, or that hold a number."""


def commands(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


def parameters() -> Iterator[tuple[str, Any]]:
    """Every option and argument of every command, with a name for the test."""
    for path, command in commands():
        for parameter in command.params:
            yield " ".join([*path, parameter.opts[0]]), parameter


PARAMETERS = dict(parameters())
OPTIONS = {name: one for name, one in PARAMETERS.items() if one.param_type_name == "option"}


def flag(parameter: Any) -> str:
    return str(next(name for name in parameter.opts if name.startswith("--")))


def test_the_walk_finds_every_command() -> None:
    assert {
        "read", "track", "app", "run", "score", "claims", "report", "figures", "export", "check", "finetune",
        "models", "prompts", "emotions", "readouts", "calibrations", "metrics", "corpora", "corpora inspect",
        "corpora check",
    } <= {" ".join(path) for path, _ in commands()}  # fmt: skip


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_h_prints_the_help(call_cli: Cli, path: tuple[str, ...]) -> None:
    code, out, err = call_cli(*path, "-h")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: {' '.join(('ambivox', *path))} [OPTIONS]")
    assert "-h, --help" in out


@pytest.mark.parametrize("path", [path for path, _ in commands() if path], ids=" ".join)
def test_the_list_of_commands_shows_each_summary_whole(path: tuple[str, ...]) -> None:
    summary = dict(commands())[path].get_short_help_str(limit=60)
    assert summary.endswith(".")
    assert not summary.endswith("...")


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_option_and_argument_is_documented(name: str) -> None:
    assert PARAMETERS[name].help
    assert PARAMETERS[name].help.endswith(".")


def completed(parameter: Any, incomplete: str = "") -> list[str]:
    """What a shell offers for an option."""
    context = typer.Context(ROOT, info_name="ambivox")
    return [item.value for item in parameter.shell_complete(context, incomplete)]


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if flag(option) in CLOSED])
def test_help_and_completion_list_a_closed_choice(call_cli: Cli, name: str) -> None:
    choices = get_args(CLOSED[flag(OPTIONS[name])])
    assert tuple(completed(OPTIONS[name])) == choices
    _, out, _ = call_cli(*name.split()[:-1], "-h")
    assert "|".join(choices) in "".join(out.split())


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if flag(option) in NAMES])
def test_a_name_of_a_registry_is_completed(name: str) -> None:
    found = completed(OPTIONS[name])
    assert len(found) > 2
    start = found[0][:2]
    assert completed(OPTIONS[name], start) == [value for value in found if value.startswith(start)]


@pytest.mark.parametrize("name", OPTIONS)
def test_no_option_takes_any_text_where_only_some_is_meant(name: str) -> None:
    path, option = name.split()[:-1], OPTIONS[name]
    command = next(command for words, command in commands() if list(words) == path)
    hints = get_type_hints(inspect.unwrap(command.callback))
    takes_text = option.name in hints and hints[option.name] in (str, str | None, list[str] | None)
    assert not takes_text or flag(option) in NAMES | FREE


def test_a_flag_means_one_thing_wherever_it_stands() -> None:
    helps: dict[str, set[tuple[str, ...]]] = {}
    # The kind of thing is the same in these, too: a file that is written, a metric, an emotion set.
    for option in OPTIONS.values():
        if flag(option) not in ("--out", "--metric", "--emotions"):
            helps.setdefault(flag(option), set()).add((option.help, *sorted(option.opts)))
    assert {name: said for name, said in helps.items() if len(said) > 1} == {}


def test_outputs_are_o_everywhere() -> None:
    outputs = [option for option in OPTIONS.values() if "out" in flag(option).split("-")]
    assert len(outputs) >= 4
    assert all(sorted(option.opts) == ["--out", "-o"] for option in outputs)


@pytest.mark.parametrize(
    "words",
    [("ambivox", "sc"), ("ambivox", "score", "--failed-as", "u"), ("ambivox", "read", "--prompt", "lett")],
)
def test_a_shell_completes_commands_choices_and_names(words: tuple[str, ...]) -> None:
    wanted = {"sc": "score", "u": "uniform", "lett": "letter"}[words[-1]]
    environment = {
        "_AMBIVOX_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ambivox"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [wanted]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(
    call_cli: Cli, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    monkeypatch.setattr("tests.cli.conftest.built", typer.main.get_command)  # it is looked at while building
    code, out, _ = call_cli("--show-completion", shell)
    assert code == 0
    assert "_AMBIVOX_COMPLETE" in out
