"""What a report tells of a run beside its tables: why readings failed, and when it was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ambivox.readouts import STATUSES, Status
from ambivox.run_folder import Run
from ambivox.scoring import RowKey, RunReadings
from ambivox.scoring.readings import CorpusReadings, Readings


@dataclass
class Failure:
    """Failed readings with one reason: of one readout, or of all where the request failed."""

    key: RowKey
    status: Status
    reason: str
    readings: int = 0
    clips: list[str] = field(default_factory=list)


def failures(readings: RunReadings) -> list[Failure]:
    """Failed readings of plain readouts with their reasons, equal ones together."""
    found: dict[tuple[RowKey, Status, str], Failure] = {}
    for corpus in readings.corpora:
        for one in corpus.readings:
            if one.key.calibration is None:
                _add_failures(found, corpus, one)
    return sorted(found.values(), key=lambda failure: STATUSES.index(failure.status), reverse=True)


def _add_failures(
    found: dict[tuple[RowKey, Status, str], Failure], corpus: CorpusReadings, one: Readings
) -> None:
    for place, reason in one.reasons.items():
        status, clip = STATUSES[one.status_codes[place]], corpus.clips.names[one.clips[place]]
        key = one.key.request if status in ("failed", "silent") else one.key
        failure = found.setdefault((key, status, reason.text), Failure(key, status, reason.text))
        failure.readings += 1
        if clip not in failure.clips:
            failure.clips.append(clip)


def date_of(run: Run) -> str:
    """The day of the newest records."""
    newest = max(path.stat().st_mtime for path in run.shards())
    return datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d")
