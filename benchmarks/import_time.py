"""How long it takes until ambivox is there: importing it, asking for help, completing a name.

``python -m benchmarks.import_time`` prints the least of some tries, each in a Python of its own, whose time
stands on top. Where others use the machine, the CPU time says more than the wall time.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import time

TRIED = {
    "python -c pass": ("-c", "pass"),
    "import ambivox": ("-c", "import ambivox"),
    "ambivox.load_emotions": ("-c", "import ambivox; ambivox.load_emotions"),
    "ambivox.read": ("-c", "import ambivox; ambivox.read"),
    "ambivox.score": ("-c", "import ambivox; ambivox.score"),
    "ambivox -h": ("-m", "ambivox", "-h"),
    "ambivox score -h": ("-m", "ambivox", "score", "-h"),
    "ambivox read --prompt <TAB>": ("-m", "ambivox"),
}
COMPLETION = {"_AMBIVOX_COMPLETE": "complete_bash", "COMP_WORDS": "ambivox read --prompt ", "COMP_CWORD": "3"}


def seconds(name: str) -> tuple[float, float]:
    """Wall time and CPU time of one try."""
    environment = os.environ | (COMPLETION if "TAB" in name else {})
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *TRIED[name]], env=environment, check=True, stdout=subprocess.DEVNULL)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=15)
    tries = parser.parse_args().tries
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPU cores, {tries} tries; seconds\n")
    print("| what | wall | CPU |\n|---|---|---|")
    for name in TRIED:
        wall_s, cpu_s = zip(*(seconds(name) for _ in range(tries)), strict=True)
        print(f"| `{name}` | {min(wall_s):.2f} | {min(cpu_s):.2f} |")


if __name__ == "__main__":
    main()
