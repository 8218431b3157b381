"""Make the folder of a run, and keep with it what was run on what."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import yaml

from ambivox.errors import AmbivoxError, UsageError
from ambivox.location import make_folder, reached
from ambivox.models.learnt import unlearnt
from ambivox.run.earlier import changed_keys, set_aside
from ambivox.run.plan import Parts, count_requests
from ambivox.run_folder import PARTS, Run
from ambivox.study import Study
from ambivox.write_aside import write_text
from ambivox.yaml_file import read_mapping

_PACKAGES = (
    "ambivox",
    "numpy",
    "scipy",
    "soundfile",
    "soxr",
    "pyarrow",
    "torch",
    "transformers",
    "tokenizers",
)


def open_run(folder: Path, study: Study) -> Run:
    """Make the directory of a run, or find the one that is there: of the same study, or of a smaller one.

    Raises:
        UsageError: the folder holds the run of another study, or something else.
    """
    with reached(folder):
        return _open_run(Run(folder), folder, study.model_dump(mode="json"))


def _open_run(run: Run, folder: Path, written: dict[str, Any]) -> Run:
    if run.study_path.exists():
        before = read_mapping(run.study_path, "a study that was run")
        keys = changed_keys(before, written)
        if keys or before.keys() != written.keys():
            raise UsageError(
                f"{folder}: holds the run of another study (differs in {', '.join(keys) or 'its keys'}): "
                "choose another --out"
            )
    elif folder.exists() and (not folder.is_dir() or _holds_something(folder)):
        if (folder / PARTS).is_dir():
            raise UsageError(f"{folder}: a run in parts: put them together with 'ambivox merge'")
        raise UsageError(f"{folder}: exists and is not a run; choose another --out")
    try:
        make_folder(folder / "records")
    except OSError as error:
        raise AmbivoxError(f"{folder}: cannot be made ({error.strerror}): choose another --out") from None
    return run


def write_study(run: Run, study: Study) -> None:
    """Keep the study with the run, every default written out; records of a smaller one are set aside."""
    written = study.model_dump(mode="json")
    if run.study_path.exists() and read_mapping(run.study_path, "a study that was run") != written:
        set_aside(run)
    write_text(run.study_path, yaml.dump(written, Dumper=_NoAliases, sort_keys=False, allow_unicode=True))


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


_FIRST_WRITTEN = {".lock", "records", "study.yaml.partial"}
"""What a run that was killed at once may have left before its study was written."""


def _holds_something(folder: Path) -> bool:
    try:
        found = {path.name for path in folder.iterdir()}
        return bool(found - _FIRST_WRITTEN) or ("records" in found and any((folder / "records").iterdir()))
    except OSError as error:
        raise AmbivoxError(f"{folder}: cannot be read ({error.strerror}): choose another --out") from None


def packages() -> dict[str, str | None]:
    """The versions of what a run depends on; None where one is not installed."""
    return {name: _version(name) for name in _PACKAGES}


def describe_environment(
    parts: Parts, fingerprints: dict[str, str], packages: dict[str, str | None]
) -> dict[str, Any]:
    """Versions, model and corpus fingerprints and seeds, for ``environment.json``."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "models": fingerprints,
        "unlearnt": {spec.name: unlearnt(spec.name, parts.emotions) for spec in parts.study.models},
        "corpora": {
            corpus.name: {
                "licence": corpus.licence,
                "votes_invented": corpus.votes_invented,
                "fingerprint": corpus.fingerprint,
                "utterances": len(corpus),
                "notes": list(corpus.notes),
            }
            for corpus in parts.corpora
        },
        "prompts": {prompt.name: prompt.version for prompt in parts.prompts},
        "seed": parts.study.seed,
        "order_seeds": parts.study.model_dump(mode="json")["order_seeds"],
        "requests": count_requests(parts) * len(parts.study.models),
        "decoding": "greedy",
    }


@functools.cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
