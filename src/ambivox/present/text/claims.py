"""RunClaims in a terminal: each claim as a sentence with its verdict, and the comparisons beyond chance."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ambivox.field_claims import Claim, Comparison, Part, RunClaims

_STYLES = {"supported": "green", "contradicted": "red", "undecided": "yellow", "not tested": "dim"}
_SHOWN = 12


def show_claims(console: Console, claims: RunClaims) -> None:
    """Print every claim with verdict, effects and intervals, then the comparisons that are beyond chance."""
    for corpus in claims.corpora:
        console.print(Text(f"{corpus.corpus}: {corpus.model}", style="bold"))
        console.print(Text(corpus.basis, style="dim"))
        for note in corpus.notes:
            console.print(Text(f"note: {note}", style="dim"))
        fixes: dict[str, list[str]] = {}
        for number, claim in enumerate(corpus.claims, 1):
            _show_claim(console, number, claim)
            if claim.fix:
                fixes.setdefault(claim.fix, []).append(str(number))
        for fix, numbers in fixes.items():
            console.print(Text(f"to test {', '.join(numbers)}: {fix}", style="dim"))
        console.print()
    for name, comparisons in claims.comparisons.items():
        _show_comparisons(console, name, comparisons)
    console.print(
        Text(
            f"By {claims.metric}; failed readings count as {claims.failed_as}. Intervals: 95%, "
            f"bootstrap-t over {claims.cluster}s. p: sign-flip test over {claims.cluster}s, corrected by "
            "Holm for all claims on a corpus and model. supported: every number is above 0 beyond chance; "
            "contradicted: one is below.",
            style="dim",
        )
    )


def _show_claim(console: Console, number: int, claim: Claim) -> None:
    line = Text(f"{number:2d}. {claim.sentence}: ")
    line.append(claim.verdict, style=_STYLES[claim.verdict])
    console.print(line)
    for part in claim.parts:
        console.print(Text(f"    {part.what} {_effect(part)}"))
    if claim.refuted:
        console.print(Text(f"    {claim.refuted}"))
    if claim.verdict == "not tested":
        console.print(Text(f"    {claim.reason}", style="dim"))
    if claim.note:
        console.print(Text(f"    ({claim.note})", style="dim"))


def _effect(part: Part) -> str:
    unit = "" if part.unit == "1" else f" {part.unit}"
    value = f"{part.interval.estimate:+.3f}{unit}"
    if part.interval.reason:
        return value
    ends = f" [{part.interval.low:+.3f} {part.interval.high:+.3f}]"
    return f"{value}{ends}, p = {part.p_holm:.2g}"


def _show_comparisons(console: Console, corpus: str, comparisons: tuple[Comparison, ...]) -> None:
    beyond = sorted((c for c in comparisons if c.p_holm < 0.05), key=lambda c: -abs(c.difference))
    tested = sum(not c.reason for c in comparisons)
    console.print(
        Text(f"{corpus}: {len(beyond)} of {tested} tested pairs differ beyond chance (Holm)", style="bold")
    )
    if tested < len(comparisons):
        reasons = dict.fromkeys(c.reason for c in comparisons if c.reason)
        console.print(
            Text(f"  {len(comparisons) - tested} pairs not tested: {'; '.join(reasons)}", style="dim")
        )
    for c in beyond[:_SHOWN]:
        pair = f"{c.first} {c.difference:+.3f} against {c.second}"
        console.print(Text(f"  {c.between}: {pair} ({c.same}), p = {c.p_holm:.2g}"))
    if len(beyond) > _SHOWN:
        console.print(Text(f"  and {len(beyond) - _SHOWN} more: see --json", style="dim"))
    console.print()
