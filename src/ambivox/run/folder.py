"""The run: a directory that holds a study, what it ran on, and its records."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ambivox.errors import AmbivoxError, UsageError
from ambivox.record import Record, read_records
from ambivox.run.config import Study
from ambivox.run.plan import Parts, count_requests

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


@dataclass(frozen=True)
class Run:
    """A directory with ``study.yaml``, ``environment.json`` and ``records/<model>-<shard>.parquet``."""

    folder: Path

    def __init__(self, folder: str | Path) -> None:
        object.__setattr__(self, "folder", Path(folder))

    @property
    def study_path(self) -> Path:
        """The study, every default written out."""
        return self.folder / "study.yaml"

    def shard_path(self, model: int, shard: int) -> Path:
        """Where a shard lies: the place of its model in the study, then its number."""
        return self.folder / "records" / f"{model:02d}-{shard:06d}.parquet"

    def records(self) -> Iterator[Record]:
        """All records, in the order of the plan.

        Raises:
            UsageError: no such run, or nothing in it yet.
        """
        for path in self.shards():
            yield from read_records(path)

    def shards(self) -> list[Path]:
        """The files of records, in the order of the plan; `UsageError` if there are none yet."""
        paths = sorted((self.folder / "records").glob("*.parquet"))
        if not paths:
            raise UsageError(f"{self.folder}: no records here; give the folder that 'ambivox run' wrote")
        return paths

    def study(self) -> Study:
        """The study as it was run."""
        if not self.study_path.exists():
            raise UsageError(f"{self.folder}: no run here; give the folder that 'ambivox run' wrote")
        try:
            return Study.model_validate(yaml.safe_load(self.study_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"{self.study_path}: not a study that was run ({reason})") from None

    def environment(self) -> dict[str, Any]:
        """What the run kept of versions, models, corpora and seeds."""
        try:
            environment: dict[str, Any] = json.loads((self.folder / "environment.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise AmbivoxError(f"{self.folder}/environment.json: not readable ({error})") from None
        return environment


def open_run(folder: Path, study: Study) -> Run:
    """Make the directory of a run, or go on with the one that is there.

    Raises:
        UsageError: the folder holds the run of another study, or something else.
    """
    run = Run(folder)
    written = study.model_dump(mode="json")
    if run.study_path.exists():
        before = yaml.safe_load(run.study_path.read_text(encoding="utf-8"))
        if before != written:
            keys = [key for key in written if not isinstance(before, dict) or before.get(key) != written[key]]
            raise UsageError(
                f"{folder}: holds the run of another study (differs in {', '.join(keys) or 'its keys'}): "
                "choose another --out"
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and is not a run; choose another --out")
    try:
        (folder / "records").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AmbivoxError(f"{folder}: cannot be made ({error.strerror}): choose another --out") from None
    write_text(run.study_path, yaml.safe_dump(written, sort_keys=False, allow_unicode=True))
    return run


def describe_environment(parts: Parts, fingerprints: dict[str, str]) -> dict[str, Any]:
    """Versions, model and corpus fingerprints and seeds, for ``environment.json``."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "models": fingerprints,
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


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    aside = path.with_name(path.name + ".partial")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be written ({error.strerror}): make room") from None
    finally:
        aside.unlink(missing_ok=True)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
