"""What a corpus holds, as lines and tables that every face shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ambivox.inspection import CorpusCheck, Inspection
from ambivox.inspection.facts import VoteFacts
from ambivox.present.numbers import number
from ambivox.present.tables import Cell, Column, Group, Line, Table

VALUES_NAMED = 12
"""Longer lists of values are cut."""


def summary_lines(found: Inspection) -> list[str]:
    """Clips, hours and speakers, a line each."""
    d = found.durations
    lines = [f"{found.utterances:,} utterances, {len(d.seconds):,} with audio" + _hours(found)]
    if d.unreadable:
        lines[0] += f", {len(d.unreadable):,} with audio that cannot be read"
    speakers = [n for name, n in found.speakers.items() if name is not None]
    if speakers:
        sexes = tally_text(found.sexes, "utterances of unknown sex")
        fewest, most = min(speakers), max(speakers)
        each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
        lines.append(f"{len(speakers):,} speakers with {each} utterances each; by sex: {sexes}")
    if set(found.sessions) != {None}:
        lines.append(f"sessions: {tally_text(found.sessions)}")
    if set(found.partitions) != {None}:
        lines.append(f"partitions: {tally_text(found.partitions)}")
    if set(found.consensus) != {None}:
        lines.append(f"published labels: {tally_text(found.consensus)}")
    told = f"{found.transcripts:,} transcripts"
    lines.append(told + (f", {found.dialogues:,} dialogues or recordings" if found.dialogues else ""))
    return lines


def vote_lines(votes: VoteFacts) -> list[str]:
    """Votes, raters, entropy, agreement and controls, a line each."""
    r, bits = votes.raters, votes.entropy_bits
    if r is None:
        span = "not known, only shares of them"
    elif r.smallest < r.largest:
        span = f"{r.smallest:g} to {r.largest:g}, median {r.median:g}"
    else:
        span = f"{r.median:g}"
    known = f"{votes.n_raters:,} raters in all" if votes.n_raters else "who voted is not known"
    lines = [
        f"{votes.utterances:,} utterances with votes; raters per utterance: {span}; {known}",
        f"vote entropy: mean {bits.mean():.3f} bits; unanimous: {votes.unanimous:.1%}",
        f"agreement: Krippendorff's alpha {number(votes.alpha)}, Fleiss' kappa {number(votes.kappa)}"
        + (" (needs the extra 'raters')" if votes.alpha is None else ""),
    ]
    for control, scores in votes.controls.items():
        lines.append(f"{control}: " + ", ".join(f"{name} {number(value)}" for name, value in scores.items()))
    if votes.reliability:
        shares = sorted(votes.reliability.values())
        by = "a rater agrees with the others' votes"
        if votes.truth_method in ("dawid-skene", "mace"):
            by = f"reliability of a rater by {votes.truth_method}"
        lines.append(f"{by}: {shares[0]:.2f} to {shares[-1]:.2f}, median {shares[len(shares) // 2]:.2f}")
    if votes.outside:
        lines.append(f"votes outside {votes.emotion_set}: {tally_text(votes.outside)}")
    return lines


def tally_text(counts: Mapping[str | None, int] | Mapping[str, int], unknown: str = "unknown") -> str:
    """Values with their counts, unknown last, long lists cut."""
    named = [f"{unknown if name is None else name} {n:,}" for name, n in counts.items()]
    return ", ".join(named[:VALUES_NAMED]) + (", ..." if len(named) > VALUES_NAMED else "")


def _hours(found: Inspection) -> str:
    s = found.durations.seconds
    if not len(s):
        return ""
    return f" ({found.durations.hours:.2f} h; {s.min():.1f} to {s.max():.1f} s)"


def label_table(votes: VoteFacts) -> Table:
    """Votes for each label, its share and the agreement on it."""
    lines = [
        (
            Cell(label.label),
            Cell(f"{label.votes:,}"),
            Cell(number(label.share)),
            Cell(number(label.standard_error)),
            Cell(f"{label.first:,.0f}"),
            Cell(number(label.alpha)),
            Cell(number(label.kappa)),
        )
        for label in votes.labels
    ]
    return Table(
        f"Labels of {votes.emotion_set}, over {votes.utterances:,} utterances with votes",
        (
            Column("label", kind="text"),
            Column("votes"),
            Column("share", "mean over utterances"),
            Column("standard error", "of the share in an utterance, mean", rank=4),
            Column("most voted", "utterances, ties shared", rank=3),
            Column("alpha", "Krippendorff, against the rest", rank=1),
            Column("kappa", "Fleiss, against the rest", rank=2),
        ),
        (Group("", tuple(map(Line, lines))),),
    )


def confusion_table(votes: VoteFacts) -> Table:
    """What a second rater says where a first said the line's label."""
    names = [label.label for label in votes.labels]
    lines = [
        Line((Cell(name), *(Cell(number(float(share), 2)) for share in row)))
        for name, row in zip(names, votes.confusions, strict=True)
    ]
    columns = (Column("one says / others say", kind="text"), *map(Column, names))
    return Table("Two raters of an utterance", columns, (Group("", tuple(lines)),))


def option_table(found: Inspection) -> Table:
    """What each named option keeps."""
    groups = []
    for option in dict.fromkeys(kept.option for kept in found.options):
        lines = [
            Line(
                (
                    Cell(kept.value),
                    Cell(f"{kept.utterances:,}"),
                    Cell(f"{kept.utterances / max(found.utterances, 1):.1%}"),
                    Cell(f"{kept.votes:,}"),
                    Cell(kept.what),
                )
            )
            for kept in found.options
            if kept.option == option
        ]
        groups.append(Group(option, tuple(lines)))
    return Table(
        "What each option keeps",
        (
            Column("option", kind="text"),
            Column("utterances"),
            Column("share", rank=1),
            Column("votes"),
            Column("what it does", kind="text", rank=2),
        ),
        tuple(groups),
    )


def split_table(found: Inspection) -> Table:
    """How each split by name divides the corpus."""
    lines = []
    for split in found.splits:
        sizes = ", ".join(
            f"{part} {low:,}" + (f" to {high:,}" if high != low else "")
            for part, (low, high) in split.sizes.items()
        )
        cells = (Cell(split.name), Cell(str(split.n_splits or "–")), Cell(sizes or split.reason))
        lines.append(Line(cells))
    return Table(
        "Splits by name: utterances in each part",
        (Column("split", kind="text"), Column("how many"), Column("parts", kind="text")),
        (Group("", tuple(lines)),),
    )


def check_table(checks: Iterable[CorpusCheck]) -> Table:
    """What was checked, and what to fix."""
    lines = []
    for check in checks:
        verdict = Cell("FIX", mark="warning")
        if check.passed:
            verdict = Cell("caution", mark="warning") if check.caution else Cell("ok")
        lines.append(Line((verdict, Cell(check.name), Cell(check.detail))))
        if not check.passed and check.fix:
            lines.append(Line((Cell(""), Cell(""), Cell(f"-> {check.fix}", mark="warning"))))
    columns = (Column("", kind="text"), Column("check", kind="text"), Column("detail", kind="text"))
    return Table("", columns, (Group("", tuple(lines)),))
