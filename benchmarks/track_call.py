"""One hour of a call, 8 kHz and two channels, through `ambivox track`: time and memory, beside six minutes.

    python -m benchmarks.track_call

The call is made of the CREMA-D clips in ``examples/``: one speaker after the other, each on a channel of
their own, with pauses of 0.2 to 3 s. Every measurement is a process of its own and is kept as soon as it is
there; the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import collections
import csv
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
RATE_HZ = 8000
MINUTES = (6, 60)


def write_call(path: Path, minutes: int) -> None:
    """Clips in turn on the two channels, in 16 bits."""
    files = sorted((ROOT / "examples" / "crema-d" / "AudioWAV").glob("*.wav"))
    heard = {file: soundfile.read(file, dtype="float32") for file in files}
    clips = {file: soxr.resample(samples, rate_hz, RATE_HZ) for file, (samples, rate_hz) in heard.items()}
    rng, left = np.random.default_rng(0), minutes * 60 * RATE_HZ
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, "PCM_16") as call:
        for turn in range(10**9):
            said = clips[files[rng.integers(len(files))]]
            pause = np.zeros(int(rng.uniform(0.2, 3) * RATE_HZ), dtype=np.float32)
            frames = np.zeros((min(left, len(said) + len(pause)), 2), dtype=np.float32)
            frames[:, turn % 2] = np.concatenate([said, pause])[: len(frames)]
            call.write(frames)
            left -= len(frames)
            if not left:
                return


def measure(minutes: int, hop_s: float, threads: int) -> dict[str, object]:
    """One process of ``ambivox track`` on one channel of a call."""
    with tempfile.TemporaryDirectory() as folder:
        call = Path(folder, "call.wav")
        write_call(call, minutes)
        words = ["track", str(call), "--window", "4", "--hop", str(hop_s), "--channel", "0", "--csv"]
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "ambivox", *words],
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        rows = list(csv.DictReader(io.StringIO(process.stdout.read())))
        _, code, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    return {
        "minutes": minutes,
        "hop_s": hop_s,
        "threads": threads,
        "exit_code": process.returncode,
        "windows": len(rows),
        "statuses": dict(collections.Counter(row["status"] for row in rows)),
        "wall_s": round(time.perf_counter() - begun, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
    }


def page(found: list[dict[str, object]]) -> str:
    """The table, and what it was measured on."""
    lines = [
        "# A long call through `ambivox track`",
        "",
        "`python -m benchmarks.track_call`: `mini` on one channel of a call of 8 kHz and two channels, made "
        "of the CREMA-D clips in `examples/`; windows of 4 s.",
        f"Python {platform.python_version()} on {os.cpu_count()} CPU cores that others used, too: the time "
        "of processors says more than the time on the clock.",
        "",
        "| minutes | hop | windows | silent | threads | seconds | of processors | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        silent = dict(one["statuses"]).get("silent", 0)  # type: ignore[call-overload]
        lines.append(
            f"| {one['minutes']} | {one['hop_s']:g} s | {one['windows']} | {silent} | {one['threads']} "
            f"| {one['wall_s']} | {one['cpu_s']} | {one['peak_mib']} MiB |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hop", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    kept = RESULTS / "track_call.json"
    found = json.loads(kept.read_text()) if kept.exists() else []
    done = {(one["minutes"], one["hop_s"], one["threads"]) for one in found}
    for minutes in MINUTES:
        if (minutes, given.hop, given.threads) not in done:
            found.append(measure(minutes, given.hop, given.threads))
            kept.write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "track_call.md").write_text(page(found))


if __name__ == "__main__":
    main()
