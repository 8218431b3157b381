"""The standard figures of a study, in the order in which a paper would have them."""

from __future__ import annotations

from collections.abc import Sequence

from ambivox.field_claims import claims_of_readings
from ambivox.present.figures.charts import Figure
from ambivox.present.figures.of_claims import claim_figure
from ambivox.present.figures.of_readings import Named, calibration_figure
from ambivox.present.figures.of_scores import (
    layer_figure,
    score_figure,
    sensitivity_figure,
    tertile_figure,
)
from ambivox.scoring import RunReadings, ScoreTable


def named(scores: ScoreTable, readings: Sequence[RunReadings]) -> Named:
    """What was read of each run, with its name in the table."""
    return tuple(zip(scores.runs or ("",), readings, strict=True))


def standard_figures(scores: ScoreTable, readings: Sequence[RunReadings]) -> tuple[Figure, ...]:
    """Claims, scores, thirds of ambiguity, sensitivity, calibration, layers: those that have numbers.

    Args:
        scores: of the runs, see `ambivox.scoring.score_runs`.
        readings: of the same runs, in the same order.
    """
    runs = named(scores, readings)
    found = (
        claim_figure([(name, claims_of_readings(one)) for name, one in runs]),
        score_figure(scores, of_clips=True),
        tertile_figure(scores),
        sensitivity_figure(scores),
        calibration_figure(scores, runs),
        layer_figure(scores),
    )
    return tuple(figure for figure in found if figure is not None)
