"""CREMA-D: twelve sentences by 91 actors, and what about nine raters heard, saw, or both.

Source: Cao et al. (2014), doi:10.1109/TAFFC.2014.2336244; https://github.com/CheyneyComputerScience/CREMA-D.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ambivox.corpora._files import find_audio, join_audio, read_csv
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.errors import UsageError, unknown_name
from ambivox.raters.ratings import Rating, votes_of

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


def load_crema_d(
    root: str | Path,
    *,
    votes: Modality = "voice",
    table: Literal["tabulated", "per-rater"] = "tabulated",
    require_audio: bool = True,
) -> Corpus:
    """Load CREMA-D from the layout of its repository.

    Reads ``processedResults/tabulatedVotes.csv``, the sex of the actors from ``VideoDemographics.csv``, who
    gave which vote from ``finishedResponses.csv`` where it is there, and looks for ``AudioWAV/<clip>.wav``.
    Utterances are in the order of the vote table; speaker, intended emotion and transcript come from the
    clip's name.

    Args:
        root: the folder of the corpus.
        votes: which raters count: those who only heard the clip, only saw it, or both.
        table: where votes are counted: the tabulated ones, or the per-rater file ``finishedResponses.csv``.
        require_audio: leave out clips whose audio is not there; False lists all rated clips, for statistics
            of the votes alone.

    Returns:
        The corpus. Its load issues count the clips without audio, audio without votes, git-lfs pointers, rows
        that stand in a table twice (counted once), and clips on which the two tables differ.

    Raises:
        UsageError: no vote table, or one with a row that makes no sense (the row is named).
    """
    root = Path(root)
    if votes not in _QUERY_TYPES:
        raise unknown_name("votes of CREMA-D", votes, _QUERY_TYPES)
    load_issues = LoadIssues()
    responses = root / "finishedResponses.csv"
    ratings = (
        _read_responses(responses, votes, load_issues) if table == "per-rater" or responses.exists() else {}
    )
    if table == "per-rater":
        rated = _from_responses(ratings, responses, root / "AudioWAV")
    else:
        rated = _read_table(root / "processedResults" / "tabulatedVotes.csv", votes, root, load_issues)
    for clip, given in ratings.items() if table == "tabulated" else ():
        if clip in rated:
            if votes_of(given, "primary") != rated[clip].votes:
                load_issues.add(
                    "clips with other votes in finishedResponses.csv than in tabulatedVotes.csv", clip
                )
            rated[clip] = replace(rated[clip], ratings=given)
    sexes = _read_sexes(root / "VideoDemographics.csv", load_issues)
    utterances = [replace(u, sex=sexes.get(str(u.speaker))) for u in rated.values()]
    audio = find_audio([root / "AudioWAV"], (".wav",))
    kept = join_audio(utterances, audio, load_issues, require_audio=require_audio, where=root / "AudioWAV")
    return Corpus("crema-d", LICENCE, kept, load_issues.all())


def _read_table(table: Path, votes: Modality, root: Path, load_issues: LoadIssues) -> dict[str, Utterance]:
    rated: dict[str, Utterance] = {}
    for number, row in read_csv(table):
        if "" not in row or "fileName" not in row or not row.keys() >= _VOTE_COLUMNS.keys():
            raise UsageError(f"{table}: columns '', A, D, F, H, N, S and fileName are needed, as published")
        if row[""][:1] != _QUERY_TYPES[votes]:
            continue
        utterance = _utterance(row, table, number, root / "AudioWAV")
        if utterance.id in rated:
            if rated[utterance.id].votes != utterance.votes:
                raise UsageError(
                    f"{table}: row {number}: other votes for {utterance.id} than in an earlier row"
                )
            load_issues.add(
                "rows of the vote table that repeat an earlier one, counted once", f"row {number}"
            )
            continue
        rated[utterance.id] = utterance
    return rated


def _read_responses(path: Path, votes: Modality, load_issues: LoadIssues) -> dict[str, tuple[Rating, ...]]:
    """Clip -> what its raters said, from the per-rater file; a rater who met a clip twice counts once."""
    ratings: dict[str, dict[str, Rating]] = {}
    for number, row in read_csv(path, load_issues):
        if not row.keys() >= {"localid", "queryType", "clipName", "respEmo"}:
            raise UsageError(f"{path}: columns localid, queryType, clipName and respEmo are needed")
        if row["queryType"] != _QUERY_TYPES[votes]:
            continue
        clip, label = row["clipName"], _VOTE_COLUMNS.get(row["respEmo"])
        if label is None or _CLIP.fullmatch(clip) is None:
            load_issues.add(
                f"rows of {path.name} without a clip or emotion of CREMA-D, left out", f"row {number}"
            )
            continue
        given = ratings.setdefault(clip, {})
        if row["localid"] in given:
            load_issues.add(f"rows of {path.name} in which a rater repeats a clip, left out", f"row {number}")
            continue
        given[row["localid"]] = Rating(row["localid"], (label,))
    return {clip: tuple(given.values()) for clip, given in ratings.items()}


def _from_responses(ratings: dict[str, tuple[Rating, ...]], path: Path, audio: Path) -> dict[str, Utterance]:
    source = f"the rows of {path.name}"
    return {
        clip: replace(
            _named(clip, audio, f"{path}: "), votes=votes_of(given, "primary"), ratings=given, source=source
        )
        for clip, given in sorted(ratings.items())
    }


def _read_sexes(path: Path, load_issues: LoadIssues) -> dict[str, str]:
    """Actor -> female or male, from the table of actors where it is there."""
    if not path.exists():
        return {}
    rows = [row for _, row in read_csv(path, load_issues)]
    return {row["ActorID"]: row["Sex"].lower() for row in rows if row.keys() >= {"ActorID", "Sex"}}


def _named(clip: str, audio: Path, where: str) -> Utterance:
    """What the name of a clip tells."""
    name = _CLIP.fullmatch(clip)
    if name is None or name[2] not in SENTENCES or name[3] not in INTENDED:
        raise UsageError(f"{where}{clip!r} is not a clip name such as 1001_IEO_NEU_XX")
    return Utterance(
        id=clip,
        audio=audio / f"{clip}.wav",
        transcript=SENTENCES[name[2]],
        speaker=name[1],
        intended=INTENDED[name[3]],
    )


def _utterance(row: dict[str, str], table: Path, number: int, audio: Path) -> Utterance:
    where = f"{table}: row {number}"
    named = _named(row["fileName"], audio, f"{where}: ")
    if not all(row[column].isdecimal() for column in _VOTE_COLUMNS):
        raise UsageError(f"{where}: a vote count is not a whole number from 0 up")
    counts = {label: int(row[column]) for column, label in _VOTE_COLUMNS.items()}
    total = str(sum(counts.values()))
    if row.get("numResponses", total) != total:
        raise UsageError(f"{where}: {total} votes where numResponses says {row['numResponses']}")
    votes = {label: count for label, count in counts.items() if count}
    return replace(named, votes=votes, source=f"row {number} of {table.name}")
