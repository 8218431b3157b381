import pytest

from ambivox.metrics import METRICS
from ambivox.scoring.keys import RowKey
from ambivox.scoring.pending import PendingRow
from ambivox.scoring.table import ScoreRow
from ambivox.statistics import Interval


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("accuracy", (0.0, 1.0)),
        ("jsd_bits", (0.0, 1.0)),
        ("brier_sum", (0.0, 1.7)),
        ("entropy_spearman", (-1.0, 1.0)),
        ("r2_per_emotion", (-1.3, 1.0)),
    ],
)
def test_a_row_shows_no_score_that_cannot_be(name: str, ends: tuple[float, float]) -> None:
    row = ScoreRow(RowKey("made", "m", prompt="word", readout="first"), "token", 20, {"ok": 20}, 0)
    found = PendingRow(row, score={name: 0}).finished([Interval(0.5, -1.3, 1.7, 20)], METRICS)
    assert (found.intervals[name].low, found.intervals[name].high) == ends
