"""The plain sentences at the top: what the table says, and what it does not."""

from __future__ import annotations

from statistics import median

from ambivox.metrics import Metric
from ambivox.present.names import HEARD, listed, several_models
from ambivox.present.numbers import interval, number, plural
from ambivox.scoring import RowKey, ScoreRow, ScoreTable
from ambivox.scoring.keys import prompt_text, readout_text
from ambivox.scoring.readings import CorpusReadings

SMALL = 100
"""Below so many clips the page warns: with the usual spread of jsd_bits (about .2) the standard error of a
mean over 100 clips is .02, the size of the differences that readouts are compared by."""
NAMED = 2
"""How many rows a sentence names before it counts the rest."""
LITTLE_MASS = 0.1
"""Below this median mass the page says that the model was hardly about to name a label."""


def summarise(table: ScoreTable, readings: CorpusReadings) -> list[str]:
    """What the table says of a corpus: what won, what to hold against it, what remains open."""
    corpus = readings.corpus
    rows = table.ranked(corpus)
    sample, doubts = _sample(readings), [*_without_distribution(table, corpus)]
    doubts.append(_doubt(readings, rows, _headline(table)))
    if not rows:
        nothing = "No readout that heard the clips gave a distribution that could be scored."
        return [f"{sample} {nothing}", " ".join(doubts)]
    findings = [*_levels(table, corpus), *_without_clips(table, rows[0])]
    if rows[0].mass is not None and rows[0].mass < LITTLE_MASS:
        findings.append(
            f"Where it was best, the model gave the labels {number(rows[0].mass)} of its probability "
            "(median): it was hardly about to name one."
        )
    paragraphs = [[sample, _best(table, rows), against_prior(table, rows)], findings, doubts]
    return [" ".join(sentences) for sentences in paragraphs if sentences]


def _headline(table: ScoreTable) -> Metric:
    return table.metric(table.headline)


def _sample(readings: CorpusReadings) -> str:
    clips = readings.clips
    speakers = {speaker for speaker in clips.speakers if speaker is not None}
    by = f" of {plural(len(speakers), 'speaker')}" if speakers else ""
    votes = clips.votes.sum(axis=1).tolist()
    each = (
        f"{votes[0]}"
        if min(votes) == max(votes)
        else f"{min(votes)} to {max(votes)}, median {median(votes):g}"
    )
    return f"Scored: {plural(len(clips.names), 'clip')}{by}; votes per clip: {each}."


def _without_distribution(table: ScoreTable, corpus: str) -> list[str]:
    asked = [row for row in table.rows if row.key.corpus == corpus and row.level != "control"]
    silent = [row for row in asked if row.failed == row.utterances]
    if not silent:
        return []
    several = several_models(table.rows)
    names = listed([_named(row, several) for row in silent], NAMED)
    return [f"Without any distribution, and so not ranked: {names}."]


def _best(table: ScoreTable, rows: list[ScoreRow]) -> str:
    metric, best = _headline(table), rows[0]
    several = several_models(table.rows)
    value = best.value(metric.name)
    assert value is not None
    shown = number(value)
    ties = [row for row in rows[1:] if round(row.value(metric.name) or 0.0, 3) == round(value, 3)]
    end = "lowest" if metric.lower_is_better else "highest"
    others = f" (the same to three decimals: {', '.join(_named(row, several) for row in ties)})"
    choice = f" ({best.failed} failed, {_counted(table)})" if best.failed else ""
    luck = ", and the best of many is partly luck" if len(rows) > 1 else ""
    return (
        f"By {metric.name} ({_direction(metric.lower_is_better)}) the {end} of "
        f"{plural(len(rows), 'scored row')} is {_named(best, several)} with {shown} over "
        f"n = {plural(best.utterances, 'reading')}{choice}{others if ties else ''}{luck}."
    )


