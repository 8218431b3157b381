"""How long the app takes from the button to the answer, for a clip of 3 s and `mini`.

    python -m benchmarks.app_rate [--tries 10] [--write]

starts the app, uploads the clip in Chromium and asks again and again; ``--write`` keeps the numbers. The
first answer, which loads what was not needed before, stands apart. Where others use the machine, the CPU
time of the server says more than the wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.app_page import CLIPS, serving
from benchmarks.chromium import chromium

RESULTS = Path(__file__).parent / "results" / "app_rate.json"
CLIP_S = 3.0
PATIENCE_MS = 20_000


def write_clip(path: Path) -> None:
    """Two clips of one speaker, cut to 3 s."""
    heard = [soundfile.read(clip) for clip in sorted(CLIPS.glob("1001_DFA_*.wav"))[:2]]
    rate_hz = heard[0][1]
    samples = np.concatenate([samples for samples, _ in heard])
    soundfile.write(path, samples[: round(CLIP_S * rate_hz)], rate_hz)


def cpu_s(process: int) -> float:
    """CPU time of a process so far, as Linux tells it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def measured(tries: int) -> tuple[list[float], list[float]]:
    """Seconds from the click to the answer, in turn, and the CPU time of the server meanwhile."""
    from playwright.sync_api import TimeoutError as Nothing
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        serving() as (address, process),
        sync_playwright() as playwright,
    ):
        clip = Path(folder, "clip.wav")
        write_clip(clip)
        browser = chromium(playwright)
        tab = browser.new_page()
        tab.goto(address)
        tab.set_input_files("#clip input[type=file]", clip)
        tab.wait_for_selector("#clip input[type=file]", state="detached")
        times, spent = [], []
        while len(times) <= tries:
            tab.evaluate("document.querySelector('#listened .ambivox')?.remove()")
            started_s, before_s = time.perf_counter(), cpu_s(process)
            tab.get_by_role("button", name="Ask", exact=True).click()
            try:
                tab.wait_for_selector("#listened .bars", timeout=PATIENCE_MS)
            except Nothing:
                continue  # what is the same to the hundredth of a second is not drawn a second time
            times.append(time.perf_counter() - started_s)
            spent.append(cpu_s(process) - before_s)
            print(f"{len(times) - 1}: {times[-1]:.3f} s, {spent[-1]:.2f} s of CPU time", flush=True)
        browser.close()
    return times, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="keep the numbers in benchmarks/results")
    given = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    (first_s, *others_s), (first_cpu_s, *others_cpu_s) = measured(given.tries)
    report = {
        "clip_s": CLIP_S,
        "first_s": round(first_s, 3),
        "median_s": round(statistics.median(others_s), 3),
        "longest_s": round(max(others_s), 3),
        "least_s": round(min(others_s), 3),
        "first_cpu_s": round(first_cpu_s, 2),
        "median_cpu_s": round(statistics.median(others_cpu_s), 2),
        "tries": given.tries,
        "cores": os.cpu_count(),
        "load_before": load,
        "platform": platform.platform(),
        "python": platform.python_version(),
    }
    print(json.dumps(report, indent=2))
    if given.write:
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
