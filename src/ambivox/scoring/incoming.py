"""Readings as they come in: plain numbers, of which a large run has a billion, so that most wait in files."""

from __future__ import annotations

from array import array
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import AmbivoxError
from ambivox.readouts import STATUSES, Reading, Readout
from ambivox.reasons import Reason
from ambivox.scoring.keys import RowKey, read_by
from ambivox.scoring.readings import Readings, Variant

HELD = 5_000
"""So many readings of a readout are in memory at most; then all of them are put into files."""

_KINDS = {"clips": "q", "variants": "q", "p": "d", "mass": "d", "forms_shift": "d", "status_codes": "B"}


def _nothing() -> dict[str, array[Any]]:
    return {name: array(kind) for name, kind in _KINDS.items()}


@dataclass
class Incoming:
    """Readings of one readout as they come in.

    Args:
        readout: that made them.
        n_labels: of each distribution.
        files: at its end their folder is deleted; what was mapped from them stays readable.

    Raises:
        AmbivoxError: by what takes in and gives out, where there is no room for the files.
    """

    readout: Readout
    n_labels: int
    files: ExitStack
    count: int = field(default=0, init=False)
    conditions: dict[Variant, int] = field(default_factory=dict, init=False)
    reasons: dict[int, Reason] = field(default_factory=dict, init=False)
    _same: dict[Reason, Reason] = field(default_factory=dict, init=False)
    _held: dict[str, array[Any]] = field(default_factory=_nothing, init=False)
    _folder: Path | None = field(default=None, init=False)

    def add(self, reading: Reading, clip: int, variant: Variant) -> None:
        """Take in a reading of a clip."""
        p, held = reading.distribution, self._held
        if p is None:
            reason = Reason(reading.status, reading.note)
            self.reasons[self.count] = self._same.setdefault(reason, reason)
            p = np.full(self.n_labels, np.nan)
        held["clips"].append(clip)
        held["variants"].append(self.conditions.setdefault(variant, len(self.conditions)))
        held["p"].frombytes(np.ascontiguousarray(p, dtype=np.float64).tobytes())
        held["mass"].append(np.nan if reading.mass is None else reading.mass)
        held["forms_shift"].append(np.nan if reading.forms_shift is None else reading.forms_shift)
        held["status_codes"].append(STATUSES.index(reading.status))
        self.count += 1
        if len(held["clips"]) >= HELD:
            self._put_away()

    def _put_away(self) -> None:
        try:
            if self._folder is None:
                folder = TemporaryDirectory(prefix="ambivox-", ignore_cleanup_errors=True)
                self._folder = Path(self.files.enter_context(folder))
            for name, numbers in self._held.items():
                with (self._folder / name).open("ab") as file:
                    file.write(numbers)
        except OSError as error:
            raise AmbivoxError(
                f"temporary files: {error.strerror or error}: readings wait there to be scored: set TMPDIR "
                "to a folder with room for them"
            ) from None
        self._held = _nothing()

    def numbers(self, name: str) -> NDArray[Any]:
        """All numbers of a kind, in the order in which they came."""
        kind = _KINDS[name]
        if self._folder is None:
            return np.frombuffer(self._held[name], dtype=kind)
        if self._held["clips"]:
            self._put_away()
        # Mapped, so that the system reads what is needed and lets go of it where memory is short.
        return np.asarray(np.memmap(self._folder / name, dtype=kind, mode="c"))

    def finished(self, key: RowKey) -> Readings:
        """All readings, of what `key` asked for; nothing may come in after it."""
        found = {name: self.numbers(name) for name in _KINDS}
        return Readings(
            key=read_by(key, self.readout),
            level=self.readout.level,
            clips=found["clips"],
            variants=found["variants"],
            p=found["p"].reshape(-1, self.n_labels),
            mass=found["mass"],
            forms_shift=found["forms_shift"],
            status_codes=found["status_codes"],
            conditions=tuple(self.conditions),
            reasons=self.reasons,
        )
