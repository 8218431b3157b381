"""EMO-DB: ten German sentences by ten actors, with the share of listeners who recognised the emotion.

Source: Burkhardt et al. (2005), doi:10.21437/Interspeech.2005-446.
"""

from __future__ import annotations

import re
from pathlib import Path

from ambivox.corpora._files import read_text
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
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

# speaker, text, emotion (its German initial), and a letter where there are several versions
_CLIP = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])[a-z]?")


def load_emo_db(root: str | Path) -> Corpus:
    """Load EMO-DB from its layout, ``wav/<clip>.wav``; utterances are sorted by clip name and have no votes.

    A clip's listeners left only the share of them who recognised the intended emotion, and no votes for the
    others: see `load_recognition_rates`.

    Args:
        root: the folder of the corpus.

    Returns:
        The corpus; its load issues count files that are not named as published (left out).

    Raises:
        UsageError: the folder ``wav`` is missing.
    """
    folder = Path(root) / "wav"
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder: it should hold EMO-DB's clips, such as 03a01Fa.wav")
    utterances = []
    load_issues = LoadIssues()
    for path in sorted(folder.glob("*.wav")):
        name = _CLIP.fullmatch(path.stem)
        if name is None or name[2] not in SENTENCES:
            load_issues.add("files in wav that are not named as EMO-DB's, left out", path.name)
            continue
        speaker, text, emotion = name.groups()
        utterances.append(
            Utterance(
                id=path.stem,
                audio=path,
                transcript=SENTENCES[text],
                speaker=speaker,
                intended=INTENDED[emotion],
                sex="female" if speaker in WOMEN else "male",
                source=f"{folder.name}/{path.name}",
            )
        )
    return Corpus("emo-db", LICENCE, tuple(utterances), load_issues.all())


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
