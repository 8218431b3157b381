"""The folder of a run: a study, what it ran on, its records. `ambivox.run` writes it, all others read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ambivox.errors import AmbivoxError, UnfinishedRunError, UsageError, first_line
from ambivox.location import location, reached
from ambivox.manifest import NAME as MANIFEST
from ambivox.manifest import Manifest, read_manifest
from ambivox.record import Record, read_batches, read_records
from ambivox.study import Study
from ambivox.yaml_file import read_mapping

PARTS = "parts"
"""Where the parts of a run lie until they are put together; each is a folder of a run of its own."""


@dataclass(frozen=True)
class Run:
    """A directory with ``study.yaml``, ``environment.json``, ``manifest.json`` and
    ``records/<model>-<shard>.parquet``, on this machine or in storage (see `ambivox.location`).

    Args:
        partial: whether an unfinished run may be read as far as it is.
    """

    folder: Path
    partial: bool = False

    def __init__(self, folder: str | Path, *, partial: bool = False) -> None:
        object.__setattr__(self, "folder", location(folder))
        object.__setattr__(self, "partial", partial)

    @property
    def study_path(self) -> Path:
        """The study, every default written out."""
        return self.folder / "study.yaml"

    @property
    def calibration_path(self) -> Path:
        """The calibration of the study, where it names one, as it was when the study was run."""
        return self.folder / "calibration.json"

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
            for batch in read_batches(path):
                yield from batch

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
        return [path for path in self._files() if not manifest.holds(path)] if manifest else []

    def _files(self) -> list[Path]:
        with reached(self.folder):
            found = (self.folder / "records").glob("*.parquet")
            return sorted(found, key=lambda path: path.name)

    def _without_manifest(self) -> AmbivoxError:
        files = self._files()
        if not files and (self.folder / PARTS).is_dir():
            return UsageError(f"{self.folder}: a run in parts: put them together with 'ambivox merge'")
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
        with reached(self.folder):
            there = self.study_path.exists()
        if not there:
            raise UsageError(f"{self.folder}: no run here; give the folder that 'ambivox run' wrote")
        try:
            return Study.model_validate(read_mapping(self.study_path, "a study"))
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"{self.study_path}: not a study that was run ({reason})") from None

    def environment(self) -> dict[str, Any]:
        """What the run kept of versions, models, corpora and seeds."""
        path = self.folder / "environment.json"
        try:
            with reached(path):
                environment = json.loads(path.read_text("utf-8"))
            _Environment.model_validate(environment)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "the file"
            reason = f"{where}: {first_line(fault['msg'])}"
        except (OSError, ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())
        else:
            return environment  # type: ignore[no-any-return]
        raise AmbivoxError(f"{path}: not readable ({reason})")


class _Environment(BaseModel):
    """What is read of ``environment.json``."""

    corpora: dict[str, dict[str, Any]] = {}
    packages: dict[str, str | None] = {}
    order_seeds: list[int | None] | str = []
    requests: int = 0
