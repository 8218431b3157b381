"""Made-up corpora in their published layouts: what to write, as plain data, and how it lies on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import strategies as st

WORDS = st.text("abcdefghijklmnopqrstuvwxyz' ", min_size=1, max_size=30).map(str.strip).filter(bool)


def write_wav(path: Path, seconds: float = 0.2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(round(16_000 * seconds)), 16_000)


# IEMOCAP

IEMOCAP_WORDS = {
    "neutral": ("Neutral", "Neutral state"),
    "happy": ("Happiness",),
    "sad": ("Sadness",),
    "angry": ("Anger",),
    "surprise": ("Surprise",),
    "fear": ("Fear",),
    "disgust": ("Disgust",),
    "frustrated": ("Frustration",),
    "excited": ("Excited",),
    "other": ("Other",),
}
IEMOCAP_CODES = {
    "neutral": "neu",
    "happy": "hap",
    "sad": "sad",
    "angry": "ang",
    "surprise": "sur",
    "fear": "fea",
    "disgust": "dis",
    "frustrated": "fru",
    "excited": "exc",
    "other": "oth",
    "no agreement": "xxx",
}


@dataclass(frozen=True)
class Judgement:
    """One rater on one turn: E1 to E6 are outside raters, F and M the actors."""

    rater: str
    labels: tuple[str, ...]
    comment: str = ""
    spelling: int = 0


@dataclass(frozen=True)
class SpokenTurn:
    """A turn; without judgements it stands in the transcript alone."""

    speaker: str
    transcript: str
    consensus: str = "neutral"
    judgements: tuple[Judgement, ...] = ()
    seconds: float = 1.0


Dialogues = dict[tuple[int, str], Sequence[SpokenTurn]]
"""(session, "Ses01F_impro01") -> its turns in time."""


def turn_names(dialogue: str, turns: Sequence[SpokenTurn]) -> list[str]:
    counts = {"F": 0, "M": 0, "FXX": 0, "MXX": 0}
    names = []
    for turn in turns:
        kind = turn.speaker if turn.judgements else f"{turn.speaker}XX"
        number = f"{counts[kind]:03d}" if turn.judgements else str(counts[kind])
        names.append(f"{dialogue}_{kind}{number}")
        counts[kind] += 1
    return names


def write_iemocap(
    root: Path, dialogues: Dialogues, *, newline: str = "\n", encoding: str = "utf-8", audio: bool = True
) -> Path:
    for (session, dialogue), turns in dialogues.items():
        folder = root / f"Session{session}"
        evaluation = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
        transcript = []
        start = 1.0
        (folder / "sentences" / "wav" / dialogue).mkdir(parents=True, exist_ok=True)
        for name, turn in zip(turn_names(dialogue, turns), turns, strict=True):
            end = start + turn.seconds
            transcript.append(f"{name} [{start:08.4f}-{end:08.4f}]: {turn.transcript}")
            if turn.judgements:
                code = IEMOCAP_CODES[turn.consensus]
                evaluation.append(f"[{start:.4f} - {end:.4f}]\t{name}\t{code}\t[2.5000, 2.5000, 2.5000]")
                for j in turn.judgements:
                    words = [IEMOCAP_WORDS[label] for label in j.labels]
                    said = " ".join(f"{forms[j.spelling % len(forms)]};" for forms in words)
                    evaluation.append(f"C-{j.rater}:\t{said}\t({j.comment})")
                    evaluation.append(f"A-{j.rater}:\tval 3; act 2; dom  2;\t()")
                evaluation.append("")
                if audio:
                    write_wav(folder / "sentences" / "wav" / dialogue / f"{name}.wav", turn.seconds)
            start = end
        for kind, lines in (("EmoEvaluation", evaluation), ("transcriptions", transcript)):
            path = folder / "dialog" / kind / f"{dialogue}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return root


LABEL_LISTS = st.lists(st.sampled_from(list(IEMOCAP_WORDS)), min_size=1, max_size=3, unique=True).map(tuple)
JUDGEMENTS = st.lists(
    st.builds(
        Judgement,
        st.sampled_from(["E1", "E2", "E3", "E4", "F1", "M1"]),
        LABEL_LISTS,
        st.one_of(st.just(""), WORDS),
        st.integers(0, 1),
    ),
    max_size=5,
    unique_by=lambda j: j.rater,
).map(tuple)
SPOKEN_TURNS = st.lists(
    st.builds(
        SpokenTurn,
        st.sampled_from("FM"),
        WORDS,
        st.sampled_from(list(IEMOCAP_CODES)),
        JUDGEMENTS,
        st.sampled_from([0.2, 1.5, 3.0]),
    ),
    min_size=1,
    max_size=6,
)
IEMOCAPS = st.dictionaries(
    st.builds(
        lambda session, sex, scene: (session, f"Ses0{session}{sex}_{scene}"),
        st.integers(1, 5),
        st.sampled_from("FM"),
        st.sampled_from(["impro01", "impro08b", "script01_1", "script03_2"]),
    ),
    SPOKEN_TURNS,
    min_size=1,
    max_size=4,
)
