"""EMO-DB: ten German sentences by ten actors, with the share of listeners who recognised the emotion.

Source: Burkhardt et al. (2005), doi:10.21437/Interspeech.2005-446.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ambivox.corpora._acted import load_by_name
from ambivox.corpora._files import read_text
from ambivox.corpora.corpus import Corpus
from ambivox.errors import UsageError

LICENCE = "published free of charge by TU Berlin"
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
INTENDED = {
    "W": "angry",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
WOMEN = ("08", "09", "13", "14", "16")
"""The speakers that the corpus lists as women; the others are men."""

CLIP = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z]?)", re.IGNORECASE)
"""Speaker, text, emotion (its German initial), and a letter where there are several versions."""


def load_emo_db(root: str | Path) -> Corpus:
    """Load EMO-DB, ``wav/<clip>.wav`` or any other layout; utterances are sorted by clip and have no votes.

    A clip's listeners left only the share of them who recognised the intended emotion, and no votes for the
    others: see `load_recognition_rates`.

    Args:
        root: the folder of the corpus.

    Returns:
        The corpus; its load issues count files that are not named as published (left out) and clips that are
        there twice.

    Raises:
        UsageError: no clip of EMO-DB here.
    """
    return load_by_name(root, "emo-db", LICENCE, _describe, example="03a01Fa.wav")


def _describe(stem: str) -> dict[str, Any] | None:
    name = CLIP.fullmatch(stem)
    if name is None or name[2].lower() not in SENTENCES:
        return None
    speaker, text, emotion, version = name[1], name[2].lower(), name[3].upper(), name[4].lower()
    return {
        "id": f"{speaker}{text}{emotion}{version}",
        "transcript": SENTENCES[text],
        "speaker": speaker,
        "intended": INTENDED[emotion],
        "sex": "female" if speaker in WOMEN else "male",
    }


def load_recognition_rates(root: str | Path) -> dict[str, float]:
    """The share of about 20 listeners who recognised the intended emotion, from ``erkennung.txt``.

    The table also holds recordings that were not published, so it has more clips than ``wav``.

    Returns:
        Clip name (an utterance's id) -> share, in [0, 1].

    Raises:
        UsageError: no such file, or a line that does not end in two percentages.
    """
    path = Path(root) / "erkennung.txt"
    rates: dict[str, float] = {}
    for number, line in enumerate(read_text(path, "latin-1").splitlines()[1:], start=2):
        if not line.strip():
            continue
        found = re.fullmatch(r"\d+\s+(\w+)\.wav\s+(\d+,\d+)\s+\d+,\d+\s*", line)
        percent = float(found[2].replace(",", ".")) if found else float("inf")
        if found is None or percent > 100:
            raise UsageError(
                f"{path}: line {number}: expected a number, a clip and two percentages, as published"
            )
        rates[found[1]] = percent / 100
    return rates
