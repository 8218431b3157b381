"""RAVDESS: two sentences spoken by 24 actors in eight emotions.

Source: Livingstone and Russo (2018), doi:10.1371/journal.pone.0196391.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ambivox.corpora._acted import load_by_name
from ambivox.corpora.corpus import Corpus

LICENCE = "CC BY-NC-SA 4.0"
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
INTENDED = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}

CLIP = re.compile(r"03-01-(0[1-8])-0[12]-(0[12])-0[12]-(\d\d)")
"""Modality 03 (audio), channel 01 (speech; 02 is song), emotion, intensity, statement, repetition, actor."""


def load_ravdess(root: str | Path) -> Corpus:
    """Load the spoken audio of RAVDESS, ``Actor_<nn>/<clip>.wav`` or ``.flac``; there are no votes.

    The clips may lie in folders of actors, deeper or flat. Utterances are sorted by actor and clip. The
    corpus's words "fearful" and "surprised" are written ``fear`` and ``surprise``, as in the other corpora.

    Args:
        root: the folder that holds the clips or the folders of the actors.

    Returns:
        The corpus; its load issues count files that are not audio-only speech, such as songs (left out), and
        clips that are there twice.

    Raises:
        UsageError: no clip of RAVDESS here.
    """
    return load_by_name(root, "ravdess", LICENCE, _describe, example="03-01-05-01-02-01-16.wav")


def _describe(stem: str) -> dict[str, Any] | None:
    name = CLIP.fullmatch(stem)
    if name is None:
        return None
    emotion, statement, actor = name.groups()
    return {
        "id": stem,
        "transcript": SENTENCES[statement],
        "speaker": actor,
        "intended": INTENDED[emotion],
        "sex": "male" if int(actor) % 2 else "female",  # as the corpus numbers them
    }
