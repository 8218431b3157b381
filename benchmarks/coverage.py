"""Do 95% intervals (of claims too) hold the truth in 95% of studies, do tests reject a true null in 5%?

``python -m benchmarks.coverage [--studies 1000]`` prints a table and writes benchmarks/results/coverage.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

from benchmarks.simulated_claims import coverage_of_claims, true_parts
from benchmarks.simulated_studies import REJECTED, coverage, rejections, true_scores

SPEAKERS = (8, 12, 24, 48, 91)
"""91 is CREMA-D; below 12 the package gives no interval."""
CLAIM_SPEAKERS = (12, 24, 48)
RESULTS = Path(__file__).parent / "results" / "coverage.json"


def show(title: str, found: dict[int, dict[str, float]]) -> None:
    """A line for each statistic, a column for each number of speakers."""
    print(title)
    print(f"{'speakers':34}" + "".join(f"{n:>8}" for n in found))
    for name in next(iter(found.values())):
        print(f"{name:34}" + "".join(f"{100 * own[name]:8.1f}" for own in found.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--nulls", type=int, default=4000, help="studies for the test alone")
    parser.add_argument("--claims", type=int, default=1000, help="studies for the parts of claims")
    parser.add_argument("--draws", type=int, default=2000)
    arguments = parser.parse_args()
    truth, started_s = true_scores(), time.monotonic()
    found = {n: coverage(n, arguments.studies, n_draws=arguments.draws, truth=truth) for n in SPEAKERS}
    for n in SPEAKERS:
        found[n][f"{REJECTED}, {arguments.nulls} studies"] = rejections(n, arguments.nulls)
    parts = true_parts()
    claims = {n: coverage_of_claims(n, arguments.claims, truth=parts) for n in CLAIM_SPEAKERS}
    show(f"{arguments.studies} studies each, {arguments.draws} bootstrap draws; share in percent", found)
    show(f"parts of claims, {arguments.claims} studies each", claims)
    RESULTS.parent.mkdir(exist_ok=True)
    report = {
        "studies": arguments.studies,
        "draws": arguments.draws,
        "truth": truth,
        "found": found,
        "claims": {"studies": arguments.claims, "truth": parts, "found": claims},
        "numpy": np.__version__,
        "platform": platform.platform(),
        "time_s": round(time.monotonic() - started_s, 1),
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
