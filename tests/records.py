"""Records changed in one place, and compared."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ambivox.manifest import Manifest
from ambivox.models import Reply
from ambivox.record import Record, read_records
from ambivox.run import Run


def change(record: Any, values: Mapping[str, Any]) -> Any:
    """The record with other values, each named by its path: ``{"reply.text": "sad"}``."""
    for path, value in values.items():
        name, _, rest = path.partition(".")
        record = replace(record, **{name: change(getattr(record, name), {rest: value}) if rest else value})
    return record


def facts(record: Record, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """All that a record holds but for the time that the answer took, as one flat dictionary."""
    found: dict[str, Any] = {"key": record.key, "asked": record.asked, "error": record.error}
    found |= {"sound": record.sound, "answer_of": record.answer_of}
    for f in fields(Reply) if record.reply else ():
        value = getattr(record.reply, f.name)
        found[f.name] = value.tolist() if isinstance(value, np.ndarray) else value
    return {name: value for name, value in found.items() if name not in ("time_s", *but)}


def note_shards(run: Run, requests: int | None = None) -> None:
    """Write the manifest of a run made by hand; it is finished unless `requests` says otherwise."""
    manifest = Manifest(plan="made by hand", requests=0)
    for path in sorted((run.folder / "records").glob("*.parquet")):
        manifest.add(path, read_records(path))
    manifest.requests = manifest.done if requests is None else requests
    (run.folder / "manifest.json").write_text(manifest.model_dump_json(), "utf-8")
