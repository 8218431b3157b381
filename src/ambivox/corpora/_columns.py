"""Which column of a table is which of ours, whatever it is called there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ambivox.corpora.load_issues import LoadIssues
from ambivox.emotions import emotion_sets, load_emotions
from ambivox.errors import UsageError, unknown_name

TEXTS = ("transcript", "speaker", "dialogue", "intended", "sex", "session", "partition")
WAYS = ("votes", "shares", "percent", "ratings")
"""How a table may say what raters said; the first three also with a label after a dot, ``votes.angry``."""
KNOWN = (
    *("id", "audio", "start", "end", "channel", "turn", *TEXTS),
    *("consensus", "rater", "label", "n_raters", *WAYS),
)

ALIASES = {
    "audio": ("audio", "file", "file_name", "filename", "path", "audio_path", "audio_file", "wav"),
    "id": ("id", "utterance_id", "file_id", "segment_id"),
    "transcript": ("transcript", "transcription", "text", "sentence"),
    "speaker": ("speaker", "speaker_id", "spk_id"),
    "sex": ("sex", "gender"),
    "consensus": ("consensus", "label", "emotion"),
    "rater": ("rater", "rater_id", "annotator", "annotator_id", "worker", "worker_id", "workerid"),
    "label": ("label", "emotion", "rating"),
    "start": ("start", "start_s"),
    "end": ("end", "end_s"),
    "partition": ("partition", "split"),
}
"""What is looked for under which names, in this order; case does not count."""

_NEAR = 0.75
"""A name that is this like one of ours is a misspelling of it; others belong to somebody else."""


class Columns:
    """Finds our columns among those of a table; what is not used is counted once for the whole corpus.

    Args:
        wanted: our column -> theirs, where it has another name than `ALIASES` tell.
        vote_columns: columns that are labels, with votes for them.
        strict: a column that looks like a misspelt one of ours is an error.
        by_rating: whether a row is one rating; None where a column of raters says so.
    """

    def __init__(
        self,
        load_issues: LoadIssues,
        wanted: Mapping[str, str] | None = None,
        vote_columns: Sequence[str] = (),
        *,
        strict: bool = True,
        by_rating: bool | None = None,
    ) -> None:
        for ours in wanted or {}:
            way, _, label = ours.partition(".")
            if ours not in KNOWN and not (way in WAYS[:3] and label):
                raise unknown_name("column of a corpus", ours, KNOWN)
        self.wanted, self.vote_columns, self.strict = dict(wanted or {}), tuple(vote_columns), strict
        self.by_rating, self.load_issues = by_rating, load_issues
        self._found: dict[tuple[str, ...], dict[str, str]] = {}
        self._unused: set[str] = set()
        self._way = ""

    def of(self, path: Path, columns: tuple[str, ...]) -> dict[str, str]:
        """Our column -> theirs.

        Raises:
            UsageError: no column of audio, one that was asked for is missing, or votes in two ways.
        """
        if columns not in self._found:
            self._found[columns] = self._find(path, columns)
        return self._found[columns]

    def _find(self, path: Path, columns: tuple[str, ...]) -> dict[str, str]:
        if "" in columns[1:] and self.strict:  # the first one is the index that pandas writes
            raise UsageError(f"{path}: a column has no name: name it or leave it out")
        by_name = {column.casefold().replace(" ", "_"): column for column in reversed(columns)}
        used: dict[str, str] = {}
        for ours, theirs in self.wanted.items():
            if theirs not in columns:
                raise UsageError(f"{path}: no column {theirs!r} for {ours!r} (there are: {_some(columns)})")
            used[ours] = theirs
        taken = set(used.values())
        if self.by_rating is None and "rater" not in used:
            _add(used, "rater", by_name, taken)
        if self.by_rating is None:
            self.by_rating = "rater" in used
        if not self.by_rating and "label" in used:
            used.setdefault("consensus", used.pop("label"))
        names = {"consensus": ("consensus",)} if self.by_rating else {"label": (), "rater": ()}
        for ours in KNOWN:
            _add(used, ours, by_name, taken, names.get(ours))
        if "audio" not in used:
            hint = "" if len(columns) > 1 else " (cells are parted by commas, semicolons or tabs)"
            raise UsageError(
                f"{path}: the column 'audio' is missing: add it, or name it with columns.audio=NAME "
                f"(there are: {_some(columns)}){hint}"
            )
        used |= self._labels(path, columns)
        self._check_ways(path, used)
        self._check_unused(path, [c for c in columns if c and c not in used.values()], used)
        return used

    def _labels(self, path: Path, columns: tuple[str, ...]) -> dict[str, str]:
        """``votes.LABEL`` and its like -> the column of the label."""
        found = {}
        for column in columns:
            way, dot, label = column.partition(".")
            if dot and way in WAYS[:3]:
                if not label.strip():
                    raise UsageError(
                        f"{path}: column {column!r} names no label: use for example '{way}.angry'"
                    )
                found[f"{way}.{label}"] = column
        for column in self.vote_columns:
            if column not in columns:
                raise UsageError(
                    f"{path}: no column {column!r}, which vote_columns names (there are: {_some(columns)})"
                )
            found[f"votes.{column}"] = column
        return found

    def _check_ways(self, path: Path, used: Mapping[str, str]) -> None:
        for ours, theirs in used.items():
            way = ours.partition(".")[0]
            if way in WAYS:
                if self._way and self._way.partition(" ")[0] != way + ("." if "." in ours else ""):
                    raise UsageError(
                        f"{path}: votes come both in {self._way.partition(' ')[2]} and {theirs!r}: keep one"
                    )
                self._way = self._way or f"{way}{'.' if '.' in ours else ''} {theirs!r}"

    def _check_unused(self, path: Path, unused: list[str], used: Mapping[str, str]) -> None:
        known = [*KNOWN, *(f"{way}.LABEL" for way in WAYS[:3])]
        for column in unused if self.strict else ():
            way, dot, _ = column.casefold().partition(".")
            like = WAYS[:3] if dot else tuple({*KNOWN, *sum(ALIASES.values(), ())})
            if difflib.get_close_matches(way, like, n=1, cutoff=_NEAR):
                raise UsageError(f"{path}: {unknown_name('column', column, known)}")
        forms = {form for name in emotion_sets() for form in load_emotions(name).owner}
        votes = [column for column in unused if column.casefold() in forms]
        if len(votes) > 1 and not self._way and not self.by_rating and "consensus" not in used:
            raise UsageError(
                f"{path}: {_some(votes)} look like columns of votes: call them votes.{votes[0]} and so "
                f"on, or give the option vote_columns=[{','.join(votes)}]"
            )
        self.load_issues.add_all("columns that are not used", sorted(set(unused) - self._unused))
        self._unused |= set(unused)


def _add(
    used: dict[str, str],
    ours: str,
    by_name: Mapping[str, str],
    taken: set[str],
    names: tuple[str, ...] | None = None,
) -> None:
    for name in (ALIASES.get(ours, (ours,)) if names is None else names) if ours not in used else ():
        theirs = by_name.get(name)
        if theirs is not None and theirs not in taken:
            used[ours] = theirs
            taken.add(theirs)
            return


def _some(columns: Sequence[str]) -> str:
    more = f", and {len(columns) - 20} more" if len(columns) > 20 else ""
    return ", ".join(columns[:20]) + more
