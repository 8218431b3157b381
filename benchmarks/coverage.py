"""Do 95% intervals (of claims too) hold the truth in 95% of studies, in worlds that are hard on them?

``python -m benchmarks.coverage [--studies 2000]`` writes benchmarks/results/coverage.json cell by cell and
goes on where it was stopped. The tables go to benchmarks/results/coverage.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.kept import Kept
from benchmarks.simulated_claims import coverage_of_claims, true_parts
from benchmarks.simulated_studies import STATISTICS, coverage, true_scores
from benchmarks.simulated_studies import WORLDS as STUDIES
from benchmarks.simulated_values import WORLDS as VALUES
from benchmarks.simulated_values import coverage_of_means

SPEAKERS = (12, 16, 24, 40, 91)
"""91 is CREMA-D; below 12 the package gives no interval."""
RESULTS = Path(__file__).parent / "results"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """A table in Markdown."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in (lines[0], ["---"] * len(lines[0]), *lines[1:])]


def means(kept: Kept, studies: int) -> list[str]:
    """Means of scores drawn from known distributions."""
    rows = []
    for name, world in VALUES.items():
        cells = [
            kept.get(f"values | {name} | {n} | {studies}", partial(coverage_of_means, name, n, studies))
            for n in SPEAKERS
        ]
        held = [f"{cell['held']:.1f}" if cell["given"] else "none given" for cell in cells]
        worst = cells[0]
        sides = f"{worst['below']:.1f} / {worst['above']:.1f}" if worst["given"] else ""
        promised = "yes" if world.promised else "no"
        rows.append([name, promised, *held, sides, f"{worst['plain']:.1f}", f"{worst['flips']:.1f}"])
    head = ("scores", "promised", *(f"{n} speakers" for n in SPEAKERS), "12: below / above")
    return table((*head, "12: plain bootstrap-t", "12: sign flips reject"), rows)


def statistics(kept: Kept, studies: int) -> list[str]:
    """Means, skills, differences and metrics over a corpus, in simulated corpora."""
    rows = []
    for name, world in STUDIES.items():
        truth = kept.get(f"truth | {name}", partial(true_scores, world))
        for n in SPEAKERS:
            measured = partial(coverage, n, studies, world=world, truth=truth)
            cell = kept.get(f"studies | {name} | {n} | {studies}", measured)
            rows.append([name, n, *(f"{100 * cell[statistic]:.1f}" for statistic in STATISTICS)])
    return table(("corpora", "speakers", *STATISTICS), rows)


def claims(kept: Kept, studies: int) -> list[str]:
    """The parts of claims."""
    cells = {}
    truth = kept.get("truth of claims", true_parts)
    for n in SPEAKERS[:-1]:
        measured = partial(coverage_of_claims, n, studies, truth=truth)
        cells[n] = kept.get(f"claims | {n} | {studies}", measured)
    names = next(iter(cells.values()))
    rows = ([name, *(f"{100 * cell[name]:.1f}" for cell in cells.values())] for name in names)
    return table(("part of a claim", *(f"{n} speakers" for n in cells)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=10_000, help="studies of drawn scores")
    parser.add_argument("--studies", type=int, default=2000, help="studies of drawn corpora")
    parser.add_argument("--claims", type=int, default=2000, help="studies for the parts of claims")
    arguments = parser.parse_args()
    kept = Kept(RESULTS / "coverage.json")
    text = [
        "# How often 95% intervals hold the truth",
        "",
        f"Percent of the intervals that were given, by `python -m benchmarks.coverage`; {arguments.values} "
        "studies a cell.",
        "",
        *means(kept, arguments.values),
        "",
        f"Simulated corpora with votes and two readouts, {arguments.studies} studies a cell.",
        "",
        *statistics(kept, arguments.studies),
        "",
        f"Parts of claims, {arguments.claims} studies a cell.",
        "",
        *claims(kept, arguments.claims),
    ]
    (RESULTS / "coverage.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
