"""The reference pages, written from the code before every build: none of them can be out of date."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from sphinx.application import Sphinx
from typer.cli import get_docs_for_click

import ambivox
from ambivox.cli.app import app as command_line
from ambivox.columns import arrow_type, axes_of, field_types, without_none
from ambivox.emotions import emotion_sets, load_emotions
from ambivox.finetuning.config import FinetuneConfig
from ambivox.prompts import PROMPTS, load_prompt
from ambivox.record import SCHEMA_VERSION, Record
from ambivox.run import Study


def api() -> str:
    """Every public name with its docstring."""
    lines = [
        "# Python",
        "",
        "`import ambivox` offers these names, and imports each when it is first used.",
        "",
    ]
    for name in sorted(set(ambivox.__all__) - {"__version__"}):
        kind = "autoclass" if inspect.isclass(getattr(ambivox, name)) else "autofunction"
        options = ["   :members:", "   :exclude-members: model_config"] if kind == "autoclass" else []
        lines += ["", f"## {name}", "", "```{eval-rst}"]
        lines += [f".. {kind}:: ambivox.{name}", *options, "```"]
    return "\n".join(lines) + "\n"


def commands() -> str:
    """The help of every command."""
    command = typer.main.get_command(command_line)
    context = typer.Context(command, info_name="ambivox")  # type: ignore[arg-type]
    return get_docs_for_click(obj=command, ctx=context, name="ambivox", title="Command line")


def yaml_keys() -> str:
    """The keys of a study and of a fine-tuning, from the models that check them."""
    lines = [
        "# YAML files",
        "",
        "A key that is not listed here is an error, and so is a value of another kind.",
    ]
    lines += ["", "## A study", "", *_keys(Study), "", "## A fine-tuning", "", *_keys(FinetuneConfig)]
    return "\n".join(lines) + "\n"


def record() -> str:
    """Every field of a record, from the types that the Parquet schema is derived from."""
    lines = [
        "# The record",
        "",
        f"Version {SCHEMA_VERSION}. One row of Parquet for each request; `a.b` is a field of a struct.",
    ]
    lines += ["", "| field | what it is | kind | may be null |", "|---|---|---|---|"]
    for path, kind, optional, says in record_fields(Record):
        lines.append(f"| `{path}` | {says} | {kind} | {'yes' if optional else ''} |")
    return "\n".join(lines) + "\n"


def record_fields(cls: type, above: str = "") -> Iterator[tuple[str, str, bool, str]]:
    """Path, kind, whether it may be null, and text of each field; those of a struct follow it."""
    says = _field_docs(cls)
    for name, hint in field_types(cls).items():
        kind, optional = without_none(hint)
        path = f"{above}{name}"
        struct = isinstance(kind, type) and is_dataclass(kind)
        shape = f", shape ({', '.join(axes_of(kind))})" if axes_of(kind) else ""
        written = "struct" if struct else f"{arrow_type(hint)}{shape}"
        yield path, written.replace("<", "\\<"), optional, says[name]
        if struct:
            yield from record_fields(kind, f"{path}.")


def _field_docs(cls: type) -> dict[str, str]:
    """What a dataclass says of each of its fields: the text under it, or its line under `Args`."""
    body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    says: dict[str, str] = {}
    for field, text in pairwise(body.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            says[ast.unparse(field.target)] = str(text.value.value)
    listed = re.split(r"\n *Args:\n", inspect.getdoc(cls) or "")[1:]
    for names, text in re.findall(r"^    ([\w, ]+): ((?:.+\n?)(?:      +.+\n?)*)", "".join(listed), re.M):
        says |= {name.strip(): text for name in names.split(",")}
    return {name: " ".join(text.replace("|", "\\|").split()) for name, text in says.items()}


def prompts() -> str:
    """The exact wording of every prompt, rendered with four labels."""
    emotions = load_emotions("iemocap4")
    lines = ["# Prompts", "", "Each as a model is given it, for the emotion set `iemocap4` in its own order."]
    for name in PROMPTS:
        prompt = load_prompt(name)
        rendered = prompt.render(emotions, order=range(len(emotions)))
        facts = (
            f"Version {prompt.version}, format `{prompt.format}`, at most {rendered.max_new_tokens} tokens."
        )
        lines += ["", f"## {name}", "", f"{prompt.description} {facts}", "", "```text", rendered.text, "```"]
    lines += ["", "## Emotion sets", "", "| set | labels and their forms |", "|---|---|"]
    for name in emotion_sets():
        found = load_emotions(name)
        forms = "; ".join(", ".join(own) for own in found.forms)
        lines.append(f"| `{name}` | {forms} |")
    return "\n".join(lines) + "\n"


def _keys(model: type[BaseModel]) -> Iterator[str]:
    yield from ("| key | what it is | kind | default |", "|---|---|---|---|")
    for name, field in model.model_fields.items():
        usual = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        says = " ".join((field.description or "").split())
        yield f"| `{name}` | {says} | {_kind(field.annotation)} | {usual} |"
    for inner in _models(model):
        yield from ("", f"### {inner.__name__}", "", " ".join((inner.__doc__ or "").split()), "")
        yield from _keys(inner)


_KINDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    type(None): "null",
    Any: "anything",
}


def _kind(annotation: Any) -> str:
    """A type as a writer of YAML knows it."""
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        listed = [_kind(one) for one in arguments if one is not Ellipsis]
        return f"list of {listed[0]}" if Ellipsis in arguments else f"[{', '.join(listed)}]"
    if origin is dict:
        return "mapping"
    if origin in (Union, UnionType):
        return " or ".join(_kind(one) for one in arguments)
    return _KINDS.get(annotation) or annotation.__name__


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        return f"`{value.name}`" if hasattr(value, "name") else "as below"
    if isinstance(value, tuple):
        return ", ".join(_shown(one) for one in value) or "none"
    if isinstance(value, dict):
        return "none"
    return "null" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    seen: set[type[BaseModel]] = set()
    for field in model.model_fields.values():
        waiting = [field.annotation]
        while waiting:
            kind = waiting.pop()
            waiting += get_args(kind)
            if inspect.isclass(kind) and issubclass(kind, BaseModel) and kind not in seen:
                seen.add(kind)
                yield kind


def write(app: Sphinx) -> None:
    """Write the pages; one that has not changed keeps its time, so that Sphinx need not read it again."""
    folder = Path(app.srcdir) / "reference"
    pages = {"api": api, "cli": commands, "yaml": yaml_keys, "record": record, "prompts": prompts}
    for name, page in pages.items():
        path, text = folder / f"{name}.md", page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the reference whenever a build begins."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
