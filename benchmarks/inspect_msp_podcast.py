"""How long, and in how much memory, a made-up MSP-Podcast is inspected.

    python benchmarks/inspect_msp_podcast.py --utterances 100000

writes a tree in the published layout (tables of release 1.7 to 1.12, transcripts, and sound files whose
headers promise a few seconds of silence that takes no room on most disks), runs ``ambivox corpora inspect``
on it in a process of its own, and prints the time and the largest memory of that process.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LABELS = ("Neutral", "Happy", "Angry", "Sad", "Surprise", "Contempt", "Disgust", "Fear", "Other-unsure")
SHARES = (0.38, 0.24, 0.09, 0.08, 0.06, 0.06, 0.04, 0.02, 0.03)
CODES = ("N", "H", "A", "S", "U", "C", "D", "F", "O")
SECONDARY = (
    "Concerned",
    "Annoyed",
    "Excited",
    "Amused",
    "Frustrated",
    "Confused",
    "Disappointed",
    "Depressed",
)
N_WORKERS = 5_000
N_SPEAKERS = 1_500


def write_tree(root: Path, n: int, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for folder in ("Labels", "Audios", "Transcripts"):
        (root / folder).mkdir(parents=True)
    names = [f"MSP-PODCAST_{i // 60:04d}_{i % 60:04d}" for i in range(n)]
    main = rng.choice(len(LABELS), n, p=SHARES)
    speakers = rng.integers(N_SPEAKERS, size=n)
    with (root / "Labels" / "labels_consensus.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"])
        parts = rng.choice(["Train", "Development", "Test1", "Test2"], n, p=[0.6, 0.15, 0.15, 0.1])
        for i, name in enumerate(names):
            sex = "Female" if speakers[i] % 2 else "Male"
            rows.writerow([f"{name}.wav", CODES[main[i]], 4, 4, 4, speakers[i], sex, parts[i]])
    with (root / "Labels" / "labels_detailed.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["FileName", "EmoDetail"])
        for i, name in enumerate(names):
            n_raters = int(rng.integers(5, 10))
            said = np.where(rng.random(n_raters) < 0.55, main[i], rng.choice(len(LABELS), n_raters, p=SHARES))
            workers = rng.choice(N_WORKERS, n_raters, replace=False)
            for worker, label in zip(workers, said, strict=True):
                second = ",".join([LABELS[label].split("-")[0], SECONDARY[int(rng.integers(len(SECONDARY)))]])
                text = f"WORKER{worker:08d}; {LABELS[label]}; {second}; A:4.0; V:4.0; D:4.0;"
                rows.writerow([f"{name}.wav", text])
    seconds = rng.uniform(2.75, 11.0, n)
    for i, name in enumerate(names):
        write_silence(root / "Audios" / f"{name}.wav", float(seconds[i]))
        (root / "Transcripts" / f"{name}.txt").write_text("So what I think is that it depends.\n")


def write_silence(path: Path, seconds: float, rate: int = 16_000) -> None:
    n_bytes = 2 * round(rate * seconds)
    header = b"RIFF" + struct.pack("<I", 36 + n_bytes) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16) + b"data" + struct.pack("<I", n_bytes)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + n_bytes)  # a hole: no room on disk where the file system has them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to write the tree; a temporary folder otherwise")
    arguments = parser.parse_args()
    root = arguments.folder or Path(tempfile.mkdtemp(prefix="msp-"))
    try:
        if not (root / "Labels").exists():
            write_tree(root, arguments.utterances)
        command = [sys.executable, "-m", "ambivox", "corpora", "inspect", str(root), "--json"]
        start = time.perf_counter()
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        wall_s = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        votes = found["options"][0]["votes"]
        print(f"{found['utterances']} utterances, {votes} ratings by {found['votes']['n_raters']} raters")
        print(f"{found['durations']['hours']:.1f} h of audio")
        print(f"wall {wall_s:.1f} s, processor {used.ru_utime + used.ru_stime:.1f} s")
        load = os.getloadavg()[0]
        print(f"largest memory {used.ru_maxrss / 2**20:.2f} GiB; load {load:.1f} on {os.cpu_count()} cores")
    finally:
        if arguments.folder is None:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
