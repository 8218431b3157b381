"""RunClaims in a terminal: each claim as a sentence with its verdict, and the comparisons beyond chance."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ambivox.field_claims import Claim, Comparison, CorpusClaims, Part, RunClaims
from ambivox.scoring.keys import prompt_text, readout_text

_STYLES = {
    "supported": "green",
    "contradicted": "red",
    "equivalent": "cyan",
    "undecided": "yellow",
    "not tested": "dim",
}
_SHOWN = 12


def show_claims(console: Console, claims: RunClaims) -> None:
    """Print every claim with verdict, effects and intervals, then the comparisons that are beyond chance."""
    for corpus in claims.corpora:
        console.print(Text(f"{corpus.corpus}: {corpus.model}", style="bold"))
        console.print(Text(_basis(corpus), style="dim"))
        for note in corpus.notes:
            console.print(Text(f"note: {note.text}", style="dim"))
        fixes: dict[str, list[str]] = {}
        for number, claim in enumerate(corpus.claims, 1):
            _show_claim(console, number, claim, claims.margin)
            if claim.reason and claim.reason.fix:
                fixes.setdefault(claim.reason.fix, []).append(str(number))
        for fix, numbers in fixes.items():
            console.print(Text(f"to test {', '.join(numbers)}: {fix}", style="dim"))
        console.print()
    for name, comparisons in claims.comparisons.items():
        _show_comparisons(console, name, comparisons)
    console.print(
        Text(
            f"By {claims.metric}; failed readings count as {claims.failed_as}. Intervals: 95%, "
            f"bootstrap-t over {claims.cluster}s. p: of the claim, corrected by Holm for all claims on a "
            "corpus and model. supported: every number is above 0 beyond chance; contradicted: one is below.",
            style="dim",
        )
    )


def _show_claim(console: Console, number: int, claim: Claim, margin: float | None) -> None:
    line = Text(f"{number:2d}. {claim.sentence}: ")
    within = f" within {margin:g}" if claim.verdict == "equivalent" else ""
    line.append(claim.verdict + within, style=_STYLES[claim.verdict])
    if claim.p_holm == claim.p_holm:
        line.append(f", p = {claim.p_holm:.2g}")
    console.print(line)
    for part in claim.parts:
        console.print(Text(f"    {part.what} {_effect(part)}"))
    if claim.refuted:
        console.print(Text(f"    {claim.refuted.text}"))
    if claim.reason:
        console.print(Text(f"    {claim.reason.text}", style="dim"))
    if claim.note:
        console.print(Text(f"    ({claim.note})", style="dim"))


def _basis(corpus: CorpusClaims) -> str:
    if corpus.basis is None:
        assert corpus.reason is not None
        return f"{corpus.reason.text}: {corpus.reason.fix}"
    basis, levels = corpus.basis, dict[str, list[str]]()
    for text, token in basis.pairs:
        pair = f"{readout_text(text)} against {readout_text(token)}"
        levels.setdefault(pair, []).append(prompt_text(text))
    low, high = basis.votes
    return (
        f"{basis.clips} clips of {basis.speakers or 'unknown'} speakers, "
        f"{low if low == high else f'{low} to {high}'} vote(s) each; "
        f"{'; '.join(f'{chr(44).join(prompts)}: {pair}' for pair, prompts in levels.items())}; "
        f"{basis.orders} order(s) of the options"
    )


def _pair(found: Comparison) -> str:
    names = {
        "models": [found.first.model, prompt_text(found.first), readout_text(found.first)],
        "prompts": [prompt_text(found.first), found.first.model, readout_text(found.first)],
        "readouts": [readout_text(found.first), found.first.model, prompt_text(found.first)],
    }
    seconds = {
        "models": found.second.model,
        "prompts": prompt_text(found.second),
        "readouts": readout_text(found.second),
    }
    first, *same = names[found.between]
    return f"{first} {found.difference:+.3f} against {seconds[found.between]} ({', '.join(same)})"


def _effect(part: Part) -> str:
    unit = "" if part.unit == "1" else f" {part.unit}"
    value = f"{part.interval.estimate:+.3f}{unit}"
    if part.interval.reason:
        return value
    ends = f" [{part.interval.low:+.3f} {part.interval.high:+.3f}]"
    wide = f" ({part.interval.caution.text})" if part.interval.caution else ""
    return f"{value}{ends}{wide}"


def _show_comparisons(console: Console, corpus: str, comparisons: tuple[Comparison, ...]) -> None:
    beyond = sorted((c for c in comparisons if c.p_holm < 0.05), key=lambda c: -abs(c.difference))
    tested = sum(not c.reason for c in comparisons)
    console.print(
        Text(f"{corpus}: {len(beyond)} of {tested} tested pairs differ beyond chance (Holm)", style="bold")
    )
    if tested < len(comparisons):
        reasons = dict.fromkeys(c.reason.text for c in comparisons if c.reason)
        console.print(
            Text(f"  {len(comparisons) - tested} pairs not tested: {'; '.join(reasons)}", style="dim")
        )
    for c in beyond[:_SHOWN]:
        console.print(Text(f"  {c.between}: {_pair(c)}, p = {c.p_holm:.2g}"))
    if len(beyond) > _SHOWN:
        console.print(Text(f"  and {len(beyond) - _SHOWN} more: see --json", style="dim"))
    console.print()
