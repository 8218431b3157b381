"""Make the clips of this folder again: five short sentences spoken by espeak-ng in different moods.

    python examples/make_clips.py

Needs the program espeak-ng (Debian: ``apt install espeak-ng``; the clips here are from version 1.51). Another
version speaks a little differently, and then the files change.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from ambivox.audio import SAMPLE_RATE_HZ, Samples, load_audio

CLIPS = Path(__file__).parent / "clips"
PEAK = 0.7  # of full scale, for the loudest clip; the others keep their distance to it


@dataclass(frozen=True)
class Mood:
    """How a clip is spoken, and the votes that we invented for it."""

    name: str
    text: str
    speaker: str
    voice: str
    words_per_minute: int
    pitch: int  # 0 to 99, 50 is the voice's own
    amplitude: int  # 0 to 200, 100 is the usual
    votes: dict[str, int]


MOODS = (
    Mood("angry", "I told you not to touch it!", "ann", "en-us+f2", 210, 62, 200, {"angry": 7, "disgust": 2}),
    Mood(
        "happy", "You came! How good to see you!", "ann", "en-us+f2", 190, 95, 150, {"happy": 7, "neutral": 2}
    ),
    Mood("sad", "They left without a word.", "ben", "en-us+m3", 105, 15, 55, {"sad": 5, "neutral": 4}),
    Mood(
        "neutral",
        "The train leaves at half past seven.",
        "ben",
        "en-us+m3",
        165,
        45,
        100,
        {"neutral": 8, "sad": 1},
    ),
    Mood(
        "uneasy",
        "Did you hear that just now?",
        "cat",
        "en-us+whisperf",
        150,
        80,
        80,
        {"fear": 4, "sad": 3, "neutral": 2},
    ),
)
LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad")


def main() -> None:
    if not shutil.which("espeak-ng"):
        sys.exit("espeak-ng is not installed: apt install espeak-ng")
    CLIPS.mkdir(exist_ok=True)
    spoken = [speak(mood) for mood in MOODS]
    scale = PEAK / max(abs(samples).max() for samples in spoken)
    for mood, samples in zip(MOODS, spoken, strict=True):
        sf.write(CLIPS / f"{mood.name}.flac", samples * scale, SAMPLE_RATE_HZ, subtype="PCM_16")
    with (CLIPS / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "audio", "transcript", "speaker", *(f"votes.{label}" for label in LABELS)])
        for mood in MOODS:
            votes = [mood.votes.get(label, 0) for label in LABELS]
            writer.writerow([mood.name, f"{mood.name}.flac", mood.text, mood.speaker, *votes])


def speak(mood: Mood) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        how = {
            "-v": mood.voice,
            "-s": mood.words_per_minute,
            "-p": mood.pitch,
            "-a": mood.amplitude,
            "-w": path,
        }
        options = [str(part) for pair in how.items() for part in pair]
        subprocess.run(["espeak-ng", *options, mood.text], check=True)
        return load_audio(path)


if __name__ == "__main__":
    main()
