"""The table of what lies between several runs, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ambivox.metrics import Metric
from ambivox.present.numbers import interval, number
from ambivox.present.tables import Cell, Column, Group, Line, Table, footnote, missing
from ambivox.scoring import Difference, ScoreTable
from ambivox.scoring.keys import prompt_text, readout_text


def difference_table(scores: ScoreTable, corpus: str) -> Table | None:
    """What later runs score less than the first, on the clips that both have; None where nothing is compared.

    A line for each pair of rows, by metric the mean difference with its interval and the p-value that is
    corrected for the number of pairs.
    """
    found = [one for one in scores.differences if one.key.corpus == corpus]
    if not found:
        return None
    metrics = [scores.metric(name) for name in found[0].intervals]
    columns = [Column("readout", kind="text"), Column("clips", "of both runs", rank=2 * len(metrics))]
    for place, metric in enumerate(metrics):
        better = "below" if metric.lower_is_better else "above"
        columns.append(
            Column(f"Δ {metric.name}", f"{better} 0: the later run is better", "number", place, "95%", place)
        )
        columns.append(Column("p", "by Holm's correction", rank=len(metrics) + place))
    groups: dict[str, list[Line]] = {}
    for one in found:
        cells = [Cell(_name(one)), Cell(str(one.clips)), *_cells(one, metrics)]
        groups.setdefault(_heading(one), []).append(Line(tuple(cells)))
    return Table(
        f"{corpus}: differences, clip by clip",
        tuple(columns),
        tuple(Group(heading, tuple(lines)) for heading, lines in groups.items()),
    )


def _cells(one: Difference, metrics: Sequence[Metric]) -> Iterator[Cell]:
    for metric in metrics:
        found = one.intervals[metric.name]
        if found.estimate != found.estimate:
            yield missing(found.reason, metric.name)
            yield Cell("")
            continue
        why = found.reason or found.caution
        yield Cell(
            number(found.estimate, signed=True),
            interval(found, signed=True),
            detail_notes=(footnote(why),) if why else (),
        )
        p = one.p_holm[metric.name]
        yield Cell("" if p != p else number(p))


def _heading(one: Difference) -> str:
    """The two runs, and in what their rows differ."""
    named = {
        "runs": ("", ""),
        "models": (one.key.model, one.reference.model),
        "prompts": (prompt_text(one.key), prompt_text(one.reference)),
    }
    later, first = (
        f"{key.run} ({name})" if name else key.run
        for key, name in zip((one.key, one.reference), named[one.between], strict=True)
    )
    return f"{later} less {first}"


def _name(one: Difference) -> str:
    """What the two rows share."""
    shared = {
        "runs": (prompt_text(one.key), readout_text(one.key), one.key.model),
        "models": (prompt_text(one.key), readout_text(one.key)),
        "prompts": (readout_text(one.key), one.key.model),
    }
    return " · ".join(part for part in shared[one.between] if part)
