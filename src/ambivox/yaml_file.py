"""YAML files that users write, read strictly: a key given twice is an error, not a silent last word."""

from __future__ import annotations

import stat
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from ambivox.errors import UsageError, first_line, unknown_name
from ambivox.location import is_stored, reached

MAX_BYTES = 2**20
"""A longer file is not one that a person wrote."""


class _StrictLoader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # a few nested ones make more nodes than fit into memory
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read: write it out", problem_mark=mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_mapping(path: Path, what: str) -> dict[Any, Any]:
    """Read a YAML file of keys and values.

    Args:
        path: the file.
        what: what the file describes ("a prompt"), for the error.

    Raises:
        UsageError: no such file, not YAML, a key given twice, or no mapping at its top.
    """
    try:
        data = yaml.load(_text_of(path), _StrictLoader)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; give {what} by name or as a YAML file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{path}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not YAML: {first_line(error)}") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path}: expected lines of 'key: value' that describe {what}")
    return data


def _text_of(path: Path) -> str:
    if is_stored(path):
        with reached(path):
            return path.read_text(encoding="utf-8")
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path}: is not a plain file; give a YAML file")
    if found.st_size > MAX_BYTES:
        raise UsageError(f"{path}: {found.st_size:,} bytes, at most {MAX_BYTES:,} are read")
    return path.read_text(encoding="utf-8")


Model = TypeVar("Model", bound=BaseModel)


def read_as(path: Path, what: str, model: type[Model]) -> Model:
    """Read a YAML file as a pydantic model.

    Args:
        path, what: as in `read_mapping`.
        model: what the file must hold; forbid extra keys there to have misspelt ones named.

    Raises:
        UsageError: as `read_mapping`, or a key or value that the model does not take (the first is named).
    """
    data = read_mapping(path, what)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, first["loc"][:-1])
        raise UsageError(f"{path}: {unknown_name(f'key at {where!r}', str(first['loc'][-1]), known)}")
    message = first["msg"].removeprefix("Value error, ")
    raise UsageError(f"{path}: {where}: {message[:1].lower()}{message[1:]}")


def _fields_at(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys that a model knows at a place inside it."""
    for part in place:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
