"""The plain sentences at the top: what the table says, and what it does not."""

from __future__ import annotations

from statistics import median

from ambivox.metrics import Metric
from ambivox.present.html.facts import CorpusFacts, Facts
from ambivox.present.html.scores import (
    control,
    headline,
    interval_text,
    number,
    ranked,
    shared_facts,
    skill_of,
    value_of,
)
from ambivox.scoring import ScoreRow, ScoreTable

SMALL = 100
"""Below so many clips the page warns: with the usual spread of jsd_bits (about .2) the standard error of a
mean over 100 clips is .02, the size of the differences that readouts are compared by."""
NAMED = 2
"""How many rows a sentence names before it counts the rest."""
LITTLE_MASS = 0.1
"""Below this median mass the page says that the model was hardly about to name a label."""

_HEARD = {
    "clip": "the clips themselves",
    "silence": "silence of the same length",
    "noise": "noise of the same length",
    "swapped": "another clip of the corpus",
    "no-audio": "nothing",
    "transcript-only": "nothing, but with the words of the clip to read",
}


def warnings(facts: Facts) -> list[str]:
    """What a reader must know before any number."""
    found = []
    for name, described in facts.environment.get("corpora", {}).items():
        if described.get("votes_invented"):
            found.append(
                f"{name}: its votes are invented, so its scores show that the program works and say nothing "
                "of people."
            )
    return found


def heard(facts: Facts) -> str:
    """What the models heard, in words."""
    return "; ".join(_HEARD.get(name, name) for name in facts.controls)


def summarise(table: ScoreTable, facts: Facts, corpus: str) -> list[str]:
    """What the table says of a corpus: what won, what to hold against it, what remains open."""
    rows = ranked(table, corpus)
    sample, doubts = _sample(facts.corpora[corpus]), [*_without_distribution(table, corpus)]
    doubts.append(_doubt(facts.corpora[corpus], rows, headline(table)))
    if not rows:
        nothing = "No readout that heard the clips gave a distribution that could be scored."
        return [f"{sample} {nothing}", " ".join(doubts)]
    load_issues = [*_levels(table, corpus), *_without_clips(table, rows[0])]
    if rows[0].mass is not None and rows[0].mass < LITTLE_MASS:
        load_issues.append(
            f"Where it was best, the model gave the labels {number(rows[0].mass)} of its probability "
            "(median): it was hardly about to name one."
        )
    paragraphs = [[sample, _best(table, rows), _against_prior(table, rows)], load_issues, doubts]
    return [" ".join(sentences) for sentences in paragraphs if sentences]


def _sample(corpus: CorpusFacts) -> str:
    clips = corpus.rated
    speakers = {clip.speaker for clip in clips if clip.speaker is not None}
    by = f" of {_plural(len(speakers), 'speaker')}" if speakers else ""
    votes = [clip.votes for clip in clips]
    each = (
        f"{votes[0]}"
        if min(votes) == max(votes)
        else f"{min(votes)} to {max(votes)}, median {median(votes):g}"
    )
    return f"Scored: {_plural(len(clips), 'clip')}{by}; votes per clip: {each}."


def _without_distribution(table: ScoreTable, corpus: str) -> list[str]:
    asked = [row for row in table.rows if row.corpus == corpus and row.level != "control"]
    silent = [row for row in asked if row.failed == row.utterances]
    if not silent:
        return []
    several, _ = shared_facts(table.rows)
    names = ", ".join(_named(row, several) for row in silent[:NAMED])
    more = f" and {len(silent) - NAMED} more" if len(silent) > NAMED else ""
    return [f"Without any distribution, and so not ranked: {names}{more}."]


def _best(table: ScoreTable, rows: list[ScoreRow]) -> str:
    metric, best = headline(table), rows[0]
    several, _ = shared_facts(table.rows)
    value = value_of(best, metric)
    assert value is not None
    shown = number(value)
    ties = [row for row in rows[1:] if number(value_of(row, metric) or 0.0) == shown]
    end = "lowest" if metric.lower_is_better else "highest"
    others = f" (the same to three decimals: {', '.join(_named(row, several) for row in ties)})"
    choice = f" ({best.failed} failed, {_counted(table)})" if best.failed else ""
    luck = ", and the best of many is partly luck" if len(rows) > 1 else ""
    return (
        f"By {metric.name} ({_direction(metric.lower_is_better)}) the {end} of "
        f"{_plural(len(rows), 'scored row')} is {_named(best, several)} with {shown} over "
        f"n = {_plural(best.utterances, 'reading')}{choice}{others if ties else ''}{luck}."
    )


