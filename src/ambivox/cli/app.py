"""The command line as a whole: its commands in the order of ``--help``, and what becomes of errors."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Annotated

import typer

import ambivox
from ambivox.cli import lists, model, pages, results, serve, study
from ambivox.cli.corpora import app as corpora_app
from ambivox.cli.output import discard, say_error, warn, write_anything
from ambivox.errors import AmbivoxError

app = typer.Typer(
    name="ambivox",
    context_settings={"help_option_names": ["-h", "--help"]},
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
    model.track,
    serve.app,
    study.run,
    study.merge,
    results.score,
    results.claims,
    pages.report,
    pages.figures,
    results.export,
    model.calibrate,
    model.check,
    model.finetune,
    lists.models,
    lists.prompts,
    lists.emotions,
    lists.readouts,
    lists.calibrations,
    lists.metrics,
):
    app.command()(_command)
app.add_typer(corpora_app, name="corpora")


class _OneLine(logging.Handler):
    """Says what the package logs, as commands say everything."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        warn(record.getMessage())


_WARNINGS = _OneLine(logging.WARNING)

_INTERRUPTED = 130
"""What Typer makes of Ctrl-C, without a word."""


def main() -> None:
    """Run the command line: a line for every error and warning; exit code 2 (usage) or 1 (failure)."""
    write_anything(sys.stdout, sys.stderr)
    logging.getLogger("ambivox").addHandler(_WARNINGS)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: warn(message)
            code = app(prog_name="ambivox", standalone_mode=False)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        sys.stdout.flush()
    except AmbivoxError as error:
        say_error(error)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say_error("interrupted")
        code = 1
    except BrokenPipeError:
        discard(sys.stdout)  # its reader went away; Python would complain at exit
        code = 1
    except OSError as error:
        where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the output"
        say_error(f"{where}: {error.strerror or error}")
        discard(sys.stdout)
        code = 1
    except Exception as error:
        # Typer's own errors (a missing argument, an unknown option); their class moved between its versions.
        if not hasattr(error, "format_message"):
            raise
        say_error(f"{error.format_message()} (see --help)")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
