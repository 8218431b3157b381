"""The figure of the claims: the numbers that they rest on, beside 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ambivox.field_claims import CorpusClaims, RunClaims, Verdict
from ambivox.metrics import METRICS
from ambivox.present.claims import effect_text, verdict_text
from ambivox.present.figures.charts import GREY, Figure, Line, Mark, Row, Rows, Style
from ambivox.present.figures.of_scores import subject_title, whisker

VERDICTS: Mapping[Verdict, Style] = {
    "supported": Style("supported", "#009e73", "circle"),
    "contradicted": Style("contradicted", "#d55e00", "square"),
    "equivalent": Style("equivalent", "#56b4e9", "triangle"),
    "undecided": Style("undecided", GREY, "circle", hollow=True),
    "not tested": Style("not tested", GREY, "cross"),
}
_ALL_BUT_SCORES = "skill, share or correlation (1)"


def claim_figure(tested: Sequence[tuple[str, RunClaims]], corpora: Sequence[str] = ()) -> Figure | None:
    """Every number that a claim needs to be above 0, with its interval; None where nothing was tested.

    Args:
        tested: the claims of each run with its name, which is empty where there is just one.
        corpora: those that are shown, all by default.
    """
    panels = []
    for run, claims in tested:
        metric = METRICS[claims.metric]
        for one in claims.corpora:
            title = subject_title(one.corpus, (run, one.model))
            for unit, label in (
                (metric.unit, f"difference in {metric.name} ({metric.unit})"),
                ("1", _ALL_BUT_SCORES),
            ):
                rows = tuple(_rows(one, unit, claims.margin))
                if rows and (not corpora or one.corpus in corpora):
                    panels.append(Rows(title, label, rows, (Line(0.0, "no difference"),)))
    if not panels:
        return None
    return Figure(
        "claims",
        "What can be claimed",
        "The numbers that the claims of the field rest on, with 95% intervals. Each has to lie above 0 for "
        "its claim: supported where all do beyond chance, contradicted where one lies below. A cross "
        "marks a number without a test; claims without a number are left out.",
        tuple(panels),
    )


def _rows(one: CorpusClaims, unit: str, margin: float | None) -> Iterator[Row]:
    for claim in one.claims:
        for part in claim.parts:
            value = part.interval.estimate
            if part.unit == unit and value == value:
                mark = Mark(value, VERDICTS[claim.verdict], whisker(part.interval))
                name = f"{verdict_text(claim, margin)}: {claim.sentence}"
                yield Row(name, (mark,), f"{part.what} {effect_text(part)}")
