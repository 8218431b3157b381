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

from ambivox.errors import AmbivoxError, UnfinishedRunError, UsageError
from ambivox.record import Record, read_records
from ambivox.run.config import Study
from ambivox.run.manifest import NAME as MANIFEST
from ambivox.run.manifest import Manifest, read_manifest
from ambivox.run.plan import Parts, count_requests
from ambivox.write_aside import write_aside
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


@dataclass(frozen=True)
class Run:
    """A directory with ``study.yaml``, ``environment.json``, ``manifest.json`` and
    ``records/<model>-<shard>.parquet``.

    Args:
        partial: whether an unfinished run may be read as far as it is.
    """

    folder: Path
    partial: bool = False

    def __init__(self, folder: str | Path, *, partial: bool = False) -> None:
        object.__setattr__(self, "folder", Path(folder))
        object.__setattr__(self, "partial", partial)

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
            UnfinishedRunError: not all of the plan is recorded, and `partial` was not asked for.
        """
        for path in self.shards():
            yield from read_records(path)

    def shards(self) -> list[Path]:
        """The files of records of the present plan, in its order; errors as for `records`."""
        manifest, found = self._present()
        done = sum(manifest.shards[path.name].records for path in found)
        if done < manifest.requests and not self.partial:
            raise UnfinishedRunError(
                f"{self.folder}: unfinished: {done} of {manifest.requests} requests are recorded: run the "
                "study again to go on, or ask for what is there (--partial)"
            )
        if not found:
            raise UsageError(f"{self.folder}: no records here; give the folder that 'ambivox run' wrote")
        return found

    def progress(self) -> tuple[int, int]:
        """How many requests of the present plan are recorded, and how many it has."""
        manifest, found = self._present()
        return sum(manifest.shards[path.name].records for path in found), manifest.requests

    def _present(self) -> tuple[Manifest, list[Path]]:
        """The manifest, and the files of records that are of its plan."""
        manifest = read_manifest(self.folder)
        if manifest is None:
            raise self._without_manifest()
        return manifest, [path for path in self._files() if manifest.holds(path)]

    def strays(self) -> list[Path]:
        """Files among the records that are not of the present plan; they are left out of all results."""
        manifest = read_manifest(self.folder)
        return [path for path in self._files() if manifest is None or not manifest.holds(path)]

    def _files(self) -> list[Path]:
        return sorted((self.folder / "records").glob("*.parquet"))

    def _without_manifest(self) -> AmbivoxError:
        files = self._files()
        if not files:
            what = "records" if self.study_path.exists() else "run"
            return UsageError(f"{self.folder}: no {what} here; give the folder that 'ambivox run' wrote")
        try:
            read_records(files[0])
        except AmbivoxError as error:
            return error
        return UsageError(f"{self.folder}: records without {MANIFEST}: run the study again")

    def study(self) -> Study:
        """The study as it was run."""
        if not self.study_path.exists():
            raise UsageError(f"{self.folder}: no run here; give the folder that 'ambivox run' wrote")
        try:
            return Study.model_validate(read_mapping(self.study_path, "a study"))
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"{self.study_path}: not a study that was run ({reason})") from None

    def environment(self) -> dict[str, Any]:
        """What the run kept of versions, models, corpora and seeds."""
        try:
            environment = json.loads((self.folder / "environment.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise AmbivoxError(f"{self.folder}/environment.json: not readable ({reason})") from None
        if not isinstance(environment, dict):
            raise AmbivoxError(f"{self.folder}/environment.json: not readable (it is not a JSON object)")
        return environment


def open_run(folder: Path, study: Study) -> Run:
    """Make the directory of a run, or find the one that is there.

    Raises:
        UsageError: the folder holds the run of another study, or something else.
    """
    run = Run(folder)
    written = study.model_dump(mode="json")
    if run.study_path.exists():
        before = read_mapping(run.study_path, "a study that was run")
        if before != written:
            keys = [key for key in written if before.get(key) != written[key]]
            raise UsageError(
                f"{folder}: holds the run of another study (differs in {', '.join(keys) or 'its keys'}): "
                "choose another --out"
            )
    elif folder.exists() and (not folder.is_dir() or _holds_something(folder)):
        raise UsageError(f"{folder}: exists and is not a run; choose another --out")
    try:
        (folder / "records").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AmbivoxError(f"{folder}: cannot be made ({error.strerror}): choose another --out") from None
    return run


def write_study(run: Run, study: Study) -> None:
    """Keep the study with the run, every default written out."""
    written = study.model_dump(mode="json")
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
    try:
        with write_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AmbivoxError(f"{path}: cannot be written ({error.strerror}): make room") from None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
