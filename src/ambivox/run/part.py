"""Parts of a run for machines that share nothing but a disk, and the run that they make together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ambivox.errors import AmbivoxError, UsageError
from ambivox.location import make_folder
from ambivox.manifest import NAME as MANIFEST
from ambivox.manifest import Manifest, locked, read_manifest
from ambivox.run_folder import PARTS, Run
from ambivox.write_aside import write_aside, write_text


@dataclass(frozen=True)
class Part:
    """Every `of`-th shard of a run, from shard `number` on (counted from 1)."""

    number: int
    of: int

    def __contains__(self, shard: int) -> bool:
        return shard % self.of == self.number - 1

    def folder(self, run: Path) -> Path:
        """Where it lies: in the folder of its run, as a run of its own."""
        return run / PARTS / f"{self.number}-of-{self.of}"


def parse_part(text: str) -> Part:
    """A part as one writes it.

    Raises:
        UsageError: not two whole numbers, or the first is not one of 1 to the second.

    >>> parse_part("3/16")
    Part(number=3, of=16)
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
    number, of = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise UsageError(f"shard {text!r}: write the part and how many there are, from 1/{of or 16}")
    return Part(number, of)


def merge_parts(folder: str | Path) -> Run:
    """Put the parts of a run together, in its folder; they stay where they are.

    The run has the records that one process would have written, but for times, and for which of several
    clips was asked what is the same for all of them (`Record.answer_of`).

    Args:
        folder: the ``--out`` of the parts.

    Raises:
        UsageError: there are no parts, or one is missing, unfinished, or of another plan or model.
        AmbivoxError: one cannot be read, or the run cannot be written.
    """
    run = Run(folder)
    parts = _parts(run.folder)
    manifests = [_finished(part) for part in parts]
    for part, manifest in zip(parts[1:], manifests[1:], strict=True):
        if manifest.plan != manifests[0].plan:
            raise UsageError(f"{part.folder}: of another study, corpus or prompt than {parts[0].folder.name}")
        if part.environment()["models"] != parts[0].environment()["models"]:
            raise UsageError(f"{part.folder}: asked another model than {parts[0].folder.name}")
    merged = Manifest(plan=manifests[0].plan, requests=sum(manifest.requests for manifest in manifests))
    with locked(run.folder):
        before = read_manifest(run.folder)
        if before and before.plan != merged.plan:
            raise UsageError(f"{run.folder}: holds another run: move it, or its {PARTS}")
        make_folder(run.folder / "records")
        for part, manifest in zip(parts, manifests, strict=True):
            for path in part.shards() if manifest.requests else ():
                with write_aside(run.folder / "records" / path.name) as aside:
                    aside.write_bytes(path.read_bytes())
            merged.shards |= manifest.shards
        own = ("study.yaml", "environment.json", parts[0].calibration_path.name)
        for name in own if parts[0].calibration_path.exists() else own[:2]:
            write_text(run.folder / name, (parts[0].folder / name).read_text(encoding="utf-8"))
        merged.shards = dict(sorted(merged.shards.items()))
        write_text(run.folder / MANIFEST, merged.model_dump_json(indent=1) + "\n")
    return run


def _parts(folder: Path) -> list[Run]:
    """All parts of a run, in their order."""
    found = {path.name: path for path in (folder / PARTS).glob("*-of-*") if path.is_dir()}
    totals = sorted({int(of) for name in found for of in re.findall(r"-of-([0-9]+)$", name, re.ASCII)})
    if not totals:
        raise UsageError(f"{folder}: no parts of a run here; give the --out of 'ambivox run --shard'")
    if len(totals) > 1:
        raise UsageError(f"{folder / PARTS}: parts of {totals[0]} and of {totals[1]}: remove one kind")
    parts = [Part(n, totals[0]).folder(folder) for n in range(1, totals[0] + 1)]
    missing = [path.name for path in parts if path.name not in found]
    if missing:
        more = ", ..." if len(missing) > 3 else ""
        raise UsageError(
            f"{folder / PARTS}: {len(missing)} missing: {', '.join(missing[:3])}{more}: run them"
        )
    return [Run(path) for path in parts]


def _finished(part: Run) -> Manifest:
    """The manifest of a part that has all its records."""
    done, requests = part.progress()
    if done < requests:
        raise UsageError(f"{part.folder}: unfinished: {done} of {requests} requests: run this part again")
    manifest = read_manifest(part.folder)
    if manifest is None:
        raise AmbivoxError(f"{part.folder}: no {MANIFEST}: run this part again")
    return manifest
