"""The command line as a whole: its commands in the order of ``--help``, and what becomes of errors."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import ambivox
from ambivox.cli import lists, model, study
from ambivox.cli.corpora import app as corpora_app
from ambivox.cli.output import say_error
from ambivox.errors import AmbivoxError

app = typer.Typer(
    name="ambivox",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """What emotions a voice carries when people themselves disagree about it."""
    if version:
        typer.echo(f"ambivox {ambivox.__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


for _command in (
    model.read,
    study.run,
    study.score,
    study.claims,
    study.report,
    model.check,
    model.train,
    lists.models,
    lists.prompts,
    lists.emotions,
    lists.readouts,
    lists.calibrations,
    lists.metrics,
):
    app.command()(_command)
app.add_typer(corpora_app, name="corpora")


def main() -> None:
    """Run the command line: one line for every error of the user's, exit code 2 (usage) or 1 (failure)."""
    try:
        code = app(standalone_mode=False)
    except AmbivoxError as error:
        say_error(error)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say_error("interrupted")
        code = 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; Python would complain at exit
        code = 1
    except Exception as error:
        # Typer's own errors (a missing argument, an unknown option); their class moved between its versions.
        if not hasattr(error, "format_message"):
            raise
        say_error(f"{error.format_message()} (see --help)")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
