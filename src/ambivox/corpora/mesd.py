"""MESD: single words of Mexican Spanish by women, men and children in six emotions.

Source: Duville, Alonso-Valerdi and Ibarra-Zarate (2021), doi:10.17632/cy34mh68j9.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ambivox.corpora._acted import load_by_name
from ambivox.corpora.corpus import Corpus

LICENCE = "CC BY 4.0"
INTENDED = {
    "Anger": "angry",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happiness": "happy",
    "Neutral": "neutral",
    "Sadness": "sad",
}
SEXES = {"F": "female", "M": "male", "C": None}
"""Of the voices: women, men and children, of whom the corpus does not say it."""

CLIP = re.compile(rf"({'|'.join(INTENDED)})_([FMC])_([AB])_(\w+)", re.IGNORECASE)
"""Emotion, voice, list of words, and the word."""


def load_mesd(root: str | Path) -> Corpus:
    """Load MESD, ``<emotion>_<voice>_<list>_<word>.wav`` in any folder; there are no votes.

    Utterances are sorted by clip name. The names tell voices apart as women, men and children, not the people
    among them, so each of the three counts as one speaker: nobody is on two sides of a split by speakers, and
    there are too few of them for intervals. The transcript is the word as the file name has it, without
    accents.

    Args:
        root: the folder of the corpus.

    Returns:
        The corpus; its load issues count files that are not named as published (left out).

    Raises:
        UsageError: no clip of MESD here.
    """
    return load_by_name(root, "mesd", LICENCE, _describe, example="Anger_F_A_gracias.wav")


def _describe(stem: str) -> dict[str, Any] | None:
    name = CLIP.fullmatch(stem)
    if name is None:
        return None
    emotion, voice, words = name[1].capitalize(), name[2].upper(), name[3].upper()
    return {
        "id": f"{emotion}_{voice}_{words}_{name[4].lower()}",
        "speaker": voice,
        "intended": INTENDED[emotion],
        "transcript": name[4].lower().replace("_", " "),
        "sex": SEXES[voice],
    }
