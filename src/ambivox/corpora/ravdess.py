"""RAVDESS: two sentences spoken by 24 actors in eight emotions.

Source: Livingstone and Russo (2018), doi:10.1371/journal.pone.0196391.
"""

from __future__ import annotations

import re
from pathlib import Path

from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.errors import UsageError

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

# modality 03 (audio), channel 01 (speech; 02 is song), emotion, intensity, statement, repetition, actor
_CLIP = re.compile(r"03-01-(0[1-8])-0[12]-(0[12])-0[12]-(\d\d)")


def load_ravdess(root: str | Path) -> Corpus:
    """Load the spoken audio of RAVDESS, ``Actor_<nn>/<clip>.wav`` or ``.flac``; there are no votes.

    Utterances are sorted by actor and clip. The corpus's words "fearful" and "surprised" are written
    ``fear`` and ``surprise``, as in the other corpora.

    Args:
        root: the folder that holds the folders of the actors.

    Returns:
        The corpus; its load issues count files that are not audio-only speech, such as songs (left out).

    Raises:
        UsageError: no folder of an actor, or a clip that is there both as wav and as flac.
    """
    root = Path(root)
    paths = sorted(path for path in root.glob("Actor_*/*") if path.suffix in (".wav", ".flac"))
    if not paths:
        raise UsageError(f"{root}: no folder such as Actor_01 with wav or flac files: give RAVDESS's folder")
    utterances = []
    load_issues = LoadIssues()
    for path in paths:
        name = _CLIP.fullmatch(path.stem)
        if name is None:
            load_issues.add("files that are not audio-only speech, left out", path.name)
            continue
        emotion, statement, actor = name.groups()
        utterances.append(
            Utterance(
                id=path.stem,
                audio=path,
                transcript=SENTENCES[statement],
                speaker=actor,
                intended=INTENDED[emotion],
                sex="male" if int(actor) % 2 else "female",  # as the corpus numbers them
                source=f"{path.parent.name}/{path.name}",
            )
        )
    return Corpus("ravdess", LICENCE, tuple(utterances), load_issues.all())
