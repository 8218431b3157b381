"""What a study will test, in a terminal, before it is run."""

from __future__ import annotations

from rich.console import Console

from ambivox.field_claims import CorpusPlan, Plan, PlannedClaim
from ambivox.present.text.plain import plain


def show_plan(console: Console, plan: Plan) -> None:
    """Print every claim that will be tested, with the smallest difference that would be found."""
    for corpus in plan.corpora:
        _show_corpus(console, corpus)
    margin = f" Differences within {plan.margin:g} will be called equivalent." if plan.margin else ""
    console.print(
        plain(
            f"By {plan.metric}, at {plan.level:g} after Holm's correction for all claims on a corpus and "
            f"model. The differences told are found in {plan.power:.0%} of studies if they scatter as the "
            f"scores of a control that hears nothing do.{margin}",
            style="dim",
        )
    )


def _show_corpus(console: Console, corpus: CorpusPlan) -> None:
    console.print(plain(corpus.corpus, style="bold"))
    pairs = "; ".join(f"{prompt}: {text} against {token}" for prompt, text, token in corpus.readouts)
    console.print(
        plain(
            f"{corpus.clips} clips of {corpus.speakers} speakers; {pairs or 'no prompt has both levels'}",
            style="dim",
        )
    )
    console.print(
        plain(
            f"a control differs by {corpus.between:.3f} between speakers, {corpus.within:.3f} within",
            style="dim",
        )
    )
    for number, claim in enumerate(corpus.claims, 1):
        console.print(plain(f"{number:2d}. {claim.sentence}: {_outlook(claim)}"))
        for what in claim.numbers if not claim.reason else ():
            console.print(plain(f"    {what} above 0", style="dim"))
    console.print()


def _outlook(claim: PlannedClaim) -> str:
    if claim.reason:
        return f"cannot be tested: {claim.reason.text}" + (
            f" ({claim.reason.fix})" if claim.reason.fix else ""
        )
    if claim.detectable == claim.detectable:
        return f"finds a difference of {claim.detectable:.3f}"
    return "will be tested"
