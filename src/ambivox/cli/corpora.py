"""The commands ``ambivox corpora``, ``ambivox corpora inspect`` and ``ambivox corpora check``."""

from __future__ import annotations

import inspect as python_inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from ambivox.cli.options import (
    AnyEmotionsOption,
    AudioOption,
    CorpusOption,
    CorpusOptionsOption,
    CorpusPathArgument,
    JsonOption,
    TemplateArgument,
    TruthMethodOption,
)
from ambivox.cli.output import console, print_json, say, show_list
from ambivox.errors import UsageError, unknown_name

app = typer.Typer(rich_markup_mode=None)

_PAGE, _TABLES = ".html", (".csv", ".parquet")


@app.callback(invoke_without_command=True)
def corpora(context: typer.Context, as_json: JsonOption = False) -> None:
    """List corpora; inspect or check one."""
    if context.invoked_subcommand is None:
        from ambivox.corpora import CORPORA

        rows = [(name, CORPORA[name].description) for name in CORPORA]
        show_list(("corpus", "what it reads"), rows, as_json)


@app.command()
def inspect(
    path: CorpusPathArgument,
    corpus: CorpusOption = None,
    option: CorpusOptionsOption = None,
    emotions: AnyEmotionsOption = None,
    truth_method: TruthMethodOption = "shares",
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write a page (.html) or a table of the utterances (.csv, .parquet); may be repeated.",
        ),
    ] = None,
    audio: AudioOption = "link",
    as_json: JsonOption = False,
) -> None:
    """Show what a corpus holds.

    Clips, speakers, how the raters disagree, and what each option would keep.
    """
    from ambivox.emotions import load_emotions
    from ambivox.inspection import default_emotions, inspect_corpus, utterance_table
    from ambivox.present.text.inspection import show_inspection
    from ambivox.table_file import write_table

    for file in out or ():
        if file.suffix not in (_PAGE, *_TABLES):
            raise UsageError(f"{file}: end the name in .html for a page, or in .csv or .parquet for a table")
    chosen = None if emotions is None else load_emotions(emotions)
    loaded = _load(path, corpus, option or [])
    chosen = chosen or default_emotions(loaded.utterances)
    found = inspect_corpus(loaded, emotions=chosen, truth_method=truth_method)
    for file in out or ():
        if file.suffix == _PAGE:
            from ambivox.present.html.corpus_page import write_corpus_page

            written = write_corpus_page(found, loaded, file, emotions=chosen, audio=audio)
        elif chosen is None or found.votes is None:
            raise UsageError(f"{path}: there are no votes, so there is no table of them to write")
        else:
            written = write_table(utterance_table(loaded, chosen, truth_method), file)
        say(f"wrote {written}")
    if as_json:
        print_json(found.to_dict())
    elif not out:
        show_inspection(console, found)


@app.command()
def check(
    path: CorpusPathArgument,
    corpus: CorpusOption = None,
    option: CorpusOptionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a copy of a corpus is whole.

    Is the audio there and plausible, and is there a label for every clip? If not, what is to fix?
    """
    from dataclasses import asdict

    from ambivox.inspection import check_corpus
    from ambivox.present.text.inspection import show_checks

    loaded = _load(path, corpus, option or [])
    checks = check_corpus(loaded)
    if as_json:
        print_json({"corpus": loaded.name, "path": str(path), "checks": [asdict(c) for c in checks]})
    else:
        show_checks(console, checks)
    if not all(c.passed for c in checks):
        raise typer.Exit(1)


@app.command()
def template(
    name: TemplateArgument = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the example to a file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the columns of a table of your own.

    With an example to begin from.
    """
    from ambivox.corpora.templates import TEMPLATES
    from ambivox.write_aside import write_text

    if name is None:
        rows: list[tuple[Any, ...]] = [(key, found.description) for key, found in TEMPLATES.items()]
        show_list(("format", "when"), rows, as_json)
        return
    if name not in TEMPLATES:
        raise unknown_name("format", name, TEMPLATES)
    found = TEMPLATES[name]
    if out is not None:
        if out.exists():
            raise UsageError(f"{out}: exists already: choose another file")
        write_text(out, found.example)
        say(f"wrote {out}")
    elif as_json:
        print_json({"format": name, "columns": found.columns, "example": found.example})
    else:
        show_list(("column", "what it holds"), list(found.columns.items()), False)
        typer.echo(f"\n{found.example}", nl=False)


def _load(path: Path, name: str | None, options: list[str]) -> Any:
    """The corpus with all of its clips, also those whose audio is not there."""
    from ambivox.corpora import CORPORA, load_corpus
    from ambivox.corpora.guess import guess_corpus

    name = name or guess_corpus(path)
    given = _options(options)
    if "require_audio" in python_inspect.signature(CORPORA[name].load).parameters:
        given = {"require_audio": False} | given
    return load_corpus(name, path, **given)


def _options(texts: list[str]) -> dict[str, Any]:
    """Options by name; ``columns.rater=worker`` is a key of the option ``columns``."""
    given: dict[str, Any] = {}
    for text in texts:
        key, value = _option(text)
        name, dot, inner = key.partition(".")
        if not dot:
            given[name] = value
            continue
        into = given.setdefault(name, {})
        if not isinstance(into, dict):
            raise UsageError(f"--option {text!r}: {name} has a value already")
        into[inner] = text.partition("=")[2]
    return given


def _option(text: str) -> tuple[str, Any]:
    import yaml

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--option {text!r}: write NAME=VALUE, for example labels=self")
    try:
        parsed = yaml.safe_load(value)
    except (yaml.YAMLError, RecursionError):
        return key, value
    # A release such as 1.10 is a name, not a number.
    return key, value if isinstance(parsed, float | int) and not isinstance(parsed, bool) else parsed
