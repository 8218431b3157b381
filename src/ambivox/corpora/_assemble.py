"""From rows of a table to utterances: their ids, and ratings that stand one in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambivox.corpora._columns import TEXTS
from ambivox.corpora._row import Row, VoteKind
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.words import has_control, is_no_label, split_labels, unique_ids
from ambivox.errors import UsageError
from ambivox.raters.ratings import LabelChoice, Rating, votes_of

PERCENT = 100


@dataclass(frozen=True)
class Placed:
    """A row with its sound.

    Args:
        names: candidates for the id, shortest first, where the table has no column of ids; the last one is
            the row's own.
    """

    row: Row
    audio: Path
    names: tuple[str, ...]


def by_clip(rows: Sequence[Placed], load_issues: LoadIssues, *, repair_ids: bool = False) -> list[Utterance]:
    """An utterance for each row, as many as rows.

    Args:
        rows: in their order.
        load_issues: gets ids and sounds that repeat.
        repair_ids: make ids unique that a column of ids repeats; otherwise they are an error.

    Raises:
        UsageError: a repeated id, or a cell that makes no sense.
    """
    ids = _ids(rows, load_issues, repair_ids)
    utterances = [placed.row.utterance(id_, placed.audio) for id_, placed in zip(ids, rows, strict=True)]
    sounds = Counter(map(_sound, utterances))
    load_issues.add_all(
        "utterances that repeat the sound of another",
        [u.id for u in utterances if sounds[_sound(u)] > 1],
        fix="leave the copies out; if each row is a rating, name the column of raters with columns.rater",
    )
    return utterances


def _sound(utterance: Utterance) -> tuple[object, ...]:
    return (utterance.audio, utterance.start_s, utterance.end_s, utterance.channel)


def by_rating(
    rows: Iterable[Placed], load_issues: LoadIssues, labels: LabelChoice = "all-labels"
) -> list[Utterance]:
    """An utterance for all rows on one clip, each of which is one rating.

    Rows belong together by their id, or by sound file and segment where there are no ids. A rater who stands
    at a clip several times named several labels; the same label counts once.

    Raises:
        UsageError: rows of one clip that contradict each other, no column of labels, or a cell that makes no
            sense.
    """
    clips: dict[object, list[Placed]] = {}
    for placed in rows:
        row = placed.row
        sound = (placed.audio, row.seconds("start"), row.seconds("end"), row.channel())
        key = row.text("id") if "id" in row.named else sound
        if key is None:
            raise row.fault("id", "is empty: every rating needs the id of its clip, or leave the column out")
        clips.setdefault(key, []).append(placed)
    firsts = [found[0] for found in clips.values()]
    ids = _ids(firsts, load_issues, False)
    utterances = []
    for id_, found in zip(ids, clips.values(), strict=True):
        _check_same(found)
        ratings = _ratings([placed.row for placed in found], load_issues)
        first = found[0]
        utterances.append(first.row.utterance(id_, first.audio, ratings, votes_of(ratings, labels)))
    return utterances


def corpus_of(
    placed: Sequence[Placed],
    load_issues: LoadIssues,
    path: Path,
    *,
    ratings: bool,
    name: str | None,
    licence: str,
    labels: LabelChoice,
    votes: VoteKind | None,
    votes_invented: bool,
    repair_ids: bool = False,
) -> Corpus:
    """The corpus of a table's rows; `ratings`: whether each row is one rating. For the rest see `by_clip`."""
    if ratings:
        utterances = by_rating(placed, load_issues, labels)
    else:
        utterances = by_clip(placed, load_issues, repair_ids=repair_ids)
    finish(utterances, load_issues, path, votes)
    return Corpus(
        name or path.stem,
        licence,
        tuple(utterances),
        load_issues.all(),
        labels=labels if ratings else None,
        votes_invented=votes_invented,
    )


