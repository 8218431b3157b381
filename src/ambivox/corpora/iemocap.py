"""IEMOCAP: ten actors in five sessions of two, each turn judged by about three raters and by its speaker.

Source: Busso et al. (2008), doi:10.1007/s10579-008-9076-6; https://sail.usc.edu/iemocap/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ambivox.corpora._files import find_audio, join_audio, read_text
from ambivox.corpora.corpus import Corpus, Turn, Utterance
from ambivox.corpora.four_class import FourClass, to_four_classes
from ambivox.corpora.load_issues import LoadIssues
from ambivox.emotions import fold
from ambivox.errors import UsageError
from ambivox.raters.ratings import NO_AGREEMENT, OTHER, LabelChoice, Rating, votes_of

LICENCE = "IEMOCAP licence of USC (research use, not to be passed on)"
SESSIONS = ("Session1", "Session2", "Session3", "Session4", "Session5")
N_TURNS = 10_039
"""Judged turns of the full release."""

LABELS = {
    "neutral": "neutral",
    "neutral state": "neutral",
    "happiness": "happy",
    "happy": "happy",
    "sadness": "sad",
    "sad": "sad",
    "anger": "angry",
    "angry": "angry",
    "surprise": "surprise",
    "surprised": "surprise",
    "fear": "fear",
    "disgust": "disgust",
    "frustration": "frustrated",
    "frustrated": "frustrated",
    "excited": "excited",
    "excitement": "excited",
    "other": OTHER,
}
"""The raters' words (case and ends do not count) -> the labels of votes."""
CONSENSUS = {
    "neu": "neutral",
    "hap": "happy",
    "sad": "sad",
    "ang": "angry",
    "sur": "surprise",
    "fea": "fear",
    "dis": "disgust",
    "fru": "frustrated",
    "exc": "excited",
    "oth": OTHER,
    "xxx": NO_AGREEMENT,
}

_TURN = re.compile(r"(Ses0([1-5]))[FM]_\w+_([FM])\w*")  # "Ses01F_impro01_F000": session, and who speaks
_HEADER = re.compile(r"\[\s*([\d.]+)\s*-\s*([\d.]+)\s*\]\s+(\S+)\s+(\w+)\s*(\[.*)?")
_CATEGORY = re.compile(r"C-([EFM]\w*)\s*:\s*([^()]*)(?:\((.*?)\)?)?")
_SPOKEN = re.compile(r"(\S+?)\s*(?:\[\s*([\d.]+)\s*-\s*([\d.]+)\s*\])?\s*:\s*(.*)")


@dataclass
class _Judged:
    """A turn of an evaluation file."""

    name: str
    start_s: float
    consensus: str
    source: str
    ratings: list[Rating] = field(default_factory=list)


def load_iemocap(
    root: str | Path,
    *,
    labels: LabelChoice = "all-labels",
    four_class: FourClass | None = None,
    require_audio: bool = True,
) -> Corpus:
    """Load IEMOCAP from its release: ``Session1`` to ``Session5`` in `root` or in ``IEMOCAP_full_release``.

    Reads ``dialog/EmoEvaluation/<dialogue>.txt`` (what each rater said) and
    ``dialog/transcriptions/<dialogue>.txt``, and looks for ``sentences/wav/<dialogue>/<turn>.wav``.
    Utterances are the judged turns, by session, dialogue and time. All turns of the transcript are known as
    context.

    Args:
        root: the folder of the corpus.
        labels: which labels of the raters become votes, a name of `LABEL_CHOICES`. A rater may have named
            several without an order, so all count by default; speakers' judgements of themselves do not.
        four_class: keep the utterances of a four-class convention only, a name of `FOUR_CLASS`.
        require_audio: leave out turns whose audio is not there.

    Returns:
        The corpus. Its load issues count missing sessions and turns, turns without audio, transcript or
        rater, lines that make no sense, labels of unknown spelling, and oddly encoded files.

    Raises:
        UsageError: no session here, or no evaluation in them.
    """
    root = Path(root)
    if not (root / SESSIONS[0]).is_dir() and (root / "IEMOCAP_full_release").is_dir():
        root = root / "IEMOCAP_full_release"
    present = [root / session for session in SESSIONS if (root / session).is_dir()]
    if not present:
        raise UsageError(f"{root}: no folder Session1 to Session5: give the folder of the IEMOCAP release")
    load_issues = LoadIssues()
    missing = [session for session in SESSIONS if root / session not in present]
    load_issues.add_all("sessions that are missing, of 5", missing, fix="unpack the whole release")
    utterances: list[Utterance] = []
    dialogues: dict[str, tuple[Turn, ...]] = {}
    for session in present:
        for path in _text_files(session / "dialog" / "EmoEvaluation"):
            judged, turns = _read_dialogue(session, path, load_issues)
            dialogues[path.stem] = turns
            utterances += _utterances(session, path.stem, judged, turns, labels, load_issues)
    if not utterances:
        raise UsageError(
            f"{present[0]}: no judged turn in dialog/EmoEvaluation/*.txt: unpack the release again"
        )
    short = N_TURNS - len(utterances)
    if short > 0:
        what = f"judged turns that are missing, of the {N_TURNS} of the full release"
        load_issues.add(what, fix="unpack dialog/EmoEvaluation again", count=short)
    folders = [folder for s in present for folder in sorted((s / "sentences" / "wav").glob("*"))]
    audio = find_audio(folders, (".wav",))
    kept = join_audio(
        utterances, audio, load_issues, require_audio=require_audio, where=root / "Session*/sentences/wav"
    )
    corpus = Corpus("iemocap", LICENCE, kept, load_issues.all(), dialogues, labels)
    return corpus if four_class is None else to_four_classes(corpus, four_class)


