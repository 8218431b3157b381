"""How long the clips of a corpus are, from the headers of their files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ambivox.audio import AudioInfo, audio_info
from ambivox.corpora import Utterance
from ambivox.errors import AudioError
from ambivox.raters.distribution import Array


@dataclass(frozen=True)
class Durations:
    """What the headers say.

    Args:
        seconds: shape ``(n,)``, of the utterances whose file is there and readable, in their order.
        utterances: their ids.
        sample_rates_hz: sample rate -> utterances.
        missing: ids of utterances without a file.
        unreadable: id -> why its file cannot be read.
    """

    seconds: Array
    utterances: tuple[str, ...]
    sample_rates_hz: dict[int, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def hours(self) -> float:
        """All clips together."""
        return float(self.seconds.sum() / 3600)


def measure_durations(utterances: Iterable[Utterance]) -> Durations:
    """Read the header of every clip that is there; nothing is decoded."""
    seconds: dict[str, float] = {}
    rates: dict[int, int] = {}
    missing: list[str] = []
    unreadable: dict[str, str] = {}
    headers: dict[str, AudioInfo | AudioError | None] = {}
    for utterance in utterances:
        path = str(utterance.audio)
        if path not in headers:
            headers[path] = _header(path)
        found = headers[path]
        if found is None:
            missing.append(utterance.id)
        elif isinstance(found, AudioError):
            unreadable[utterance.id] = str(found)
        else:
            end_s = found.duration_s if utterance.end_s is None else utterance.end_s
            seconds[utterance.id] = end_s - (utterance.start_s or 0)
            rates[found.sample_rate_hz] = rates.get(found.sample_rate_hz, 0) + 1
    lengths = np.fromiter(seconds.values(), dtype=np.float64, count=len(seconds))
    return Durations(lengths, tuple(seconds), rates, tuple(missing), unreadable)


def _header(path: str) -> AudioInfo | AudioError | None:
    """What the header says, why it cannot be read, or None where there is no file."""
    try:
        return audio_info(path)
    except AudioError as error:
        return error if Path(path).exists() else None
