"""Score a run: every readout against the votes, beside controls that heard nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ambivox.distribution import Array, Outside, count_votes, truth
from ambivox.errors import UsageError
from ambivox.metrics import (
    CONVENTIONS,
    Convention,
    FailedAs,
    Score,
    one_hot_plurality,
    skill,
    uniform,
    vote_prior,
)
from ambivox.readouts import Reading, Readout, load_readouts
from ambivox.record import Record
from ambivox.studies.run import Run

VOTE_PRIOR = "vote prior"


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table: a readout of one prompt of one model on one corpus, or a control.

    Args:
        heard: what the model heard: ``none`` means the clips themselves, else the control's name.
        level: ``text``, ``token``, or ``control`` for what needs no model.
        utterances: readings in the denominator; those of clips without a usable truth are not among them.
        statuses: how many readings have which status; sums to `utterances`.
        failed: readings without a distribution.
        mass: median probability on the labels before renormalising (token level only).
        scores: by metric of the convention, failed readings counted as the table says.
        by_failed: the same under each choice of what a failed reading counts as.
        skill: by metric, how far from the vote prior (0) to perfection (1), on the same readings.
    """

    corpus: str
    model: str
    heard: str
    prompt: str
    readout: str
    level: Literal["text", "token", "control"]
    utterances: int
    statuses: Mapping[str, int]
    failed: int
    mass: float | None
    scores: Mapping[str, Score]
    by_failed: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    skill: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreTable:
    """Scores of a run under one convention, with all that a reader must know beside them."""

    convention: str
    source: str
    metrics: tuple[str, ...]
    outside: Outside
    failed_as: FailedAs
    rows: tuple[ScoreRow, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain


@dataclass(frozen=True)
class _Group:
    """Records that are scored together, with their truths (shape ``(U, N)``) and speakers."""

    records: list[Record]
    q: Array
    prior: Array


def score(
    run: Run | str | Path,
    *,
    convention: str = "ambivox",
    outside: Outside = "drop",
    failed_as: FailedAs | None = None,
    readouts: Sequence[str] | None = None,
) -> ScoreTable:
    """Score the records of a run. Nothing is asked of a model.

    Args:
        run: a run or its directory.
        convention: a name of ``ambivox metrics``; it says which metrics and how failed readings count.
        outside: how votes outside the emotion set enter the truth, see `truth`.
        failed_as: what a failed reading counts as, in place of the convention's choice.
        readouts: in place of the study's.

    Raises:
        UsageError: unknown name, no records, no votes, or `neutral` asked of a set that has no such label.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    chosen = CONVENTIONS[convention]
    failed_as = failed_as or chosen.failed_as
    if failed_as not in get_args(FailedAs):
        raise UsageError(f"failed: {failed_as!r} is not one of {', '.join(get_args(FailedAs))}")
    wanted = load_readouts(readouts or run.study().readouts)
    rows: list[ScoreRow] = []
    notes = [f"{convention}: {text}" for text in chosen.inferred]
    for corpus, records in _group_by(run.records(), lambda r: r.corpus).items():
        group, found = _with_truth(corpus, records, outside)
        notes += found
        if group is None:
            continue
        rows += _control_rows(corpus, group, chosen)
        for (model, heard, prompt), part in _parts(group).items():
            rows += [
                _score_readout(readout, part, (corpus, model, heard, prompt), chosen, failed_as)
                for readout in wanted
                if readout.applies(part.records[0])
            ]
    if not rows:
        raise UsageError(f"{run.folder}: no clip with votes inside the emotion set, nothing to score against")
    metrics = tuple(metric.name for metric in chosen.metrics)
    return ScoreTable(convention, chosen.source, metrics, outside, failed_as, tuple(rows), tuple(notes))


def _with_truth(corpus: str, records: list[Record], outside: Outside) -> tuple[_Group | None, list[str]]:
    """Keep the records whose clip has a usable truth, and say what was left out and why."""
    emotions = records[0].emotions
    q: dict[str, Array] = {}
    speakers: dict[str, str | None] = {}
    strayed = unrated = unusable = 0
    for record in {record.utterance: record for record in records}.values():
        votes = count_votes(record.votes, emotions)
        strayed += sum(votes.outside.values())
        shares = truth(votes, emotions, outside)
        if shares is not None:
            q[record.utterance] = shares
            speakers[record.utterance] = record.speaker
        elif votes.total:
            unusable += 1
        else:
            unrated += 1
    notes = [
        f"{corpus}: {text}"
        for number, text in (
            (strayed, f"{strayed} votes outside {emotions.name} ({outside})"),
            (unusable, f"{unusable} clips left out: no vote counts under '{outside}'"),
            (unrated, f"{unrated} clips left out: nobody rated them"),
        )
        if number
    ]
    if not q:
        return None, notes
    prior = vote_prior(np.array(list(q.values())), [_speaker(u, speakers[u]) for u in q])
    if prior.reason:
        notes.append(f"{corpus}: vote prior: {prior.reason}")
    priors = dict(zip(q, prior.p, strict=True))
    kept = [record for record in records if record.utterance in q]
    return (
        _Group(
            kept,
            np.array([q[record.utterance] for record in kept]),
            np.array([priors[record.utterance] for record in kept]),
        ),
        notes,
    )


def _speaker(utterance: str, speaker: str | None) -> str:
    return f"speaker {speaker}" if speaker is not None else f"utterance {utterance}"


def _parts(group: _Group) -> dict[tuple[str, str, str], _Group]:
    keys = [(record.model, record.control, record.prompt) for record in group.records]
    return {key: _take(group, [i for i, k in enumerate(keys) if k == key]) for key in dict.fromkeys(keys)}


def _take(group: _Group, rows: list[int]) -> _Group:
    return _Group([group.records[i] for i in rows], group.q[rows], group.prior[rows])


def _control_rows(corpus: str, group: _Group, convention: Convention) -> list[ScoreRow]:
    firsts = {record.utterance: i for i, record in reversed(list(enumerate(group.records)))}
    clips = _take(group, sorted(firsts.values()))
    predictions = {
        "uniform": uniform(*clips.q.shape),
        VOTE_PRIOR: clips.prior,
        "one-hot plurality": one_hot_plurality(clips.q),
    }
    rows = []
    for name, p in predictions.items():
        undefined = np.isnan(p).any(axis=-1)
        scores = (
            {} if undefined.all() else convention.score(p, clips.q, failed=undefined, failed_as="excluded")
        )
        statuses = {"ok": int((~undefined).sum()), "undefined": int(undefined.sum())}
        rows.append(
            ScoreRow(
                corpus=corpus,
                model="",
                heard="none",
                prompt="",
                readout=name,
                level="control",
                utterances=len(p),
                statuses={status: n for status, n in statuses.items() if n},
                failed=int(undefined.sum()),
                mass=None,
                scores=scores,
                skill=_skills(scores, p, clips, undefined, "excluded", convention),
            )
        )
    return rows


def _score_readout(
    readout: Readout,
    part: _Group,
    where: tuple[str, str, str, str],
    convention: Convention,
    failed_as: FailedAs,
) -> ScoreRow:
    readings = [readout(record) for record in part.records]
    failed = np.array([reading.distribution is None for reading in readings])
    p = np.array([_row(reading, part.q.shape[1]) for reading in readings])
    neutral = part.records[0].emotions.index("neutral")
    if failed_as == "neutral" and neutral is None:
        raise UsageError(
            f"convention {convention.name!r}: failed readings count as neutral, which the emotion set "
            f"{part.records[0].emotion_set!r} has not; choose another with --failed"
        )
    by_failed = {
        choice: convention.score(p, part.q, failed=failed, failed_as=choice, neutral=neutral)
        for choice in get_args(FailedAs)
        if not (choice == "neutral" and neutral is None) and not (choice == "excluded" and failed.all())
    }
    masses = [reading.mass for reading in readings if reading.mass is not None]
    # A readout that failed everywhere has no score, whatever failures count as: that would be a control's.
    scores = {} if failed.all() else by_failed[failed_as]
    return ScoreRow(
        *where,
        readout.name,
        readout.level,
        len(readings),
        dict(Counter(reading.status for reading in readings)),
        int(failed.sum()),
        float(np.median(masses)) if masses else None,
        scores,
        by_failed,
        _skills(scores, p, part, failed, failed_as, convention),
    )


def _skills(
    scores: Mapping[str, Score],
    p: Array,
    group: _Group,
    failed: np.ndarray[Any, np.dtype[np.bool_]],
    failed_as: FailedAs,
    convention: Convention,
) -> dict[str, float]:
    """Skill against the vote prior on the readings that were scored, so that both saw the same clips."""
    scored = ~failed if failed_as == "excluded" else np.ones(len(p), dtype=bool)
    scored &= ~np.isnan(group.prior).any(axis=-1)
    if not scores or not scored.any():
        return {}
    prior = convention.score(group.prior[scored], group.q[scored])
    directions = {metric.name: metric.lower_is_better for metric in convention.metrics}
    return {
        name: float(skill(value.value, prior[name].value, lower_is_better=directions[name]))
        for name, value in scores.items()
    }


def _row(reading: Reading, n_labels: int) -> Array:
    return np.full(n_labels, np.nan) if reading.distribution is None else reading.distribution


def _group_by(records: Iterable[Record], key: Any) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return groups


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
