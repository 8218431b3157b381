"""Truth from a table that ``ambivox corpora inspect -o TABLE`` wrote, in place of the shares of the votes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError, first_line
from ambivox.raters.distribution import Array

_PREFIX = "truth."


@dataclass(frozen=True)
class TruthTable:
    """Distributions by the id of their utterance.

    Args:
        path: where they were read.
        labels: N names, those of the columns ``truth.LABEL``.
        p: utterance id -> shape ``(N,)``; ``nan`` where the table has no truth for it.
    """

    path: Path
    labels: tuple[str, ...]
    p: Mapping[str, Array]

    def of(self, utterance: str, emotions: EmotionSet) -> Array | None:
        """The truth of one utterance, shape ``(N,)`` in the order of the set; None where there is none.

        Raises:
            UsageError: the table is about other labels.
        """
        if set(self.labels) != set(emotions.labels):
            raise UsageError(
                f"{self.path}: its truth is about {', '.join(self.labels)}, the run asked for "
                f"{', '.join(emotions.labels)}: write the table with --emotions {emotions.name}"
            )
        found = self.p.get(utterance)
        if found is None or np.isnan(found).any():
            return None
        return np.asarray(found[[self.labels.index(label) for label in emotions.labels]])


def read_truth_table(path: str | Path) -> TruthTable:
    """Read ``id`` and ``truth.LABEL`` of a CSV or Parquet file; other columns are left alone.

    Raises:
        UsageError: no such table, an id twice, or a row of truth that is not a distribution (it is named).
    """
    path = Path(path)
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else pa.csv.read_csv(path)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: not readable as a table of truth ({first_line(error)})") from None
    columns = [name for name in table.column_names if name.startswith(_PREFIX)]
    if "id" not in table.column_names or not columns:
        raise UsageError(f"{path}: no columns id and truth.LABEL: see ambivox corpora inspect -o TABLE")
    # As the table is written, text that a spreadsheet would run has a quote before it.
    ids = [re.sub(r"^'(?=[=+\-@\t\r])", "", str(name)) for name in table.column("id").to_pylist()]
    if len(set(ids)) < len(ids):
        raise UsageError(f"{path}: {max(ids, key=ids.count)!r} stands there twice")
    try:
        p = np.column_stack([np.array(table.column(name).to_pylist(), dtype=float) for name in columns])
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: a truth is not a number ({first_line(error)})") from None
    given = ~np.isnan(p).all(axis=1)
    wrong = given & ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) < 1e-6))
    if wrong.any():
        raise UsageError(f"{path}: the truth of {ids[int(wrong.argmax())]!r} is not a distribution")
    labels = tuple(name.removeprefix(_PREFIX) for name in columns)
    return TruthTable(path, labels, dict(zip(ids, p, strict=True)))
