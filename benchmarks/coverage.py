"""Do 95% intervals (of claims too) hold the truth in 95% of studies, in worlds that are hard on them?

``python -m benchmarks.coverage [--studies 2000]`` writes benchmarks/results/coverage.json block by block and
goes on where it was stopped. The tables of what there is go to benchmarks/results/coverage.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from scipy.stats import binomtest

from benchmarks.kept import Kept
from benchmarks.simulated_claims import PARTS, coverage_of_claims, true_parts
from benchmarks.simulated_studies import STATISTICS, coverage, prior_score, true_scores
from benchmarks.simulated_studies import WORLDS as STUDIES
from benchmarks.simulated_values import WORLDS as VALUES
from benchmarks.simulated_values import coverage_of_means

SPEAKERS = (12, 16, 24, 40, 91)
"""91 is CREMA-D; below 12 the package gives no interval."""
BLOCK = 100
"""Studies that are measured together; a cell is the sum of its blocks."""
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


def percent(hits: int, studies: int) -> str:
    """A share of studies in percent with its exact 95% interval (Clopper and Pearson 1934).

    >>> percent(0, 2000), percent(25, 1000)
    ('0.0 [0.0, 0.2]', '2.5 [1.6, 3.7]')
    """
    if not studies:
        return "none"
    found = binomtest(hits, studies).proportion_ci()
    return f"{100 * hits / studies:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def measure(kept: Kept, block: int, speakers: Iterable[int], *, claims: bool) -> None:
    """A block of studies of every world, or of claims; what is kept is not measured again."""
    if claims:
        truth = kept.get("truth of claims", true_parts)
        for n in speakers:
            measured = partial(coverage_of_claims, n, BLOCK, truth=truth, seed=block)
            kept.get(f"claims | {n} | {block}", measured)
        return
    for name, world in STUDIES.items():
        truth = kept.get(f"truth | {name}", partial(true_scores, world))
        for n in speakers:
            prior = kept.get(f"prior | {name} | {n}", partial(prior_score, n, world))
            measured = partial(coverage, n, BLOCK, world=world, truth=truth, prior=prior, seed=block)
            kept.get(f"studies | {name} | {n} | {block}", measured)


def added(kept: Kept, prefix: str) -> dict[str, tuple[int, int]]:
    """What all blocks of a cell hold together: hits and intervals, by statistic; empty without a block."""
    blocks = [cell for key, cell in kept.cells.items() if key.startswith(f"{prefix} | ")]
    return {
        name: (sum(block[name][0] for block in blocks), sum(block[name][1] for block in blocks))
        for name in (blocks[0] if blocks else ())
    }


def statistics(kept: Kept) -> list[str]:
    """Means, skills, differences and metrics over a corpus, in simulated corpora."""
    rows = []
    for name in STUDIES:
        for n in SPEAKERS:
            cell = added(kept, f"studies | {name} | {n}")
            if cell:
                rows.append([name, n, *(percent(*cell[statistic]) for statistic in STATISTICS)])
    return table(("corpora", "speakers", *STATISTICS), rows)


def claims(kept: Kept) -> list[str]:
    """The parts of claims."""
    cells = {n: added(kept, f"claims | {n}") for n in SPEAKERS}
    cells = {n: cell for n, cell in cells.items() if cell}
    rows = ([name, *(percent(*cell[name]) for cell in cells.values())] for name in PARTS)
    return table(("part of a claim", *(f"{n} speakers" for n in cells)), rows if cells else [])


def counted(kept: Kept, kind: str) -> str:
    """How many studies there are in the cells of a kind."""
    blocks = Counter(key.rsplit(" | ", 1)[0] for key in kept.cells if key.startswith(f"{kind} | "))
    sizes = [BLOCK * n for n in blocks.values()] or [0]
    return f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=2000, help="studies of drawn scores")
    parser.add_argument("--studies", type=int, default=2000, help=f"of drawn corpora, in blocks of {BLOCK}")
    parser.add_argument("--claims", type=int, default=2000, help=f"for parts of claims, in blocks of {BLOCK}")
    parser.add_argument("--speakers", type=int, nargs="+", default=SPEAKERS)
    arguments = parser.parse_args()
    kept = Kept(RESULTS / "coverage.json")
    for block in range(max(arguments.studies, arguments.claims) // BLOCK):
        if block < arguments.studies // BLOCK:
            measure(kept, block, arguments.speakers, claims=False)
        if block < arguments.claims // BLOCK:
            measure(kept, block, arguments.speakers, claims=True)
    text = [
        "# How often 95% intervals hold the truth",
        "",
        f"Percent of the intervals that were given, by `python -m benchmarks.coverage`; {arguments.values} "
        "studies a cell.",
        "",
        *means(kept, arguments.values),
        "",
        f"Simulated corpora with votes and two readouts, {counted(kept, 'studies')} studies a cell, with "
        "the 95% interval of the share itself.",
        "",
        *statistics(kept),
        "",
        f"Parts of claims, {counted(kept, 'claims')} studies a cell.",
        "",
        *claims(kept),
    ]
    (RESULTS / "coverage.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
