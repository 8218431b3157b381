"""The figures of a score table: scores between their controls, thirds of ambiguity, layers, sensitivity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ambivox.metrics import Metric
from ambivox.present.figures.charts import (
    LEVELS,
    Curve,
    Curves,
    Dash,
    Figure,
    Line,
    Mark,
    Row,
    Rows,
    Style,
    padded,
    styled,
)
from ambivox.present.names import row_name, several_models
from ambivox.present.numbers import number
from ambivox.scoring import ControlKey, RowKey, ScoreRow, ScoreTable
from ambivox.scoring.keys import prompt_text, readout_text
from ambivox.scoring.table import SensitivityScore
from ambivox.statistics import Interval

LINES: dict[str, Dash] = {"uniform": "dashdot", "vote-prior": "dashed", "noise-ceiling": "dotted"}
"""The controls that scores are shown beside."""
LAYERS = "lens"
"""The readout of every layer; it has a figure of its own."""

Subject = tuple[str, str]
"""A run (empty where there is just one) and a model."""


def score_figure(scores: ScoreTable, corpora: Sequence[str] = (), *, of_clips: bool = False) -> Figure | None:
    """The headline score of every readout with its interval, between uniform, vote prior and noise ceiling.

    Args:
        corpora: those that are shown, all by default.
        of_clips: leave out what was answered to anything but the clips.

    Returns:
        None where nothing has a score.
    """
    metric, several = scores.metric(scores.headline), several_models(scores.rows)
    panels = []
    for corpus in corpora or scores.corpora:
        rows = [row for row in _readouts(scores, corpus) if row.of_clips or not of_clips]
        drawn = tuple(_score_row(row, metric, several) for row in rows)
        if any(row.marks for row in drawn):
            panels.append(Rows(corpus, axis_label(metric), drawn, control_lines(scores, corpus)))
    if not panels:
        return None
    return Figure(
        "scores",
        f"{metric.name} of every readout",
        f"{metric.name} of every readout with its 95% interval, beside what hears nothing (uniform, and the "
        "vote prior, which knows how people vote) and what another set of votes would score (the noise "
        "ceiling). Hollow marks: the model heard something other than the clip.",
        tuple(panels),
    )


def _readouts(scores: ScoreTable, corpus: str) -> list[ScoreRow]:
    asked = (row for row in scores.rows if row.key.corpus == corpus and row.level != "control")
    return [row for row in asked if isinstance(row.key, RowKey) and row.key.readout != LAYERS]


def _score_row(row: ScoreRow, metric: Metric, several: bool) -> Row:
    value, name = row.value(metric.name), row_name(row.key, model=several)
    if value is None or not math.isfinite(value):
        return Row(f"no score · {name}")
    style = LEVELS[row.level]
    if not row.of_clips:
        style = replace(style, name=f"{style.name}, hearing something else", hollow=True)
    return Row(f"{number(value)} · {name}", (Mark(value, style, whisker(row.intervals.get(metric.name))),))


def whisker(found: Interval | None) -> tuple[float, float] | None:
    """Where an interval begins and ends; None where there is none."""
    return None if found is None or found.reason else (found.low, found.high)


def control_lines(scores: ScoreTable, corpus: str) -> tuple[Line, ...]:
    """What the controls that ask no model score by the headline."""
    found = []
    for row in scores.rows:
        value = row.value(scores.headline)
        drawn = isinstance(row.key, ControlKey) and row.key.corpus == corpus and row.key.control in LINES
        if drawn and value is not None and math.isfinite(value):
            found.append(Line(value, row_name(row.key), LINES[row.key.control]))
    return tuple(found)


def axis_label(metric: Metric) -> str:
    """A metric with its unit and which end is better."""
    unit = "" if metric.unit == "1" else f" ({metric.unit})"
    return f"{metric.name}{unit}, {'lower' if metric.lower_is_better else 'higher'} is better"


def subjects(scores: ScoreTable, corpus: str) -> list[Subject]:
    """Every run and model that was scored on a corpus."""
    keys = [row.key for row in scores.rows if row.key.corpus == corpus]
    return list(dict.fromkeys((key.run, key.model) for key in keys if isinstance(key, RowKey)))


def subject_title(corpus: str, subject: Subject) -> str:
    """What a panel of one run and model is called."""
    return " · ".join(filter(None, dict.fromkeys((corpus, *subject))))


def best_of_levels(scores: ScoreTable, corpus: str, subject: Subject | None = None) -> list[ScoreRow]:
    """The plain readout of the clips that scored best at each level, of one run and model or of all."""
    found = []
    for level in LEVELS:
        ranked = [(row, row.key) for row in scores.ranked(corpus, level=level)]
        found += [
            row
            for row, key in ranked
            if isinstance(key, RowKey) and not key.calibration and subject in (None, (key.run, key.model))
        ][:1]
    return found


def tertile_figure(scores: ScoreTable, corpora: Sequence[str] = ()) -> Figure | None:
    """Token against text: the skill of the best readout of each level by thirds; None without thirds."""
    panels = []
    for corpus in corpora or scores.corpora:
        for subject in subjects(scores, corpus):
            curves = tuple(_tertile_curves(best_of_levels(scores, corpus, subject)))
            if curves:
                names = [third.tertile for third in _with_thirds(scores, corpus)[0].tertiles]
                points = [end for curve in curves for pair in curve.ends if pair for end in pair]
                panels.append(
                    Curves(
                        subject_title(corpus, subject),
                        "third of the clips by ambiguity",
                        f"skill in {scores.tertile_metric}",
                        curves,
                        (-0.4, len(names) - 0.6),
                        padded([*points, *(y for curve in curves for y in curve.y), 0.0]),
                        tuple((float(n), name) for n, name in enumerate(names)),
                        (Line(0.0, "vote prior of that third"),),
                    )
                )
    if not panels:
        return None
    return Figure(
        "thirds",
        "Text against token level by ambiguity",
        f"Skill in {scores.tertile_metric} of the readout of each level that scored best, on the least, "
        "middle and most ambiguous third of the clips, with 95% intervals: 0 is the vote prior of that "
        "third, 1 is perfect.",
        tuple(panels),
    )


def _with_thirds(scores: ScoreTable, corpus: str) -> list[ScoreRow]:
    return [row for row in scores.rows if row.key.corpus == corpus and row.tertiles]


def _tertile_curves(rows: Sequence[ScoreRow]) -> Iterator[Curve]:
    for place, row in enumerate(rows):
        known = [
            (n + 0.12 * place - 0.06, third.skill)
            for n, third in enumerate(row.tertiles)
            if not third.reason and math.isfinite(third.skill.estimate)
        ]
        if known:
            x, y = tuple(x for x, _ in known), tuple(skill.estimate for _, skill in known)
            yield Curve(LEVELS[row.level], x, y, tuple(whisker(skill) for _, skill in known))


def layer_figure(scores: ScoreTable, corpora: Sequence[str] = ()) -> Figure | None:
    """The headline score of every layer, a curve per prompt; None where no layers were read."""
    metric = scores.metric(scores.headline)
    panels = []
    for corpus in corpora or scores.corpora:
        lines = control_lines(scores, corpus)
        for subject in subjects(scores, corpus):
            layers = _layers(scores, corpus, subject)
            styles = styled(list(layers))
            curves = tuple(_layer_curve(style, layers[style.name], metric) for style in styles)
            if curves:
                points = [end for curve in curves for pair in curve.ends if pair for end in pair]
                values = [y for curve in curves for y in curve.y]
                last = max(x for curve in curves for x in curve.x)
                panels.append(
                    Curves(
                        subject_title(corpus, subject),
                        "decoder layer",
                        axis_label(metric),
                        curves,
                        (0.5, last + 0.5),
                        padded([*points, *values, *(line.value for line in lines)]),
                        lines=lines,
                    )
                )
    if not panels:
        return None
    return Figure(
        "layers",
        f"{metric.name} by layer",
        f"{metric.name} of the first token read at every decoder layer (logit lens), with 95% intervals, "
        "beside the controls that hear nothing and the noise ceiling.",
        tuple(panels),
    )


def _layers(scores: ScoreTable, corpus: str, subject: Subject) -> dict[str, list[tuple[int, ScoreRow]]]:
    """The rows of each layer that have a score, by prompt."""
    found: dict[str, list[tuple[int, ScoreRow]]] = {}
    for row in scores.rows:
        key = row.key
        if not isinstance(key, RowKey) or key.readout != LAYERS or key.corpus != corpus or not row.of_clips:
            continue
        layer, scored = dict(key.options).get("layer"), row.value(scores.headline) is not None
        if (key.run, key.model) == subject and layer and scored and not key.calibration:
            found.setdefault(prompt_text(key), []).append((int(layer), row))
    return {name: sorted(rows, key=lambda one: one[0]) for name, rows in found.items()}


def _layer_curve(style: Style, rows: Sequence[tuple[int, ScoreRow]], metric: Metric) -> Curve:
    return Curve(
        style,
        tuple(float(layer) for layer, _ in rows),
        tuple(row.scores[metric.name].value for _, row in rows),
        tuple(whisker(row.intervals.get(metric.name)) for _, row in rows),
    )


def sensitivity_figure(scores: ScoreTable, corpora: Sequence[str] = ()) -> Figure | None:
    """How far readings move with the order of the options and with the prompt; None if that is unknown."""
    levels = {key.read_by: row.level for row in scores.rows if isinstance(key := row.key, RowKey)}
    several = several_models(scores.rows)
    panels = []
    for corpus in corpora or scores.corpora:
        rows = tuple(
            _sensitivity_row(one, LEVELS[levels[one.key.read_by]], several)
            for one in scores.sensitivities
            if one.key.corpus == corpus and not one.reason and one.key.readout != LAYERS
        )
        if rows:
            lines = (Line(0.0, "does not move", "dotted"),)
            panels.append(Rows(corpus, "root of the variance (probability)", rows, lines))
    if not panels:
        return None
    return Figure(
        "sensitivity",
        "Sensitivity to prompts and orders",
        "How far predictions move with the order of the options within a prompt, and with the prompt: filled "
        "marks for the mean prediction of all clips, hollow ones for single predictions beyond that.",
        tuple(panels),
    )


def _sensitivity_row(one: SensitivityScore, level: Style, several: bool) -> Row:
    parts = (
        one.key.run,
        f"over {one.over}",
        prompt_text(one.key),
        readout_text(one.key),
        one.key.model if several else "",
    )
    marks = (
        Mark(one.of_mean, replace(level, name=f"{level.name}, mean prediction")),
        Mark(one.of_single, replace(level, name=f"{level.name}, single predictions", hollow=True)),
    )
    return Row(" · ".join(filter(None, parts)), marks)
