"""What figures show is what the score table and the claims say."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from ambivox.field_claims import RunClaims, claims_of_readings
from ambivox.metrics import ece, entropy_bits
from ambivox.present.figures.charts import CYCLE, LEVELS, Curves, Figure, Mark, Rows, styled, ticks
from ambivox.present.figures.of_claims import VERDICTS, claim_figure
from ambivox.present.figures.of_readings import calibration_figure, entropy_figure, status_figure
from ambivox.present.figures.of_scores import (
    layer_figure,
    score_figure,
    sensitivity_figure,
    tertile_figure,
)
from ambivox.present.figures.standard import standard_figures
from ambivox.scoring import RowKey, RunReadings, ScoreTable, ScoringOptions, read_run, score_readings
from ambivox.scoring.table import SensitivityScore
from ambivox.statistics import Interval
from tests.present.runs import Made, make_run

OPTIONS = ScoringOptions(cluster="clip", n_draws=200)


class Scored(NamedTuple):
    """A run with all that figures are made of."""

    readings: RunReadings
    scores: ScoreTable
    tested: RunClaims


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    made = Made(controls=("clip", "swapped"))
    readings = read_run(make_run(tmp_path_factory.mktemp("figures") / "run", made), OPTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ambivox.field_claims.claim.N_DRAWS", 199)
        return Scored(readings, score_readings(readings), claims_of_readings(readings))


def known_ends(found: Interval) -> tuple[float, float] | None:
    return None if np.isnan(found.low) else (found.low, found.high)


def rows_of(figure: Figure | None) -> Rows:
    assert figure is not None
    [panel] = figure.panels
    assert isinstance(panel, Rows)
    return panel


def curves_of(figure: Figure | None) -> Curves:
    assert figure is not None
    [panel] = figure.panels
    assert isinstance(panel, Curves)
    return panel


def test_marks_and_lines_of_the_score_figure_are_the_scores_with_their_intervals(scored: Scored) -> None:
    scores, panel = scored.scores, rows_of(score_figure(scored.scores))
    rows = [row for row in scores.rows if row.level != "control"]
    assert len(panel.rows) == len(rows)
    for drawn, row in zip(panel.rows, rows, strict=True):
        found = row.intervals.get("jsd_bits")
        if found is None:
            assert (drawn.marks, row.value("jsd_bits")) == ((), None)
            continue
        [mark] = drawn.marks
        assert (mark.value, mark.ends) == (row.value("jsd_bits"), (found.low, found.high))
        assert mark.style.hollow == (not row.of_clips)
        assert mark.style.colour == LEVELS[row.level].colour
    controls = {line.name: line.value for line in panel.lines}
    for name in ("uniform", "vote prior", "noise ceiling"):
        control = scores.control("crema-d", name.replace(" ", "-"))  # type: ignore[arg-type]
        assert control is not None
        assert controls[name] == control.value("jsd_bits")


def test_a_row_without_a_score_has_a_name_and_no_mark(scored: Scored) -> None:
    rows = [
        replace(row, scores={}) if isinstance(row.key, RowKey) and row.key.readout == "label" else row
        for row in scored.scores.rows
    ]
    panel = rows_of(score_figure(replace(scored.scores, rows=tuple(rows)), of_clips=True))
    without = [row.name for row in panel.rows if not row.marks]
    assert "no score · word · label" in without
    assert all(row.name.startswith("no score") == (row.name in without) for row in panel.rows)
    assert 0 < len(without) < len(panel.rows)


def test_the_claim_figure_has_every_number_of_every_tested_claim(scored: Scored) -> None:
    figure = claim_figure([("", scored.tested)])
    assert figure is not None
    drawn = {
        (row.name, row.marks[0]) for panel in figure.panels if isinstance(panel, Rows) for row in panel.rows
    }
    [found] = scored.tested.corpora
    expected = {
        (
            f"{claim.verdict}: {claim.sentence}",
            Mark(part.interval.estimate, VERDICTS[claim.verdict], known_ends(part.interval)),
        )
        for claim in found.claims
        for part in claim.parts
    }
    assert drawn == expected
    assert len({claim.verdict for claim in found.claims if claim.parts}) > 1


def test_thirds_are_the_skills_of_the_best_readout_of_each_level(scored: Scored) -> None:
    scores, panel = scored.scores, curves_of(tertile_figure(scored.scores))
    assert [name for _, name in panel.x_ticks] == ["least", "middle", "most"]
    for curve, level in zip(panel.curves, LEVELS, strict=True):
        thirds = scores.ranked("crema-d", level=level)[0].tertiles
        assert curve.y == tuple(third.skill.estimate for third in thirds)
        assert list(curve.ends) == [known_ends(third.skill) for third in thirds]
        assert any(curve.ends)


def test_sensitivity_shows_both_parts_of_the_variance(scored: Scored) -> None:
    panel = rows_of(sensitivity_figure(scored.scores))
    known = [one for one in scored.scores.sensitivities if not one.reason]
    assert [tuple(mark.value for mark in row.marks) for row in panel.rows] == [
        (one.of_mean, one.of_single) for one in known
    ]
    assert {one.over for one in known} == {"prompts"}


def test_the_bins_of_the_calibration_figure_make_the_error_of_the_table(scored: Scored) -> None:
    panel = curves_of(calibration_figure(scored.scores, [("", scored.readings)]))
    for curve, level in zip(panel.curves, LEVELS, strict=True):
        key = scored.scores.ranked("crema-d", level=level)[0].key
        [corpus] = scored.readings.corpora
        one = next(one for one in corpus.readings if one.key == key)
        p, q = one.p[~one.failed], corpus.clips.q[one.clips[~one.failed]]
        gaps = [weight * abs(x - y) for x, y, weight in zip(curve.x, curve.y, curve.weights, strict=True)]
        assert sum(gaps) == pytest.approx(float(ece(p, q, target="votes")))
        assert sum(curve.weights) == pytest.approx(1)


def test_entropies_are_those_of_readings_and_votes(scored: Scored) -> None:
    panel = curves_of(entropy_figure(scored.scores, [("", scored.readings)]))
    [corpus] = scored.readings.corpora
    truth = dict(zip(corpus.clips.names, entropy_bits(corpus.clips.q), strict=True))
    for curve in panel.curves:
        np.testing.assert_allclose(curve.x, [truth[name] for name in curve.names])


def test_statuses_are_shares_of_all_readings(scored: Scored) -> None:
    figure = status_figure(scored.scores)
    assert figure is not None
    rows = [row for row in scored.scores.rows if row.level == "text"]
    for (_, parts), row in zip(figure.panels[0].rows, rows, strict=True):  # type: ignore[union-attr]
        assert {style.name: int(text) for style, _, text in parts} == dict(row.statuses)
        assert sum(share for _, share, _ in parts) == pytest.approx(1)


def test_layers_are_drawn_in_their_order_with_their_scores(scored: Scored) -> None:
    row = next(
        row
        for row in scored.scores.rows
        if row.of_clips and isinstance(row.key, RowKey) and row.key.readout == "first"
    )
    assert isinstance(row.key, RowKey)
    layers = [
        replace(row, key=replace(row.key, readout="lens", options=(("layer", layer),)))
        for layer in (2, 10, 1)
    ]
    table = replace(scored.scores, rows=(*scored.scores.rows, *layers))
    [curve] = curves_of(layer_figure(table)).curves
    assert curve.x == (1, 2, 10)
    assert curve.y == (row.value("jsd_bits"),) * 3
    assert layer_figure(scored.scores) is None
    assert len(rows_of(score_figure(table)).rows) == len(rows_of(score_figure(scored.scores)).rows)


def test_nothing_is_drawn_of_what_is_not_known(scored: Scored) -> None:
    scores = scored.scores
    empty = replace(scores, rows=(), sensitivities=())
    reasons = tuple(
        SensitivityScore(one.key, one.over, 1, 0, reason=one.reason)
        for one in scores.sensitivities
        if one.reason
    )
    assert sensitivity_figure(replace(scores, sensitivities=reasons)) is None
    assert [make(empty) for make in (score_figure, tertile_figure, sensitivity_figure, layer_figure)] == [
        None
    ] * 4
    assert claim_figure([("", replace(scored.tested, corpora=()))]) is None


def test_series_of_a_figure_can_be_told_apart_without_colour(scored: Scored) -> None:
    for figure in standard_figures(scored.scores, [scored.readings]):
        looks = [(style.marker, style.hollow) for style in figure.legend]
        assert len(set(looks)) == len(looks), figure.name
    named = styled([f"prompt {n}" for n in range(len(CYCLE))])
    assert len({(style.marker, style.dash) for style in named}) == len(named)
    assert len({style.marker for style in named}) == len(named)


def test_colours_of_the_two_levels_differ_in_grey() -> None:
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    text, token = (grey(style.colour) for style in LEVELS.values())
    assert abs(text - token) > 0.2


@pytest.mark.parametrize("ends", [(-0.04, 1.04), (0.2, 0.23), (-3.0, 900.0), (1e-9, 2e-9)])
def test_ticks_are_few_and_lie_on_the_axis(ends: tuple[float, float]) -> None:
    found = ticks(*ends)
    assert 3 <= len(found) <= 9
    assert all(ends[0] <= tick <= ends[1] for tick in found)
    assert np.diff(found) == pytest.approx(found[1] - found[0])
