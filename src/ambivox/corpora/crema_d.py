"""CREMA-D: twelve sentences by 91 actors, and what about nine raters heard, saw, or both.

Source: Cao et al. (2014), doi:10.1109/TAFFC.2014.2336244; https://github.com/CheyneyComputerScience/CREMA-D.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from ambivox.corpora._files import read_csv
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.errors import UsageError, unknown_name

Modality = Literal["voice", "face", "both"]

LICENCE = "ODbL 1.0"
SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
INTENDED = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}

_VOTE_COLUMNS = {"A": "angry", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad"}
_CLIP = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_[A-Z]{1,2}")  # actor, sentence, intended emotion, level
_QUERY_TYPES: dict[Modality, str] = {"voice": "1", "face": "2", "both": "3"}  # first digit of the row's name


def load_crema_d(root: str | Path, *, votes: Modality = "voice", require_audio: bool = True) -> Corpus:
    """Load CREMA-D from the layout of its repository.

    Reads ``processedResults/tabulatedVotes.csv`` and looks for ``AudioWAV/<clip>.wav``. Utterances are in the
    order of the table; speaker, intended emotion and transcript come from the clip's name.

    Args:
        root: the folder of the corpus.
        votes: which raters count: those who only heard the clip, only saw it, or both.
        require_audio: leave out clips whose audio is not there; False lists all rated clips, for statistics
            of the votes alone.

    Returns:
        The corpus. Its notes count the clips without audio, audio without votes, and rows that stand in the
        table twice (counted once).

    Raises:
        UsageError: no vote table, or one with a row that makes no sense (the row is named).
    """
    root = Path(root)
    if votes not in _QUERY_TYPES:
        raise unknown_name("votes of CREMA-D", votes, _QUERY_TYPES)
    table = root / "processedResults" / "tabulatedVotes.csv"
    audio = root / "AudioWAV"
    rated: dict[str, Utterance] = {}
    n_repeated = 0
    for number, row in read_csv(table):
        if "" not in row or "fileName" not in row or not row.keys() >= _VOTE_COLUMNS.keys():
            raise UsageError(f"{table}: columns '', A, D, F, H, N, S and fileName are needed, as published")
        if row[""][:1] != _QUERY_TYPES[votes]:
            continue
        utterance = _utterance(row, table, number, audio)
        if utterance.id in rated:
            if rated[utterance.id].votes != utterance.votes:
                raise UsageError(
                    f"{table}: row {number}: other votes for {utterance.id} than in an earlier row"
                )
            n_repeated += 1
            continue
        rated[utterance.id] = utterance

    present = {path.stem for path in audio.glob("*.wav")} if audio.is_dir() else set()
    n_silent = len(rated.keys() - present)
    if require_audio and rated and not rated.keys() & present:
        raise UsageError(
            f"{audio}: none of the {len(rated)} rated clips is here: put the audio there, or ask for the "
            "votes alone with require_audio=False"
        )
    notes = [
        f"{n_silent} of {len(rated)} rated clips have no audio in AudioWAV"
        + (" and are left out" if require_audio else ""),
        f"{len(present - rated.keys())} clips in AudioWAV have no {votes} votes and are left out",
        f"{n_repeated} rows of the vote table repeat an earlier one and count once",
    ]
    kept = tuple(u for u in rated.values() if u.id in present or not require_audio)
    return Corpus("crema-d", LICENCE, kept, tuple(note for note in notes if not note.startswith("0 ")))


def _utterance(row: dict[str, str], table: Path, number: int, audio: Path) -> Utterance:
    where, clip = f"{table}: row {number}", row["fileName"]
    name = _CLIP.fullmatch(clip)
    if name is None or name[2] not in SENTENCES or name[3] not in INTENDED:
        raise UsageError(f"{where}: {clip!r} is no clip name such as 1001_IEO_NEU_XX")
    if not all(row[column].isdecimal() for column in _VOTE_COLUMNS):
        raise UsageError(f"{where}: a vote count is no whole number from 0 up")
    counts = {label: int(row[column]) for column, label in _VOTE_COLUMNS.items()}
    total = str(sum(counts.values()))
    if row.get("numResponses", total) != total:
        raise UsageError(f"{where}: {total} votes where numResponses says {row['numResponses']}")
    return Utterance(
        id=clip,
        audio=audio / f"{clip}.wav",
        transcript=SENTENCES[name[2]],
        speaker=name[1],
        votes={label: count for label, count in counts.items() if count},
        intended=INTENDED[name[3]],
        source=f"row {number} of {table.name}",
    )
