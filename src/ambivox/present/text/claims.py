"""RunClaims in a terminal: each claim as a sentence with its verdict, and the comparisons beyond chance."""

from __future__ import annotations

from rich.console import Console

from ambivox.field_claims import Claim, RunClaims
from ambivox.present.claims import basis_text, comparison_table, effect_text, verdict_text
from ambivox.present.names import note_lines
from ambivox.present.text.plain import plain
from ambivox.present.text.table import Footnotes, print_table

_STYLES = {
    "supported": "green",
    "contradicted": "red",
    "equivalent": "cyan",
    "undecided": "yellow",
    "not tested": "dim",
}


def show_claims(console: Console, claims: RunClaims) -> None:
    """Print every claim with verdict, effects and intervals, then the comparisons that are beyond chance."""
    for corpus in claims.corpora:
        console.print(plain(f"{corpus.corpus}: {corpus.model}", style="bold"))
        console.print(plain(basis_text(corpus), style="dim"))
        for note in corpus.notes:
            console.print(plain(f"note: {note.text}", style="dim"))
        fixes: dict[str, list[str]] = {}
        for number, claim in enumerate(corpus.claims, 1):
            _show_claim(console, number, claim, claims.margin)
            if claim.reason and claim.reason.fix:
                fixes.setdefault(claim.reason.fix, []).append(str(number))
        for fix, numbers in fixes.items():
            console.print(plain(f"to test {', '.join(numbers)}: {fix}", style="dim"))
        console.print()
    notes = Footnotes()
    for name, comparisons in claims.comparisons.items():
        print_table(console, comparison_table(name, comparisons), notes, caption=True)
    notes.show(console)
    for line in note_lines(claims.cautions):
        console.print(plain(f"caution: {line}", style="yellow"))
    console.print(
        plain(
            f"By {claims.metric}; failed readings count as {claims.failed_as}. Intervals: 95%, "
            f"bootstrap-t over {claims.cluster}s. p: of the claim, corrected by Holm for all claims on a "
            "corpus and model. supported: every number is above 0 beyond chance; contradicted: one is below.",
            style="dim",
        )
    )


def _show_claim(console: Console, number: int, claim: Claim, margin: float | None) -> None:
    line = plain(f"{number:2d}. {claim.sentence}: ")
    line.append(verdict_text(claim, margin), style=_STYLES[claim.verdict])
    if claim.p_holm == claim.p_holm:
        line.append(f", p = {claim.p_holm:.2g}")
    console.print(line)
    for part in claim.parts:
        console.print(plain(f"    {part.what} {effect_text(part)}"))
    if claim.refuted:
        console.print(plain(f"    {claim.refuted.text}"))
    if claim.reason:
        console.print(plain(f"    {claim.reason.text}", style="dim"))
    if claim.note:
        console.print(plain(f"    ({claim.note})", style="dim"))
