"""A corpus in a terminal: what it holds, how its raters disagree, and what each option would keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isnan

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambivox.inspection import CorpusCheck, Inspection
from ambivox.inspection.facts import VoteFacts
from ambivox.present.text.cells import number

_LABELS_ACROSS = 12
"""A table of confusions with more labels than this does not fit a terminal; the page and the JSON have it."""


def show_inspection(console: Console, found: Inspection) -> None:
    """Print the facts of a corpus."""
    console.print(Text(found.corpus, style="bold"), Text(found.licence, style="dim"))
    for line in summary_lines(found):
        console.print(Text(line))
    if found.votes is not None:
        console.print()
        console.print(_label_table(found.votes))
        for line in vote_lines(found.votes):
            console.print(Text(line))
        if len(found.votes.labels) <= _LABELS_ACROSS:
            console.print()
            console.print(_confusion_table(found.votes))
    if found.options:
        console.print()
        console.print(_option_table(found))
    console.print()
    console.print(_split_table(found))
    for text in found.load_issues:
        console.print(Text(f"found: {text}", style="yellow"))


def show_checks(console: Console, checks: Iterable[CorpusCheck]) -> None:
    """Print what was checked, and what to fix."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("", "check", "detail"):
        table.add_column(column)
    for check in checks:
        verdict = Text("FIX", style="yellow")
        if check.passed:
            verdict = Text("caution", style="yellow") if check.caution else Text("ok")
        table.add_row(verdict, Text(check.name), Text(check.detail))
        if not check.passed and check.fix:
            table.add_row("", "", Text(f"-> {check.fix}", style="yellow"))
    console.print(table)


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
    return ", ".join(named[:_LABELS_ACROSS]) + (", ..." if len(named) > _LABELS_ACROSS else "")


def _hours(found: Inspection) -> str:
    s = found.durations.seconds
    if not len(s):
        return ""
    return f" ({found.durations.hours:.2f} h; {s.min():.1f} to {s.max():.1f} s)"


def _grid(*columns: str) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for n, column in enumerate(columns):
        grid.add_column(column, justify="right" if n else "left", no_wrap=n > 0)
    return grid


def _label_table(votes: VoteFacts) -> Table:
    grid = _grid("label", "votes", "share", "s.e.", "most voted", "alpha", "kappa")
    for label in votes.labels:
        grid.add_row(
            Text(label.label),
            f"{label.votes:,}",
            number(label.share),
            number(label.standard_error),
            f"{label.first:,.0f}",
            number(label.alpha),
            number(label.kappa),
        )
    return grid


def _confusion_table(votes: VoteFacts) -> Table:
    grid = _grid("one says / others say", *(label.label for label in votes.labels))
    for label, row in zip(votes.labels, votes.confusions, strict=True):
        grid.add_row(Text(label.label), *("–" if isnan(share) else f"{share:.2f}" for share in row))
    return grid


def _option_table(found: Inspection) -> Table:
    grid = _grid("option", "utterances", "votes")
    for kept in found.options:
        share = f" {kept.utterances / max(found.utterances, 1):4.0%}"
        grid.add_row(Text(f"{kept.option}: {kept.value}"), f"{kept.utterances:,}{share}", f"{kept.votes:,}")
    return grid


def _split_table(found: Inspection) -> Table:
    grid = _grid("split", "times")
    grid.add_column("utterances")
    for split in found.splits:
        sizes = ", ".join(
            f"{part} {low:,}" + (f" to {high:,}" if high != low else "")
            for part, (low, high) in split.sizes.items()
        )
        grid.add_row(Text(split.name), str(split.n_splits or "–"), Text(sizes or split.reason, style="dim"))
    return grid
