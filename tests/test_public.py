"""What `import ambivox` offers, and what it costs."""

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import ambivox

SOURCE = Path(ambivox.__file__)


def in_a_new_python(code: str) -> str:
    """What a program prints when nothing was imported before it."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ambivox.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(ambivox, name)
    assert value.__doc__
    if name != "__version__":
        assert value.__name__ == name


def test_every_module_can_be_imported_without_a_warning() -> None:
    imported = set()
    for module in pkgutil.walk_packages(ambivox.__path__, "ambivox."):
        if module.name != "ambivox.__main__":  # which is the program
            try:
                imported.add(importlib.import_module(module.name).__name__)
            except ModuleNotFoundError as error:  # of an extra that is not installed
                if str(error.name).startswith("ambivox"):
                    raise
    assert {"ambivox.scoring.rows", "ambivox.models.bundled.engine"} <= imported


def test_type_checkers_see_the_names_that_programs_see() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(ambivox.__all__) == {*homes, "__version__"}
    for name, home in homes.items():
        assert getattr(ambivox, name) is getattr(importlib.import_module(str(home)), name)


def test_dir_lists_the_public_names() -> None:
    listed = json.loads(in_a_new_python("import ambivox, json; print(json.dumps(dir(ambivox)))"))
    assert listed == sorted(ambivox.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'ambivox' has no attribute 'scores'"):
        ambivox.scores  # noqa: B018


def test_no_public_name_is_shadowed_by_a_folder() -> None:
    folders = {module.name for module in pkgutil.iter_modules([str(SOURCE.parent)])}
    assert not folders & set(ambivox.__all__)


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What a program prints that uses every public name, and then imports what has nearly the same name."""
    return in_a_new_python(
        "import sys, ambivox\n"
        "for name in ambivox.__all__: getattr(ambivox, name)\n"
        "print(*sorted({'torch', 'transformers', 'matplotlib', 'pandas'} & set(sys.modules)))\n"
        "import ambivox.field_claims.tested, ambivox.finetuning.config, ambivox.scoring.score_run\n"
        "import ambivox.cli.app\n"
        "print(*(type(f).__name__ for f in (ambivox.claims, ambivox.finetune, ambivox.score, ambivox.read)))"
    ).splitlines()


def test_no_public_name_needs_torch(told: list[str]) -> None:
    assert told[0] == ""


def test_claims_and_finetune_stay_functions_whatever_was_imported(told: list[str]) -> None:
    assert told[1].split() == ["function"] * 4


def test_importing_ambivox_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import ambivox\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names\n"
        "print(*sorted(new))"
    )
    assert in_a_new_python(code).split() == ["ambivox"]
