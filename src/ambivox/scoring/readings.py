"""All readings of a run as arrays, clip by clip: what scores, intervals and claims are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ambivox.emotions import EmotionSet
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES, Level, Status
from ambivox.reasons import Reason
from ambivox.scoring.arrow import readings_arrow, to_pandas
from ambivox.scoring.keys import RowKey
from ambivox.scoring.notes import Note

Variant = tuple[tuple[int, ...], bool]
"""All but the clip in which records of one row can differ: the order of the options, and whether the words of
the clip were shown (not every clip has them)."""


@dataclass(frozen=True)
class Clips:
    """The clips of a corpus that have a usable truth.

    Args:
        names: shape ``(U,)``.
        speakers: shape ``(U,)``; None where the corpus does not say.
        votes: shape ``(U, N)``, the counts behind the truth.
        q: shape ``(U, N)``, the truth.
        prior: shape ``(U, N)``, what is known of how people vote without the clip: the leave-one-speaker-out
            vote prior; ``nan`` without any other clip.
        codes: shape ``(U,)``, the cluster of each clip.
        unit: what the clusters are: ``speakers``, ``dialogues`` or ``clips``.
        prior_is_own: whether the prior was estimated from these very votes, and not from others.
    """

    names: tuple[str, ...]
    speakers: tuple[str | None, ...]
    votes: NDArray[np.int64]
    q: Array
    prior: Array
    codes: NDArray[np.intp]
    unit: str
    prior_is_own: bool = True

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.codes.max()) + 1


@dataclass(frozen=True)
class Readings:
    """What one readout made of the answers of one model to one prompt, hearing one thing.

    Args:
        key: which readout, of whose answers to what.
        level: ``text`` or ``token``.
        clips: shape ``(R,)``, the clip of each reading.
        variants: shape ``(R,)``, which order of options and so on it was asked with.
        p: shape ``(R, N)``; ``nan`` for a failed reading.
        mass: shape ``(R,)``, the probability on the labels; ``nan`` where it has no such thing.
        forms_shift: shape ``(R,)``, how much hangs on the list of forms, see `Reading`; ``nan`` likewise.
        status_codes: shape ``(R,)``, places in `STATUSES`: one byte for each reading, of which there may be
            millions.
        conditions: what each number in `variants` stands for.
        reasons: why a reading has no distribution, by its place.
    """

    key: RowKey
    level: Level
    clips: NDArray[np.intp]
    variants: NDArray[np.intp]
    p: Array
    mass: Array
    forms_shift: Array
    status_codes: NDArray[np.uint8]
    conditions: tuple[Variant, ...]
    reasons: Mapping[int, Reason] = field(default_factory=dict)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Shape ``(R,)``: where there is not a distribution."""
        return np.asarray(np.isnan(self.p[:, 0]))

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The status of each reading."""
        return tuple(STATUSES[code] for code in self.status_codes)

    @property
    def counted_statuses(self) -> dict[Status, int]:
        """How many readings have which status, in the order in which they came."""
        codes, first, counts = np.unique(self.status_codes, return_index=True, return_counts=True)
        return {STATUSES[codes[n]]: int(counts[n]) for n in np.argsort(first)}

    @property
    def first_option(self) -> NDArray[np.intp]:
        """Shape ``(R,)``: the label that was offered first."""
        return np.array([order[0] for order, _ in self.conditions], dtype=np.intp)[self.variants]

    @property
    def leads_with_first(self) -> NDArray[np.bool_]:
        """Shape ``(R,)``: where no label has a larger share than the one that was offered first."""
        offered = self.p[np.arange(len(self.p)), self.first_option]
        return np.asarray(offered >= self.p.max(axis=1))


@dataclass(frozen=True)
class CorpusReadings:
    """A corpus with all that was read on it; `notes` say which clips were left out and why."""

    corpus: str
    emotions: EmotionSet
    clips: Clips
    readings: tuple[Readings, ...]
    notes: tuple[Note, ...] = ()

    def to_arrow(self) -> pa.Table:
        """One row per reading, see `ambivox.scoring.arrow.readings_arrow`."""
        return readings_arrow(self)

    def to_pandas(self) -> Any:
        """The same as a pandas data frame; `UsageError` where pandas is not installed."""
        return to_pandas(self.to_arrow())
