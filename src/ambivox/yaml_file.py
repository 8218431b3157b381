"""YAML files that users write, read strictly: a key given twice is an error, not a silent last word."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from ambivox.errors import UsageError, first_line


class _StrictLoader(yaml.SafeLoader):
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
        data = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
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
