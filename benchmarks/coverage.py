"""Do 95% intervals hold the truth in 95% of studies, and do tests reject a true null in 5%?

``python -m benchmarks.coverage [--studies 1000]`` prints a table and writes benchmarks/results/coverage.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
from benchmarks.simulated_studies import REJECTED, coverage, rejections, true_scores

SPEAKERS = (8, 12, 24, 48, 91)
"""91 is CREMA-D; below 12 the package gives no interval."""
RESULTS = Path(__file__).parent / "results" / "coverage.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--nulls", type=int, default=4000, help="studies for the test alone")
    parser.add_argument("--draws", type=int, default=2000)
    arguments = parser.parse_args()
    truth, started_s = true_scores(), time.monotonic()
    found = {n: coverage(n, arguments.studies, n_draws=arguments.draws, truth=truth) for n in SPEAKERS}
    for n in SPEAKERS:
        found[n][f"{REJECTED}, {arguments.nulls} studies"] = rejections(n, arguments.nulls)
    names = list(found[SPEAKERS[0]])
    print(f"{arguments.studies} studies each, {arguments.draws} bootstrap draws; share in percent")
    print(f"{'speakers':34}" + "".join(f"{n:>8}" for n in SPEAKERS))
    for name in names:
        print(f"{name:34}" + "".join(f"{100 * found[n][name]:8.1f}" for n in SPEAKERS))
    RESULTS.parent.mkdir(exist_ok=True)
    report = {
        "studies": arguments.studies,
        "draws": arguments.draws,
        "truth": truth,
        "found": found,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "time_s": round(time.monotonic() - started_s, 1),
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
