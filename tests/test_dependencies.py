"""What pyproject.toml installs: each package is there for something that works today."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {name: wanted for name, wanted in PROJECT["optional-dependencies"].items() if name != "dev"}
WANTED = [*PROJECT["dependencies"], *(one for wanted in EXTRAS.values() for one in wanted)]
MODULES = {"crowd-kit": "crowdkit", "pyyaml": "yaml", "universal-pathlib": "upath"}
"""Packages whose module is called otherwise."""
WITHOUT_AN_IMPORT = {
    "accelerate": "transformers asks for it to place a model on devices",
    "s3fs": "universal-pathlib asks for it to reach s3://",
    "pillow": "transformers asks for it in processors that also read images",
}


def packages(wanted: list[str]) -> list[str]:
    return [re.split(r"[\[<>=]", one)[0].lower() for one in wanted if not one.startswith("ambivox")]


@cache
def imported() -> set[str]:
    """The modules that the package imports anywhere."""
    found: set[str] = set()
    for path in (REPOSITORY / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", packages(WANTED))
def test_every_package_that_is_installed_is_used(package: str) -> None:
    assert MODULES.get(package, package) in imported() or package in WITHOUT_AN_IMPORT


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_error_of_a_missing_package_names_the_extra_that_brings_it(extra: str) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "src").rglob("*.py"))
    assert f"ambivox[{extra}]" in source


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-lowest.txt"])
def test_constraints_hold_every_package_of_the_project(name: str) -> None:
    lines = (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
    held = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert set(packages(WANTED)) <= held


def test_the_lowest_versions_are_those_that_pyproject_admits() -> None:
    lines = (REPOSITORY / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    lowest = {line.partition("==")[0]: line.partition("==")[2] for line in lines if "==" in line}
    for wanted in WANTED:
        name, _, bound = wanted.partition(">=")
        if bound:
            given, asked = lowest[name.partition("[")[0].lower()], bound.partition(",")[0]
            assert given == asked or given.startswith(f"{asked}.")
