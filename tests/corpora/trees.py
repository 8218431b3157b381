"""Made-up corpora in their published layouts: what to write, as plain data, and how it lies on disk."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import strategies as st

WORDS = st.text("abcdefghijklmnopqrstuvwxyz' ", min_size=1, max_size=30).map(str.strip).filter(bool)


def write_wav(path: Path, seconds: float = 0.2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(round(16_000 * seconds)), 16_000)


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


def judged(speaker: str, words: str, *judgements: Judgement, consensus: str = "neutral") -> SpokenTurn:
    return SpokenTurn(speaker, words, consensus, judgements)


DIALOGUE = [
    judged("F", "Excuse me.", Judgement("E2", ("neutral",)), Judgement("E4", ("angry", "frustrated"))),
    judged("M", "Do you have your forms?", Judgement("E2", ("neutral",), "curious")),
    SpokenTurn("M", "[LAUGHTER]"),
    judged(
        "F",
        "Yeah.",
        Judgement("E2", ("excited",)),
        Judgement("F1", ("happy", "excited")),
        consensus="excited",
    ),
    judged("M", "Let me see them.", Judgement("M1", ("sad",)), consensus="no agreement"),
]
SMALL: Dialogues = {(1, "Ses01F_impro01"): DIALOGUE, (2, "Ses02M_script01_1"): DIALOGUE}

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


# MSP-Podcast

MSP_CODES = {
    "angry": "A",
    "sad": "S",
    "happy": "H",
    "surprise": "U",
    "fear": "F",
    "disgust": "D",
    "contempt": "C",
    "neutral": "N",
    "other": "O",
    "no agreement": "X",
}
MSP_MAIN = ("Angry", "Sad", "Happy", "Surprise", "Fear", "Disgust", "Contempt", "Neutral")
MSP_SECONDARY = (*MSP_MAIN, "Amused", "Frustrated", "Depressed", "Concerned", "Disappointed", "Excited")
MSP_SECONDARY += ("Confused", "Annoyed", "Other")
MSP_LAYOUTS = ("1.6", "1.7 to 1.12", "2.0")


@dataclass(frozen=True)
class MspRating:
    """One rater on one clip; `other` is the free text of the main label "Other"."""

    worker: str
    main: str
    secondary: tuple[str, ...] = ()
    other: str = ""

    @property
    def major(self) -> str:
        return f"Other-{self.other}" if self.other else self.main


@dataclass(frozen=True)
class MspClip:
    """A segment; without ratings it stands in the consensus alone."""

    ratings: tuple[MspRating, ...] = ()
    consensus: str = "neutral"
    speaker: str = "12"
    sex: str = "Female"
    partition: str = "Train"
    transcript: str = ""


MspClips = Sequence[MspClip]


def msp_name(number: int) -> str:
    return f"MSP-PODCAST_{number // 100:04d}_{number % 100:04d}"


def write_csv(path: Path, rows: list[list[str]], newline: str, encoding: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=newline).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def write_msp(
    root: Path,
    clips: MspClips,
    layout: str,
    *,
    newline: str = "\n",
    encoding: str = "utf-8",
    audio: bool = True,
) -> Path:
    consensus = [["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]]
    wide = ["FileName", "Workers", "EmoClass_Major", "EmoClass_Second", "EmoAct", "EmoDom", "EmoVal"]
    if layout == "2.0":
        wide = ["FileName", "WorkerID", "EmoClass_Major", "EmoClass_Second", "EmoAct", "EmoVal", "EmoDom"]
    detailed = [["FileName", "EmoDetail"] if layout == "1.7 to 1.12" else wide]
    for number, clip in enumerate(clips):
        file = f"{msp_name(number)}.wav"
        code = MSP_CODES[clip.consensus]
        consensus.append([file, code, "4.0", "4.0", "4.0", clip.speaker, clip.sex, clip.partition])
        for r in clip.ratings:
            second = ",".join(r.secondary)
            if layout == "1.7 to 1.12":
                cell = f"{r.worker}; {r.major}; {second}; A:4.000000; V:4.000000; D:4.000000;"
                detailed.append([file, cell])
            else:
                detailed.append([file, r.worker, r.major, second, "4", "4", "4"])
        if audio:
            write_wav(root / "Audios" / file)
        if clip.transcript:
            path = root / "Transcripts" / f"{msp_name(number)}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(clip.transcript + "\n", encoding="utf-8")
    write_csv(root / "Labels" / "labels_consensus.csv", consensus, newline, encoding)
    write_csv(root / "Labels" / "labels_detailed.csv", detailed, newline, encoding)
    return root


FREE_TEXTS = st.text("abcdefg ,;-", min_size=1, max_size=12).map(str.strip).filter(bool)
MSP_RATINGS = st.lists(
    st.one_of(
        st.builds(
            MspRating,
            st.sampled_from([f"WORKER{n:08d}" for n in range(6)]),
            st.sampled_from(MSP_MAIN),
            st.lists(st.sampled_from(MSP_SECONDARY), max_size=3, unique=True).map(tuple),
        ),
        st.builds(
            MspRating,
            st.sampled_from([f"WORKER{n:08d}" for n in range(6, 9)]),
            st.just("Other"),
            other=FREE_TEXTS,
        ),
    ),
    max_size=6,
    unique_by=lambda r: r.worker,
).map(tuple)
MSP_CLIPS = st.lists(
    st.builds(
        MspClip,
        MSP_RATINGS,
        st.sampled_from(list(MSP_CODES)),
        st.sampled_from(["Unknown", "1", "127"]),
        st.sampled_from(["Male", "Female", "Unknown"]),
        st.sampled_from(["Train", "Development", "Test1", "Test2", "Test3"]),
        st.one_of(st.just(""), WORDS),
    ),
    min_size=1,
    max_size=6,
)
