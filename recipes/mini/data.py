"""The clips that `mini` is trained and measured on, and which speaker belongs to which split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ambivox.corpora import load_corpus, load_recognition_rates

Split = Literal["train", "development", "test", "votes"]

TEST_SPEAKERS = {"ravdess": ("17", "18", "19", "20"), "emo-db": ("08", "15")}
DEVELOPMENT_SPEAKERS = {"ravdess": ("15", "16"), "emo-db": ("11",)}
"""Two held-out EMO-DB speakers: 08 is a woman, 15 a man. Fixed before the first training run."""

CORPORA = ("ravdess", "emo-db", "nemo", "mesd")
"""What `mini` is trained on; all speakers of nEMO and MESD are, since no split of theirs was fixed before."""

_RAVDESS_STRENGTH = {"01": "normal", "02": "strong"}


@dataclass(frozen=True)
class Clip:
    """One recording with what its actor was asked to express.

    Args:
        id: corpus and file name without its ending, unique.
        path: the audio file.
        corpus: one of `CORPORA`, or ``crema-d``.
        speaker: the corpus' own name of the speaker.
        female: whether the speaker is a woman (of MESD's children nobody says it).
        emotion: what the actor was asked for, one of `recipes.mini.targets.HEARD`.
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
        UsageError: a corpus folder is missing.
        ValueError: a speaker is in more than one split.
    """
    recognised = load_recognition_rates(data / "emo-db")
    clips = []
    for name in (*CORPORA, "crema-d"):
        for utterance in load_corpus(name, data / name):
            speaker, emotion = str(utterance.speaker), str(utterance.intended)
            clips.append(
                Clip(
                    id=f"{name}/{utterance.id}",
                    path=utterance.audio,
                    corpus=name,
                    speaker=speaker,
                    female=utterance.sex == "female",
                    emotion=emotion,
                    strength=_RAVDESS_STRENGTH[utterance.id.split("-")[3]] if name == "ravdess" else "XX",
                    recognised=recognised.get(utterance.id) if name == "emo-db" else None,
                    split=_split(name, speaker),
                )
            )
    clips.sort(key=lambda clip: clip.id)
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
    if corpus == "crema-d":
        return "votes"
    if speaker in TEST_SPEAKERS.get(corpus, ()):
        return "test"
    return "development" if speaker in DEVELOPMENT_SPEAKERS.get(corpus, ()) else "train"