def _against_prior(table: ScoreTable, rows: list[ScoreRow]) -> str:
    metric, best = headline(table), rows[0]
    prior = control(table, best.corpus, "vote prior")
    prior_value = value_of(prior, metric) if prior else None
    skill = skill_of(best, metric)
    if prior_value is not None and skill is None:
        return (
            f"The vote prior, which hears nothing, already has {number(prior_value)}: skill against it is "
            "undefined, and nothing shows that a readout is better than not hearing."
        )
    if prior_value is None or skill is None:
        return "The vote prior has no score here, so nothing shows that a readout is better than not hearing."
    shown = number(skill, 2, signed=True)
    found = best.skill_intervals.get(metric.name)
    ends = interval_text(found, 2, signed=True)
    if float(number(skill, 2).replace("−", "-").replace("∞", "inf")) == 0:
        verdict = "is level with it"
    elif skill < 0:
        verdict = "does not beat it"
    elif found is not None and found.excludes_zero:
        verdict = "beats it"
    else:
        verdict = "is ahead of it, but not beyond chance" if ends else "is ahead of it"
    flat = control(table, best.corpus, "uniform")
    flat_value = value_of(flat, metric) if flat else None
    flat_text = "" if flat_value is None else f" Uniform has {number(flat_value)}."
    beating = sum((skill_of(row, metric) or 0.0) > 0 for row in rows)
    return (
        f"The vote prior, which knows how people vote in this corpus and hears nothing, has "
        f"{number(prior_value)}: that readout {verdict} (skill {shown}{f', 95% {ends},' if ends else ''} on "
        "the same readings). "
        f"Rows with positive skill: {beating} of {len(rows)}.{flat_text}"
    )


def _levels(table: ScoreTable, corpus: str) -> list[str]:
    metric = headline(table)
    best = {level: ranked(table, corpus, level=level)[:1] for level in ("text", "token")}
    if not all(best.values()):
        return []
    several, _ = shared_facts(table.rows)
    parts = [
        f"{_named(row, several)} with {number(value_of(row, metric) or 0.0)} at the {level} level"
        for level, (row,) in best.items()
    ]
    return [f"Best at each level: {' and '.join(parts)}."]


def _without_clips(table: ScoreTable, best: ScoreRow) -> list[str]:
    """The best readout again where the model heard something else: hearing has to make a difference."""
    metric = headline(table)
    value = value_of(best, metric)
    sentences = []
    for row in table.rows:
        other = value_of(row, metric)
        same = (row.corpus, row.model, row.prompt, row.readout) == (
            best.corpus,
            best.model,
            best.prompt,
            best.readout,
        )
        if not same or row.control == "clip" or other is None or value is None:
            continue
        gained = other - value if metric.lower_is_better else value - other
        verdict = (
            "hearing the clips helped" if float(f"{gained:.3f}") > 0 else "hearing the clips did not help"
        )
        sentences.append(
            f"Given {_HEARD.get(row.control, row.control)} instead, the best readout has {number(other)}: "
            f"by this number {verdict}."
        )
    return sentences


def _doubt(corpus: CorpusFacts, rows: list[ScoreRow], metric: Metric) -> str:
    clips = len(corpus.rated)
    found = rows[0].intervals.get(metric.name) if rows else None
    if found is None:
        interval = "no interval can be given"
    elif found.reason:
        interval = f"no interval can be given ({found.reason.text})"
    else:
        ends = f"{number(found.low)} to {number(found.high)}"
        interval = f"the 95% interval of the best readout is {ends}, and overlapping ones are no ties"
    if clips >= SMALL:
        return f"{interval[0].upper()}{interval[1:]}."
    return (
        f"With only {_plural(clips, 'clip')} every number is uncertain, differences between readouts most "
        f"of all; {interval}."
    )


def _named(row: ScoreRow, several_models: bool) -> str:
    heard = "" if row.control == "clip" else f" given {row.control}"
    return f"“{row.readout}” on the prompt “{row.prompt}”{heard}" + (
        f" of {row.model}" if several_models else ""
    )


def _counted(table: ScoreTable) -> str:
    return "left out" if table.failed_as == "excluded" else f"counted as {table.failed_as}"


def _direction(lower_is_better: bool) -> str:
    return "lower is better" if lower_is_better else "higher is better"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
