"""The clips that `mini` is trained and measured on, and which speaker belongs to which split."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "development", "test", "votes"]

TEST_SPEAKERS = {"ravdess": ("17", "18", "19", "20"), "emo-db": ("08", "15")}
DEVELOPMENT_SPEAKERS = {"ravdess": ("15", "16"), "emo-db": ("11",)}
"""Two held-out EMO-DB speakers: 08 is a woman, 15 a man. Fixed before the first training run."""

EMODB_WOMEN = ("08", "09", "13", "14", "16")

_RAVDESS = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad",
    "05": "angry", "06": "fear", "07": "disgust", "08": "surprise",
}  # fmt: skip
_EMODB = {
    "W": "angry", "L": "boredom", "E": "disgust", "A": "fear", "F": "happy", "T": "sad", "N": "neutral",
}  # fmt: skip
_CREMAD = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}


@dataclass(frozen=True)
class Clip:
    """One recording with what its actor was asked to express.

    Args:
        id: corpus and file name without its ending, unique.
        path: the audio file.
        corpus: ``ravdess``, ``emo-db`` or ``crema-d``.
        speaker: the corpus' own name of the speaker.
        female: whether the speaker is a woman.
        emotion: what the actor was asked for, one of `ambivox.training.targets.HEARD`.
        strength: ``normal`` or ``strong`` for RAVDESS, ``XX`` (unspecified) elsewhere.
        recognised: EMO-DB's share of 20 listeners who named the intended emotion, in [0, 1]; None elsewhere.
        split: train, development, test, or votes (the CREMA-D clips, never trained or tuned on).
    """

    id: str
    path: Path
    corpus: str
    speaker: str
    female: bool
    emotion: str
    strength: str
    recognised: float | None
    split: Split


def load_clips(data: Path) -> list[Clip]:
    """All clips below ``data``, sorted by id, with their splits.

    Raises:
        FileNotFoundError: a corpus folder is missing.
        ValueError: a speaker is in more than one split.
    """
    for folder in ("ravdess", "emo-db", "crema-d"):
        if not (data / folder).is_dir():
            raise FileNotFoundError(
                f"{data / folder}: no such folder; it holds the clips that mini is trained on"
            )
    clips = sorted([*_ravdess(data), *_emodb(data), *_cremad(data)], key=lambda clip: clip.id)
    check_speakers_disjoint(clips)
    return clips


def check_speakers_disjoint(clips: list[Clip]) -> None:
    """Raise ValueError when a speaker's clips lie in more than one split."""
    split_of: dict[tuple[str, str], Split] = {}
    for clip in clips:
        speaker = (clip.corpus, clip.speaker)
        if split_of.setdefault(speaker, clip.split) != clip.split:
            raise ValueError(f"{clip.id}: speaker {speaker} is in {split_of[speaker]} and in {clip.split}")


def _split(corpus: str, speaker: str) -> Split:
    if speaker in TEST_SPEAKERS[corpus]:
        return "test"
    return "development" if speaker in DEVELOPMENT_SPEAKERS[corpus] else "train"


def _ravdess(data: Path) -> list[Clip]:
    clips = []
    for path in (data / "ravdess").glob("Actor_*/*.flac"):
        _, _, emotion, strength, _, _, actor = path.stem.split("-")
        clips.append(
            Clip(
                id=f"ravdess/{path.stem}",
                path=path,
                corpus="ravdess",
                speaker=actor,
                female=int(actor) % 2 == 0,
                emotion=_RAVDESS[emotion],
                strength="strong" if strength == "02" else "normal",
                recognised=None,
                split=_split("ravdess", actor),
            )
        )
    return clips


def _emodb(data: Path) -> list[Clip]:
    recognised = {}
    with (data / "emo-db" / "erkennung.txt").open(encoding="latin-1", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            if len(row) >= 3 and row[1].strip().endswith(".wav"):
                recognised[Path(row[1].strip()).stem] = float(row[2].replace(",", ".")) / 100
    return [
        Clip(
            id=f"emo-db/{path.stem}",
            path=path,
            corpus="emo-db",
            speaker=path.stem[:2],
            female=path.stem[:2] in EMODB_WOMEN,
            emotion=_EMODB[path.stem[5]],
            strength="XX",
            recognised=recognised.get(path.stem),
            split=_split("emo-db", path.stem[:2]),
        )
        for path in (data / "emo-db" / "wav").glob("*.wav")
    ]


def _cremad(data: Path) -> list[Clip]:
    with (data / "crema-d" / "VideoDemographics.csv").open(encoding="utf-8") as file:
        female = {row["ActorID"]: row["Sex"] == "Female" for row in csv.DictReader(file)}
    return [
        Clip(
            id=f"crema-d/{path.stem}",
            path=path,
            corpus="crema-d",
            speaker=path.stem[:4],
            female=female[path.stem[:4]],
            emotion=_CREMAD[path.stem.split("_")[2]],
            strength="XX",
            recognised=None,
            split="votes",
        )
        for path in (data / "crema-d" / "AudioWAV").glob("*.wav")
    ]
