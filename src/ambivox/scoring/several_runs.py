"""Several runs in one table: their rows side by side, and paired differences on the clips that they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import UsageError
from ambivox.metrics import Metric
from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.run_folder import Run
from ambivox.scoring.differences import clip_scores, difference_intervals, shared_clips
from ambivox.scoring.keys import ControlKey, Key, RowKey
from ambivox.scoring.leads import leads
from ambivox.scoring.notes import Note
from ambivox.scoring.options import ScoringOptions
from ambivox.scoring.read_run import RunReadings
from ambivox.scoring.readings import CorpusReadings, Readings
from ambivox.scoring.table import Difference, ScoreRow, ScoreTable, headline, plain
from ambivox.statistics import Interval, holm

Between = Literal["runs", "models", "prompts"]


def side_by_side(readings: Sequence[RunReadings], tables: Sequence[ScoreTable]) -> ScoreTable:
    """The rows of several runs in one table, and what lies between those of the first and of each other.

    Every number is that of the run alone. Controls that ask no model stand there once where all runs have
    the same clips. Each row of a later run is compared with the row of the first run that is read in the same
    way: of the same model and question if there is one, else of each other model on that question, else of
    each other question to that model.

    Args:
        readings: of the runs, by the same options; `check_comparable` has passed them.
        tables: of the same runs.
    """
    names = run_names([one.run for one in readings])
    own = [_named(table, name) for table, name in zip(tables, names, strict=True)]
    rows = [row for table in own for row in table.rows]
    parts = [(name, corpus) for name, one in zip(names, readings, strict=True) for corpus in one.corpora]
    differences, notes = _differences(readings, names, {row.key: row for row in rows})
    return replace(
        tables[0],
        rows=tuple(_once(rows)),
        sensitivities=tuple(one for table in own for one in table.sensitivities),
        fitted=tuple(one for table in own for one in table.fitted),
        notes=(*_notes([table.notes for table in own], names), *notes),
        cautions=_notes([table.cautions for table in own], names),
        differences=differences,
        leads=leads(parts, rows, readings[0].options),
    )


def check_comparable(readings: Sequence[RunReadings]) -> None:
    """Refuse runs whose scores do not belong in one table.

    Raises:
        UsageError: a run given twice, different emotion sets, or a clip whose votes, truth or speaker differ.
    """
    names = run_names([one.run for one in readings])
    for (a, first), (b, second) in combinations(zip(names, readings, strict=True), 2):
        for one in first.corpora:
            for other in second.corpora:
                _check_corpora(f"{a} and {b}", one, other)


def run_names(runs: Sequence[Run]) -> list[str]:
    """What runs are called in a table: their folder, with as much of its path as tells them apart.

    Raises:
        UsageError: one is given twice.

    >>> run_names([Run("runs/a/word"), Run("runs/b/word")])
    ['a/word', 'b/word']
    """
    paths = [run.folder.resolve() for run in runs]
    for place, path in enumerate(paths):
        if path in paths[:place]:
            raise UsageError(f"{runs[place].folder}: given twice: name each run once")
    n_parts = 1
    while len({path.parts[-n_parts:] for path in paths}) < len(paths):
        n_parts += 1
    return ["/".join(path.parts[-n_parts:]) for path in paths]


def _check_corpora(names: str, a: CorpusReadings, b: CorpusReadings) -> None:
    if a.emotions.labels != b.emotions.labels:
        sets = f"{a.emotions.name} and {b.emotions.name}"
        raise UsageError(f"{names}: different emotion sets ({sets}): score each in a table of its own")
    if a.corpus == b.corpus:
        _check_clips(f"{names}: {a.corpus}", a, b)


def _check_clips(names: str, a: CorpusReadings, b: CorpusReadings) -> None:
    places = {name: place for place, name in enumerate(a.clips.names)}
    fix = "run the older study again, or score each in a table of its own"
    for there, name in enumerate(b.clips.names):
        if name not in places:
            continue
        here = places[name]
        same_votes = np.array_equal(a.clips.votes[here], b.clips.votes[there])
        if not same_votes or not np.array_equal(a.clips.q[here], b.clips.q[there]):
            raise UsageError(f"{names}: different truths: the votes on {name!r} have changed between: {fix}")
        speakers = a.clips.speakers[here], b.clips.speakers[there]
        if speakers[0] != speakers[1]:
            told = " in one and of ".join(str(speaker or "nobody") for speaker in speakers)
            raise UsageError(f"{names}: {name!r} is of {told} in the other: {fix}")


def _named(table: ScoreTable, name: str) -> ScoreTable:
    """The table with the run in every key and note."""

    def noted(notes: Sequence[Note]) -> tuple[Note, ...]:
        return tuple(replace(note, run=name, key=note.key and replace(note.key, run=name)) for note in notes)

    return replace(
        table,
        rows=tuple(replace(row, key=replace(row.key, run=name)) for row in table.rows),
        sensitivities=tuple(replace(one, key=replace(one.key, run=name)) for one in table.sensitivities),
        fitted=tuple(replace(one, key=replace(one.key, run=name)) for one in table.fitted),
        notes=noted(table.notes),
        cautions=noted(table.cautions),
    )


def _once(rows: Sequence[ScoreRow]) -> Iterator[ScoreRow]:
    """The rows, with controls that are the same in all runs on a corpus once."""
    controls: dict[ControlKey, list[ScoreRow]] = {}
    for row in rows:
        if isinstance(row.key, ControlKey):
            controls.setdefault(replace(row.key, run=""), []).append(row)
    for row in rows:
        if not isinstance(row.key, ControlKey):
            yield row
            continue
        key = replace(row.key, run="")
        own = [replace(one, key=key) for one in controls[key]]
        if any(plain(one) != plain(own[0]) for one in own):
            yield row
        elif row is controls[key][0]:
            yield own[0]


def _notes(of_runs: Sequence[Sequence[Note]], names: Sequence[str]) -> tuple[Note, ...]:
    """The notes of all runs; what is noted of every one stands there once and names none."""
    found = list(dict.fromkeys(note for notes in of_runs for note in notes))
    everywhere = {
        bare
        for note in found
        if note.key is None
        for bare in (replace(note, run=""),)
        if all(replace(note, run=name) in found for name in names)
    }
    shown = (bare if (bare := replace(note, run="")) in everywhere else note for note in found)
    return tuple(dict.fromkeys(shown))


@dataclass(frozen=True)
class _Pair:
    """Readings of a later run and of the first one that are compared."""

    found: Readings
    reference: Readings
    between: Between


@dataclass(frozen=True)
class _Shared:
    """One corpus in the first run (a) and in another (b), whose shared clips are at `in_a` and `in_b`."""

    a: CorpusReadings
    b: CorpusReadings
    names: tuple[str, str]
    in_a: NDArray[np.intp]
    in_b: NDArray[np.intp]

    @classmethod
    def of(cls, a: CorpusReadings, b: CorpusReadings, names: tuple[str, str]) -> _Shared:
        return cls(a, b, names, *shared_clips(a.clips, b.clips))

    def keys(self, pair: _Pair) -> tuple[RowKey, RowKey]:
        """Those of the rows, as the table has them."""
        first, name = self.names
        return replace(pair.found.key, run=name), replace(pair.reference.key, run=first)

    def values(self, pair: _Pair, metric: Metric, options: ScoringOptions) -> Array:
        """The difference on each shared clip; ``nan`` where one of the runs has no score."""
        scored = [
            clip_scores(found, corpus, metric, options.counts_failed_as, among=places)
            for found, corpus, places in (
                (pair.found, self.b, self.in_b),
                (pair.reference, self.a, self.in_a),
            )
        ]
        return np.asarray(scored[0] - scored[1])

    def notes(self) -> list[Note]:
        """Where the clips are not the same, which numbers are on which."""
        n_a, n_b, n_both = len(self.a.clips.names), len(self.b.clips.names), len(self.in_a)
        if n_a == n_b == n_both:
            return []
        first, name = self.names
        text = (
            f"has {n_b} scored clips and {first} has {n_a}, of which {n_both} are the same: scores are on "
            "the clips of each, differences on those of both"
        )
        return [Note("other-clips", text, self.a.corpus, run=name)]


def _differences(
    readings: Sequence[RunReadings], names: Sequence[str], rows: Mapping[Key, ScoreRow]
) -> tuple[tuple[Difference, ...], list[Note]]:
    first, *others = readings
    found: list[Difference] = []
    notes: list[Note] = []
    for a in first.corpora:
        of_corpus: list[Difference] = []
        for name, other in zip(names[1:], others, strict=True):
            for b in (b for b in other.corpora if b.corpus == a.corpus):
                shared = _Shared.of(a, b, (names[0], name))
                notes += shared.notes()
                of_corpus += _between(shared, rows, first.options)
        found += _corrected(of_corpus)
    return tuple(found), notes


def _between(shared: _Shared, rows: Mapping[Key, ScoreRow], options: ScoringOptions) -> list[Difference]:
    """The differences of two runs on one corpus, not yet corrected for their number."""
    pairs = list(_pairs(shared.a.readings, shared.b.readings)) if len(shared.in_a) else []
    names = options.metrics or (headline([metric.name for metric in options.all_metrics]),)
    metrics = [metric for metric in options.all_metrics if metric.name in names]
    asked = [(pair, metric) for pair in pairs for metric in metrics]
    reasons = [_why_none([rows[key] for key in shared.keys(pair)], metric) for pair, metric in asked]
    values = [
        shared.values(*one, options) for one, reason in zip(asked, reasons, strict=True) if reason is None
    ]
    clips = shared.a.clips
    codes = clips.codes[shared.in_a]
    made = iter(difference_intervals(np.column_stack(values), codes, unit=clips.unit) if values else ())
    intervals = iter(
        [next(made) if reason is None else Interval(np.nan, np.nan, np.nan, 0, reason) for reason in reasons]
    )
    return [
        Difference(
            *shared.keys(pair),
            pair.between,
            len(shared.in_a),
            {metric.name: next(intervals) for metric in metrics},
        )
        for pair in pairs
    ]


def _why_none(rows: Sequence[ScoreRow], metric: Metric) -> Reason | None:
    """Why there is no difference between two rows in a metric; None if there is one."""
    if not metric.per_utterance and metric.linearised is None:
        return Reason("not-linearised", f"{metric.name} does not say how it moves with single clips")
    return next((why for row in rows if (why := row.why_none(metric.name))), None)


def _pairs(first: Sequence[Readings], other: Sequence[Readings]) -> Iterator[_Pair]:
    """Each reading of the other run with those of the first that it is nearest to, see `side_by_side`."""
    for found in other:
        key = found.key
        if key.control != "clip":
            continue
        alike = [one for one in first if one.key.control == "clip" and one.key.read_by == key.read_by]
        nearest: dict[Between, list[Readings]] = {
            "runs": [one for one in alike if one.key == key],
            "models": [one for one in alike if one.key.question == key.question],
            "prompts": [one for one in alike if one.key.model == key.model],
        }
        between = next((name for name, ones in nearest.items() if ones), None)
        if between is not None:
            yield from (_Pair(found, one, between) for one in nearest[between])


def _corrected(found: Sequence[Difference]) -> list[Difference]:
    """The differences of a corpus with p-values that are corrected for their number."""
    metrics = found[0].intervals if found else ()
    p_holm = {metric: holm([one.intervals[metric].p for one in found]).tolist() for metric in metrics}
    return [
        replace(one, p_holm={metric: p[place] for metric, p in p_holm.items()})
        for place, one in enumerate(found)
    ]
