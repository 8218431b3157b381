"""How long the clips of a corpus are and what is odd about their sound, by decoding them as a run would."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ambivox.audio import AudioFacts, Channel, audio_facts
from ambivox.corpora import Utterance
from ambivox.errors import AudioError
from ambivox.raters.distribution import Array

_Segment = tuple[str, float | None, float | None, Channel]


@dataclass(frozen=True)
class Durations:
    """What decoding shows.

    Args:
        seconds: shape ``(n,)``, of the utterances whose clip is there and readable, in their order.
        utterances: their ids.
        sample_rates_hz: sample rate -> utterances.
        missing: ids of utterances without a file.
        unreadable: id -> why its clip cannot be read.
        silent: ids of utterances whose clip is digital silence.
        cautions: code of an audio caution -> id -> what was found.
    """

    seconds: Array
    utterances: tuple[str, ...]
    sample_rates_hz: dict[int, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    cautions: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def hours(self) -> float:
        """All clips together."""
        return float(self.seconds.sum() / 3600)


def measure_durations(utterances: Iterable[Utterance]) -> Durations:
    """Decode every clip that is there, just as it would be heard; some thousand clips a minute and core."""
    utterances = list(utterances)
    segments: dict[_Segment, None] = {_segment(u): None for u in utterances}
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="durations") as pool:
        facts = dict(zip(segments, pool.map(_facts, segments), strict=True))
    seconds: dict[str, float] = {}
    rates: dict[int, int] = {}
    missing: list[str] = []
    unreadable: dict[str, str] = {}
    silent: list[str] = []
    cautions: dict[str, dict[str, str]] = {}
    for utterance in utterances:
        found = facts[_segment(utterance)]
        if found is None:
            missing.append(utterance.id)
        elif isinstance(found, AudioError):
            unreadable[utterance.id] = str(found)
        else:
            seconds[utterance.id] = found.duration_s
            rates[found.sample_rate_hz] = rates.get(found.sample_rate_hz, 0) + 1
            silent += [utterance.id] if found.silent else []
            for caution in found.cautions:
                cautions.setdefault(caution.code, {})[utterance.id] = caution.text
    lengths = np.fromiter(seconds.values(), dtype=np.float64, count=len(seconds))
    return Durations(lengths, tuple(seconds), rates, tuple(missing), unreadable, tuple(silent), cautions)


def _segment(utterance: Utterance) -> _Segment:
    return (str(utterance.audio), utterance.start_s, utterance.end_s, utterance.channel)


def _facts(segment: _Segment) -> AudioFacts | AudioError | None:
    """The facts, why the clip cannot be read, or None where there is no file."""
    try:
        return audio_facts(*segment)
    except AudioError as error:
        return error if Path(segment[0]).exists() else None