def finish(
    utterances: Sequence[Utterance], load_issues: LoadIssues, path: Path, kind: VoteKind | None
) -> None:
    """Count what is odd about the whole table, and refuse votes that are percentages by all signs.

    Raises:
        UsageError: the votes of every utterance sum to 100.
    """
    totals = [sum(u.votes.values()) for u in utterances if u.votes and not u.ratings]
    near = totals and all(abs(total - PERCENT) <= 1 for total in totals)
    if kind is None and near and PERCENT in totals:
        raise UsageError(
            f"{path}: the votes of every utterance sum to {PERCENT}, as percentages do: give the option "
            f"votes=percent (or votes=counts, if {PERCENT} raters judged each)"
        )
    if any(u.rated for u in utterances):
        load_issues.add_all("utterances without votes", [u.id for u in utterances if not u.rated])


def _ids(rows: Sequence[Placed], load_issues: LoadIssues, repair: bool) -> list[str]:
    seen: dict[str, str] = {}
    candidates: list[tuple[str, ...]] = []
    for placed in rows:
        row = placed.row
        if "id" not in row.named:
            candidates.append(placed.names)
            continue
        given = row.text("id")
        if given is None:
            raise row.fault("id", "is empty: every utterance needs one")
        if has_control(given):
            raise row.fault("id", f"{given!r} has control characters: rename it")
        if given in seen and not repair:
            raise row.fault("id", f"{given!r} is the id of {seen[given]} too: ids must differ")
        if given in seen:
            load_issues.add(
                "rows that repeat an id, told apart by their place",
                f"{given} in {row.where}",
                fix="give every row an id of its own, or name another column with columns.id",
            )
        seen.setdefault(given, row.where)
        candidates.append((given, f"{given} ({placed.names[-1]})"))
    return unique_ids(candidates)


def _check_same(found: Sequence[Placed]) -> None:
    known: dict[str, tuple[str, str]] = {}
    for placed in found:
        for column in (*TEXTS, "audio"):
            said = str(placed.audio) if column == "audio" else placed.row.text(column)
            if said is not None:
                before = known.setdefault(column, (said, placed.row.where))
                if before[0] != said:
                    raise placed.row.fault(
                        column,
                        f"{said!r}, but {before[1]} of the same clip says {before[0]!r}: make them agree",
                    )


def _ratings(rows: Sequence[Row], load_issues: LoadIssues) -> tuple[Rating, ...]:
    named: dict[object, list[str]] = {}
    for number, row in enumerate(rows):
        labels = _labels(row)
        if not labels:
            load_issues.add("ratings without a label (empty, nan, none), left out", row.where)
            continue
        rater = row.text("rater")
        key = number if rater is None else rater
        if key in named:
            repeated = [label for label in labels if label in named[key]]
            what = "repeat themselves, counted once" if repeated else "named several labels of a clip"
            load_issues.add(f"ratings in which raters {what}", row.where)
        named.setdefault(key, []).extend(label for label in labels if label not in named.get(key, ()))
    return tuple(Rating(key if isinstance(key, str) else None, tuple(said)) for key, said in named.items())


def _labels(row: Row) -> list[str]:
    """What one rater said: the labels of a cell, or those of the columns that are marked."""
    if row.named_votes():
        votes, shares, _ = row.judged()
        if shares or any(count != 1 for count in votes.values()):
            raise row.fault(row.named_votes()[0], "a rating marks the labels that it names with 1")
        return list(votes)
    if "ratings" in row.named:
        return row.ratings()
    if "label" not in row.named:
        raise UsageError(
            f"{row.path}: no column of the label that each rater gave: name it with columns.label=NAME, or "
            "columns of labels with vote_columns"
        )
    given = row.cells.get("label")
    try:
        parts = given if isinstance(given, list) else split_labels(row.text("label") or "")
    except ValueError as error:
        raise row.fault("label", str(error)) from None
    return [
        row.label("label", str(part)) for part in parts if part is not None and not is_no_label(str(part))
    ]