def _text_files(folder: Path) -> list[Path]:
    # The release holds the resource forks of the Mac that packed it: files that begin with "._".
    return sorted(path for path in folder.glob("*.txt") if not path.name.startswith("."))


def _read_dialogue(
    session: Path, path: Path, load_issues: LoadIssues
) -> tuple[dict[str, _Judged], tuple[Turn, ...]]:
    """The judged turns of a dialogue, and all of its turns in the order of time."""
    judged: dict[str, _Judged] = {}
    for turn in _read_evaluation(path, load_issues):
        if turn.name in judged:
            load_issues.add("turns that are judged twice in a file, the first counts", turn.name)
        else:
            judged[turn.name] = turn
    spoken: dict[str, tuple[float, str]] = {}
    transcript = session / "dialog" / "transcriptions" / path.name
    if transcript.exists():
        spoken = _read_transcript(transcript, judged, load_issues)
    else:
        load_issues.add("dialogues without a transcript", path.stem, fix="unpack dialog/transcriptions again")
    starts = {name: turn.start_s for name, turn in judged.items()}
    starts |= {name: start_s for name, (start_s, _) in spoken.items()}
    turns = [
        Turn(name, _speaker(name), spoken[name][1] or None if name in spoken else None, place)
        for place, name in enumerate(sorted(starts, key=lambda name: starts[name]))
    ]
    return judged, tuple(turns)


def _read_evaluation(path: Path, load_issues: LoadIssues) -> Iterator[_Judged]:
    turn: _Judged | None = None
    for number, line in enumerate(read_text(path, load_issues=load_issues).split("\n"), start=1):
        header = _HEADER.fullmatch(line.strip())
        if header:
            if turn is not None:
                yield turn
            code = header[4].lower()
            if code not in CONSENSUS:
                load_issues.add(
                    "consensus labels of unknown spelling, kept as written", f"{path.name}: {code}"
                )
            consensus, source = CONSENSUS.get(code, code), f"line {number} of {path.name}"
            turn = _Judged(header[3], float(header[1]), consensus, source)
        elif turn is not None and line.startswith("C-"):
            turn.ratings += _rating(line, f"{path.name}: line {number}", turn.name, load_issues)
        elif line.strip() and not line.startswith(("%", "A-")):
            load_issues.add(
                "lines of evaluations that make no sense, left out", f"{path.name}: line {number}"
            )
    if turn is not None:
        yield turn


def _rating(line: str, where: str, turn: str, load_issues: LoadIssues) -> list[Rating]:
    category = _CATEGORY.fullmatch(line.strip())
    words = [fold(word) for word in category[2].split(";") if word.strip()] if category else []
    if category is None or not words:
        load_issues.add("ratings without a label, left out", where)
        return []
    for word in words:
        if word not in LABELS:
            load_issues.add("labels of unknown spelling, kept as written", f"{where}: {word}")
    named = tuple(dict.fromkeys(LABELS.get(word, word) for word in words))
    by_speaker = category[1][0] in "FM"
    # outside raters are the same people in all sessions, the actors are not
    rater = f"{turn[:5]} {category[1]}" if by_speaker else category[1]
    return [Rating(rater, named, (), (category[3] or "").strip() or None, by_speaker)]


def _read_transcript(
    path: Path, judged: dict[str, _Judged], load_issues: LoadIssues
) -> dict[str, tuple[float, str]]:
    """Turn -> when it starts, in seconds, and what is said."""
    spoken: dict[str, tuple[float, str]] = {}
    last_s = 0.0
    for number, line in enumerate(read_text(path, load_issues=load_issues).split("\n"), start=1):
        found = _SPOKEN.fullmatch(line.strip())
        if found is None or _TURN.fullmatch(found[1]) is None:
            if line.strip():
                load_issues.add(
                    "lines of transcripts that name no turn, left out", f"{path.name}: line {number}"
                )
            continue
        known = judged.get(found[1])
        last_s = float(found[2]) if found[2] else known.start_s if known else last_s
        spoken.setdefault(found[1], (last_s, found[4]))
    return spoken


def _utterances(
    session: Path,
    dialogue: str,
    judged: dict[str, _Judged],
    turns: tuple[Turn, ...],
    labels: LabelChoice,
    load_issues: LoadIssues,
) -> Iterator[Utterance]:
    for turn in turns:
        if turn.id not in judged:
            continue
        name = _TURN.fullmatch(turn.id)
        if name is None or name[2] != session.name[-1]:
            load_issues.add("judged turns whose name is not of their session, left out", turn.id)
            continue
        found = judged[turn.id]
        votes = votes_of(found.ratings, labels)
        if not found.ratings:
            load_issues.add("turns without any rater", turn.id)
        elif not votes:
            load_issues.add(f"turns without votes under labels={labels!r}", turn.id)
        if turn.transcript is None:
            load_issues.add("judged turns without a transcript", turn.id)
        yield Utterance(
            id=turn.id,
            audio=session / "sentences" / "wav" / dialogue / f"{turn.id}.wav",
            transcript=turn.transcript,
            speaker=turn.speaker,
            dialogue=dialogue,
            turn=turn.turn,
            votes=votes,
            source=found.source,
            ratings=tuple(found.ratings),
            consensus=found.consensus,
            sex="female" if name[3] == "F" else "male",
            session=session.name,
        )


def _speaker(turn: str) -> str | None:
    """Of "Ses01F_impro01_M003" it is "Ses01M": the letter after the dialogue says who speaks."""
    name = _TURN.fullmatch(turn)
    return f"{name[1]}{name[3]}" if name else None
