"""The commands ``ambivox corpora``, ``ambivox corpora inspect`` and ``ambivox corpora check``."""

from __future__ import annotations

import inspect as python_inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from ambivox.choices import TruthMethod
from ambivox.cli.output import JsonOption, console, errors, print_json, show_list
from ambivox.errors import UsageError, unknown_name

app = typer.Typer(rich_markup_mode=None)

PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The corpus's folder, or a manifest.")]
CorpusOption = Annotated[
    str | None, typer.Option("--corpus", help="Which corpus it is; told by its layout otherwise.")
]
OptionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option", help="An option of its loader: labels=self, columns.rater=worker; may be repeated."
    ),
]


@app.callback(invoke_without_command=True)
def corpora(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the corpus loaders; inspect or check a corpus."""
    if context.invoked_subcommand is None:
        from ambivox.corpora import CORPORA

        rows = [(name, CORPORA[name].description) for name in CORPORA]
        show_list(("corpus", "what it reads"), rows, as_json)


@app.command()
def inspect(
    path: PathArgument,
    corpus: CorpusOption = None,
    option: OptionOption = None,
    emotions: Annotated[
        str | None, typer.Option("--emotions", "-e", help="An emotion set; all labels that occur otherwise.")
    ] = None,
    truth: Annotated[
        str, typer.Option(help="Truth from raters: shares, dirichlet, dawid-skene or mace.")
    ] = "shares",
    table: Annotated[
        Path | None, typer.Option(help="Write votes, entropy, standard errors and truth of each utterance.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a page with pictures.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a corpus holds, how its raters disagree, and what each option would keep."""
    from ambivox.emotions import load_emotions
    from ambivox.inspection import default_emotions, inspect_corpus, utterance_table, write_table
    from ambivox.present.text.inspection import show_inspection
    from ambivox.raters.truth import TRUTH_METHODS

    if truth not in TRUTH_METHODS:
        raise unknown_name("method of truth", truth, TRUTH_METHODS)
    method: TruthMethod = truth
    chosen = None if emotions is None else load_emotions(emotions)
    loaded = _load(path, corpus, option or [])
    chosen = chosen or default_emotions(loaded.utterances)
    found = inspect_corpus(loaded, emotions=chosen, truth=method)
    if table is not None:
        if chosen is None or found.votes is None:
            raise UsageError(f"{path}: no votes, so there is not a table of them to write")
        errors.print(f"wrote {write_table(utterance_table(loaded, chosen, method), table)}", highlight=False)
    if out is not None:
        from ambivox.present.html.corpus_page import write_corpus_page

        errors.print(f"wrote {write_corpus_page(found, out)}", highlight=False)
    if as_json:
        print_json(found.to_dict())
    elif out is None and table is None:
        show_inspection(console, found)


@app.command()
def check(
    path: PathArgument,
    corpus: CorpusOption = None,
    option: OptionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a copy of a corpus: audio there and plausible, labels for every clip, and what to fix."""
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
    name: Annotated[
        str | None, typer.Argument(metavar="[FORMAT]", help="votes, ratings, lists, shares, labels, ...")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the example to a file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the columns of a table of your own, with an example to begin from."""
    from ambivox.corpora.templates import TEMPLATES
    from ambivox.run.folder import write_text

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
        errors.print(f"wrote {out}", highlight=False)
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
    except yaml.YAMLError:
        return key, value
    # A release such as 1.10 is a name, not a number.
    return key, value if isinstance(parsed, float | int) and not isinstance(parsed, bool) else parsed
