"""The folder of a run while one process writes into it: what is planned, and which shards are done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ambivox.calibration import KeptCalibration, read_kept, write_kept
from ambivox.manifest import NAME as MANIFEST
from ambivox.manifest import Manifest, Shard, locked, plan_hash, read_manifest
from ambivox.record import Record
from ambivox.run.earlier import forget_earlier
from ambivox.run.made_folder import describe_environment, open_run, write_study
from ambivox.run.part import Part
from ambivox.run.plan import Parts, count_requests, look_up
from ambivox.run_folder import Run
from ambivox.study import Study
from ambivox.write_aside import write_text

MANIFEST_EVERY_S = 5.0
"""What is done is written down no more often: the list of many shards is long. A process that is killed
leaves out those of the last seconds; they are found where they lie when the run goes on."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: requests answered (kept ones included), failed among them, and in all."""

    done: int
    failed: int
    total: int
    kept: int


Report = Callable[[Progress], None]


@dataclass
class Held:
    """A folder that is held, its study with every name looked up, and its manifest."""

    run: Run
    parts: Parts
    kept: KeptCalibration | None
    manifest: Manifest
    report: Report
    _fingerprints: dict[str, str] = field(default_factory=dict)
    _progress: Progress = Progress(0, 0, 0, 0)
    _written_s: float = 0.0
    _unwritten: bool = False

    def __post_init__(self) -> None:
        self.count(0, 0, 0)

    def begin_model(self, place: int, name: str, fingerprint: str, packages: dict[str, str | None]) -> None:
        """Note who is asked next, and drop its shards from the manifest: they are looked at again.

        Raises:
            UsageError: the calibration of the study is of another model.
        """
        check_calibration(self.kept, self.parts, fingerprint)
        self._fingerprints[name] = fingerprint
        environment = describe_environment(self.parts, self._fingerprints, packages)
        write_text(self.run.folder / "environment.json", json.dumps(environment, indent=2) + "\n")
        self.manifest.forget(place)
        self._written_s = 0.0  # the first of its shards is written down at once

    def note(self, path: Path, shard: Shard) -> None:
        """List a shard that holds the present plan; the list is written down now, soon, or at the end."""
        self.manifest.shards[path.name] = shard
        self._unwritten = True
        if time.monotonic() - self._written_s > MANIFEST_EVERY_S:
            self.write_manifest()

    def write_manifest(self) -> None:
        """Write down the shards that were noted."""
        self._written_s, self._unwritten = time.monotonic(), False
        write_text(self.run.folder / MANIFEST, self.manifest.model_dump_json(indent=1) + "\n")

    def end(self) -> None:
        """Write down what is not yet; a run to which nothing was added stays as it was."""
        if self._unwritten:
            self.write_manifest()

    def count(self, n_records: int, n_failed: int, n_kept: int) -> None:
        """Tell how far the run is after so many more records."""
        so_far = self._progress
        self._progress = Progress(
            so_far.done + n_records, so_far.failed + n_failed, self.manifest.requests, so_far.kept + n_kept
        )
        self.report(self._progress)


def counted(records: Sequence[Record], kept: bool) -> tuple[int, int, int]:
    """How many records there are, failed ones among them, and kept ones."""
    return len(records), sum(record.reply is None for record in records), len(records) * kept


@contextmanager
def hold(study: Study, folder: Path, report: Report, part: Part | None = None) -> Iterator[Held]:
    """Make or find the folder of a run and hold it; when all went well, earlier records are deleted.

    Raises:
        UsageError: an unknown name, or the directory holds another study, or another process holds it.
        AmbivoxError: it cannot be written.
    """
    parts = look_up(study)
    kept = kept_for(study, parts)
    run = open_run(folder, study)
    with locked(run.folder):
        write_study(run, study)
        for left_over in (run.folder / "records").glob("*.partial"):
            left_over.unlink(missing_ok=True)
        if kept is not None:
            write_kept(kept, run.calibration_path)
        plan, total = hash_of(parts), count_requests(parts, part) * len(study.models)
        manifest = read_manifest(run.folder)
        if manifest is None or (manifest.plan, manifest.requests) != (plan, total):
            manifest = Manifest(plan=plan, requests=total)
        held = Held(run, parts, kept, manifest, report)
        held.write_manifest()
        try:
            yield held
        finally:
            held.end()
        forget_earlier(run)


def kept_for(study: Study, parts: Parts) -> KeptCalibration | None:
    """The calibration that a study names, if it is for its emotions and something that it reads.

    Raises:
        UsageError: it is for something else.
    """
    if study.calibrate is None:
        return None
    kept, readouts = read_kept(study.calibrate), {readout.spec for readout in parts.readouts}
    kept.check_emotions(parts.emotions.labels)
    prompts = [prompt.name for prompt in parts.prompts]
    if not any(fit.prompt in prompts and fit.readout in readouts for fit in kept.fits):
        kept.refuse(f"any prompt and readout of this study ({', '.join(prompts)})")
    return kept


def check_calibration(kept: KeptCalibration | None, parts: Parts, fingerprint: str) -> None:
    """See that the calibration of a study, if it has one, is of the model that is asked."""
    if kept is not None:
        kept.check_model(fingerprint, parts.emotions.labels)


def hash_of(parts: Parts) -> str:
    """A hash of all that the plan of a study depends on: itself, corpora, prompts and emotions."""
    return plan_hash(
        parts.study.model_dump(mode="json"),
        [(corpus.name, corpus.fingerprint) for corpus in parts.corpora],
        [prompt.model_dump(mode="json") for prompt in parts.prompts],
        (parts.emotions.labels, parts.emotions.forms),
    )