def against_prior(table: ScoreTable, rows: list[ScoreRow]) -> str:
    """A sentence on the best row and the vote prior of its corpus."""
    metric, best = _headline(table), rows[0]
    prior = table.control(best.key.corpus, "vote-prior")
    prior_value = prior.value(metric.name) if prior else None
    skill = _skill(best, metric)
    if prior_value is not None and skill is None:
        return (
            f"The vote prior, which hears nothing, already has {number(prior_value)}: skill against it is "
            "undefined, and nothing shows that a readout is better than not hearing."
        )
    if prior_value is None or skill is None:
        return "The vote prior has no score here, so nothing shows that a readout is better than not hearing."
    shown = number(skill, signed=True)
    found = best.skill_intervals.get(metric.name)
    ends = interval(found, signed=True)
    if round(skill, 3) == 0:
        verdict = "is level with it"
    elif skill < 0:
        verdict = "does not beat it"
    elif found is not None and found.excludes_zero:
        verdict = "beats it"
    else:
        verdict = "is ahead of it, but not beyond chance" if ends else "is ahead of it"
    flat = table.control(best.key.corpus, "uniform")
    flat_value = flat.value(metric.name) if flat else None
    flat_text = "" if flat_value is None else f" Uniform has {number(flat_value)}."
    beating = sum((_skill(row, metric) or 0.0) > 0 for row in rows)
    return (
        f"The vote prior, which knows how people vote in this corpus and hears nothing, has "
        f"{number(prior_value)}: that readout {verdict} (skill {shown}{f', 95% {ends},' if ends else ''} on "
        "the same readings). "
        f"Rows with positive skill: {beating} of {len(rows)}.{flat_text}"
    )


def _levels(table: ScoreTable, corpus: str) -> list[str]:
    metric = _headline(table)
    best = {level: table.ranked(corpus, level=level)[:1] for level in ("text", "token")}
    if not all(best.values()):
        return []
    several = several_models(table.rows)
    parts = [
        f"{_named(row, several)} with {number(row.value(metric.name) or 0.0)} at the {level} level"
        for level, (row,) in best.items()
    ]
    return [f"Best at each level: {' and '.join(parts)}."]


def _without_clips(table: ScoreTable, best: ScoreRow) -> list[str]:
    """The best readout again where the model heard something else: hearing has to make a difference."""
    metric = _headline(table)
    value = best.value(metric.name)
    sentences = []
    for row in table.rows:
        other = row.value(metric.name)
        same = isinstance(row.key, RowKey) and row.key.heard("clip") == best.key
        if not same or row.of_clips or other is None or value is None:
            continue
        gained = round(other - value if metric.lower_is_better else value - other, 3)
        worse = "no worse" if gained <= 0 else f"worse by {number(gained)}"
        sentences.append(
            f"Given {HEARD[row.key.control]} instead, the best readout has {number(other)}: {worse}."
        )
    if sentences:
        sentences.append("Whether hearing the clips helped beyond chance is what 'ambivox claims' tests.")
    return sentences


def _doubt(readings: CorpusReadings, rows: list[ScoreRow], metric: Metric) -> str:
    clips = len(readings.clips.names)
    found = rows[0].intervals.get(metric.name) if rows else None
    if found is None:
        told = "no interval can be given"
    elif found.reason:
        told = f"no interval can be given ({found.reason.text})"
    else:
        ends = f"{number(found.low)} to {number(found.high)}"
        told = f"the 95% interval of the best readout is {ends}, and intervals that overlap do not mean a tie"
    if clips >= SMALL:
        return f"{told[0].upper()}{told[1:]}."
    return (
        f"With only {plural(clips, 'clip')} every number is uncertain, differences between readouts most "
        f"of all; {told}."
    )


def _skill(row: ScoreRow, metric: Metric) -> float | None:
    skill = row.skill.get(metric.name)
    return None if skill is None or skill != skill else skill


def _named(row: ScoreRow, several: bool) -> str:
    assert isinstance(row.key, RowKey)
    heard = "" if row.of_clips else f" given {row.key.control}"
    of = f" of {row.key.model}" if several else ""
    return f"“{readout_text(row.key)}” on the prompt “{prompt_text(row.key)}”{heard}{of}"


def _counted(table: ScoreTable) -> str:
    return "left out" if table.failed_as == "excluded" else f"counted as {table.failed_as}"


def _direction(lower_is_better: bool) -> str:
    return "lower is better" if lower_is_better else "higher is better"
