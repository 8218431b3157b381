"""Claims and comparisons as text, built once for every face."""

from __future__ import annotations

from collections.abc import Sequence

from ambivox.field_claims import Claim, Comparison, CorpusClaims, Part
from ambivox.present.numbers import interval, number
from ambivox.present.tables import Cell, Column, Group, Line, Table, footnote
from ambivox.scoring import RowKey
from ambivox.scoring.keys import prompt_text, readout_text

SHOWN = 12
"""Comparisons beyond chance that are shown; the JSON has all."""


def basis_text(claims: CorpusClaims) -> str:
    """What the claims on a corpus and model were tested on."""
    if claims.basis is None:
        return f"{claims.reason.text}: {claims.reason.fix}" if claims.reason else ""
    basis, levels = claims.basis, dict[str, list[str]]()
    for text, token in basis.pairs:
        pair = f"{readout_text(text)} against {readout_text(token)}"
        levels.setdefault(pair, []).append(prompt_text(text))
    low, high = basis.votes
    votes = str(low) if low == high else f"{low} to {high}"
    pairs = "; ".join(f"{', '.join(prompts)}: {pair}" for pair, prompts in levels.items())
    return (
        f"{basis.clips} clips of {basis.speakers or 'unknown'} speakers, {votes} vote(s) each; {pairs}; "
        f"{basis.orders} order(s) of the options"
    )


def effect_text(part: Part) -> str:
    """A number of a claim with its interval."""
    unit = "" if part.unit == "1" else f" {part.unit}"
    value = f"{number(part.interval.estimate, signed=True)}{unit}"
    if part.interval.reason:
        return value
    wide = f" ({part.interval.caution.text})" if part.interval.caution else ""
    return f"{value} {interval(part.interval, signed=True)}{wide}"


def claims_table(claims: CorpusClaims, margin: float | None = None) -> Table:
    """Every claim with its verdict, the numbers that it rests on, and the p-value of the claim."""
    lines = []
    for claim in claims.claims:
        told = [f"{part.what} {effect_text(part)}" for part in claim.parts]
        told += [claim.refuted.text] if claim.refuted else []
        notes: tuple[str, ...] = (footnote(claim.reason),) if claim.reason else ()
        notes += (claim.note,) if claim.note else ()
        p = "" if claim.p_holm != claim.p_holm else f"{claim.p_holm:.2g}"
        verdict = verdict_text(claim, margin)
        lines.append(Line((Cell(claim.sentence), Cell(verdict, notes=notes), Cell("; ".join(told)), Cell(p))))
    return Table(
        f"{claims.model}: {basis_text(claims)}",
        (
            Column("claim", kind="text"),
            Column("verdict", kind="text"),
            Column("what it rests on", "effects with 95% intervals", kind="text", rank=1),
            Column("p", "of the claim, corrected by Holm", rank=2),
        ),
        (Group("", tuple(lines)),) if lines else (),
    )


def verdict_text(claim: Claim, margin: float | None = None) -> str:
    """The verdict, with the margin where it is about one."""
    within = f" within {margin:g}" if claim.verdict == "equivalent" and margin is not None else ""
    return f"{claim.verdict}{within}"


def comparison_table(corpus: str, comparisons: Sequence[Comparison]) -> Table:
    """The comparisons that are beyond chance, the largest first, and how many were tested."""
    beyond = sorted((c for c in comparisons if c.p_holm < 0.05), key=lambda c: -abs(c.difference))
    tested = sum(not c.reason for c in comparisons)
    notes = []
    if tested < len(comparisons):
        reasons = dict.fromkeys(c.reason.text for c in comparisons if c.reason)
        notes.append(f"{len(comparisons) - tested} pairs not tested: {'; '.join(reasons)}")
    if len(beyond) > SHOWN:
        notes.append(f"{len(beyond) - SHOWN} more differ beyond chance: see --json")
    lines = [
        Line(
            (
                Cell(_differing(c.first, c)),
                Cell(number(c.difference, signed=True)),
                Cell(f"against {_differing(c.second, c)}"),
                Cell(_shared(c)),
                Cell(f"{c.p_holm:.2g}"),
            )
        )
        for c in beyond[:SHOWN]
    ]
    return Table(
        f"{corpus}: {len(beyond)} of {tested} tested pairs differ beyond chance (Holm)",
        (
            Column("first", kind="text"),
            Column("difference", rank=1),
            Column("second", kind="text", rank=2),
            Column("both", kind="text", rank=4),
            Column("p", rank=3),
        ),
        (Group("", tuple(lines)),) if lines else (),
        tuple(notes),
    )


def _parts(key: RowKey) -> dict[str, str]:
    return {"models": key.model, "prompts": prompt_text(key), "readouts": readout_text(key)}


def _differing(key: RowKey, found: Comparison) -> str:
    return _parts(key)[found.between]


def _shared(found: Comparison) -> str:
    return ", ".join(text for name, text in _parts(found.first).items() if name != found.between)
