"""MSP-Podcast: spontaneous speech from podcasts, each segment judged by five or more raters.

Releases 1.6, 1.7 to 1.12 and 2.0 differ in the layout of their detailed labels; all three are read.

Source: Lotfian and Busso (2019), doi:10.1109/TAFFC.2017.2736999.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ambivox.corpora._files import find_audio, is_file, join_audio, read_csv, read_text
from ambivox.corpora.corpus import Corpus, Utterance
from ambivox.corpora.four_class import FourClass, to_four_classes
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.words import is_unknown
from ambivox.errors import UsageError
from ambivox.raters.ratings import NO_AGREEMENT, OTHER, LabelChoice, Rating, votes_of

LICENCE = "MSP-Podcast licence of UT Dallas (research use, not to be passed on)"

Release = Literal["1.6", "1.7", "1.8", "1.9", "1.10", "1.11", "1.12", "2.0"]
_LAYOUTS = {"1.6": "1.6", "2.0": "2.0"}  # of the detailed labels; the releases between share theirs
_BETWEEN = "1.7 to 1.12"

CONSENSUS = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
    "O": OTHER,
    "X": NO_AGREEMENT,
}
LABELS = (
    *("angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral"),
    *("amused", "frustrated", "depressed", "concerned", "disappointed", "excited", "confused", "annoyed"),
)
"""What raters chose from, as labels of votes: the first eight as main label, all as secondary ones."""

_RECORDING = re.compile(r"(MSP-(?:PODCAST|Conversation)_\d+)_", re.IGNORECASE)
# "WORKER00000005; Neutral; Neutral,Concerned; A:4.0; V:4.0; D:4.0;": a free text may hold semicolons too
_DETAIL = re.compile(r"([^;]*);(.*);([^;]*);\s*A:[^;]*;\s*V:[^;]*;\s*D:[^;]*;?\s*")


def load_msp_podcast(
    root: str | Path,
    *,
    release: Release | None = None,
    labels: LabelChoice = "primary",
    four_class: FourClass | None = None,
    require_audio: bool = True,
) -> Corpus:
    """Load MSP-Podcast from its release.

    Reads ``Labels/labels_consensus.csv`` (speaker, partition, published label; releases 1.6 and 1.8 spell it
    ``labels_concensus.csv``) and
    ``Labels/labels_detailed.csv`` (what each rater said) in any of its three layouts, transcripts from
    ``Transcripts/<clip>.txt`` where they are there, and looks for ``Audios/<clip>.wav``. Utterances are in
    the order of the consensus table; those of one podcast share a ``dialogue``, but not all of its turns are
    in the corpus, so there are no turns before them.

    Args:
        root: the folder of the corpus.
        release: which release this should be; labels laid out as in another one are read and noted.
        labels: which labels of the raters become votes, a name of `LABEL_CHOICES`.
        four_class: keep the utterances of a four-class convention only, a name of `FOUR_CLASS`.
        require_audio: leave out clips whose audio is not there.

    Returns:
        The corpus. Its load issues count clips without audio, rater, known speaker or row in the other table,
        repeated rows, rows and labels that make no sense, and oddly encoded files.

    Raises:
        UsageError: a table is missing or has other columns.
    """
    root = Path(root)
    load_issues = LoadIssues()
    ratings = _read_detailed(root / "Labels" / "labels_detailed.csv", release, load_issues)
    spoken = _read_transcripts(root / "Transcripts", load_issues)
    table = _consensus_table(root / "Labels")
    utterances = tuple(_read_consensus(table, root, ratings, spoken, labels, load_issues))
    known = {u.id for u in utterances}
    strays = [clip for clip in ratings if clip not in known]
    load_issues.add_all(f"clips with ratings but no row in {table.name}, left out", strays)
    audio = find_audio([root / "Audios", root / "Audio"], (".wav",))
    kept = join_audio(utterances, audio, load_issues, require_audio=require_audio, where=root / "Audios")
    corpus = Corpus("msp-podcast", LICENCE, kept, load_issues.all(), labels=labels)
    return corpus if four_class is None else to_four_classes(corpus, four_class)


def _read_consensus(
    path: Path,
    root: Path,
    ratings: Mapping[str, tuple[Rating, ...]],
    spoken: Mapping[str, str],
    labels: LabelChoice,
    load_issues: LoadIssues,
) -> Iterator[Utterance]:
    seen: set[str] = set()
    for number, row in read_csv(path, load_issues):
        if not row.keys() >= {"FileName", "EmoClass"}:
            raise UsageError(f"{path}: columns FileName and EmoClass are needed, as published")
        clip = row["FileName"].removesuffix(".wav")
        if clip in seen or not clip:
            what = f"rows of {path.name} that repeat a clip, the first counts"
            load_issues.add(what, f"row {number}", fix="copy the table again")
            continue
        seen.add(clip)
        code = row["EmoClass"].upper()
        if code and code not in CONSENSUS:
            load_issues.add(
                "consensus labels of unknown spelling, kept as written", f"{clip}: {row['EmoClass']}"
            )
        given = ratings.get(clip, ())
        votes = votes_of(given, labels)
        if not given:
            load_issues.add("clips without any rater", clip)
        elif not votes:
            load_issues.add(f"clips without votes under labels={labels!r}", clip)
        recording = _RECORDING.match(clip)
        speaker = _known(row.get("SpkrID"))
        if speaker is None:
            load_issues.add("clips whose speaker is not known; they belong to no speaker", clip)
        yield Utterance(
            id=clip,
            audio=root / "Audios" / f"{clip}.wav",
            transcript=spoken.get(clip),
            speaker=speaker,
            dialogue=recording[1] if recording else None,
            votes=votes,
            source=f"row {number} of {path.name}",
            ratings=given,
            consensus=CONSENSUS.get(code, row["EmoClass"]) or None,
            sex=(_known(row.get("Gender")) or "").lower() or None,
            partition=_partition(row.get("Split_Set", "")),
        )


def _consensus_table(folder: Path) -> Path:
    """The table of published labels, which some releases misspell."""
    misspelt = folder / "labels_concensus.csv"
    return misspelt if is_file(misspelt) else folder / "labels_consensus.csv"


def _known(cell: str | None) -> str | None:
    return cell if cell is not None and not is_unknown(cell) else None


def _partition(cell: str) -> str | None:
    name = cell.lower()
    return "development" if name in ("validation", "dev") else name or None


def _read_detailed(
    path: Path, release: Release | None, load_issues: LoadIssues
) -> dict[str, tuple[Rating, ...]]:
    """Clip -> what its raters said; a rater who stands twice at a clip counts once."""
    ratings: dict[str, dict[object, Rating]] = {}
    layout = ""
    for number, row in read_csv(path, load_issues):
        if not layout:
            layout = _layout(row.keys(), path)
        clip = row["FileName"].removesuffix(".wav")
        rating = _detail(row["EmoDetail"]) if layout == _BETWEEN else _wide(row)
        if rating is None or not clip:
            load_issues.add(f"rows of {path.name} that make no sense, left out", f"row {number}")
            continue
        for label in (*rating.labels, *rating.secondary):
            if label not in LABELS and label != OTHER:
                load_issues.add("labels of unknown spelling, kept as written", f"row {number}: {label}")
        given = ratings.setdefault(clip, {})
        if rating.rater in given:
            what = f"rows of {path.name} in which a rater repeats a clip, the first counts"
            load_issues.add(what, f"row {number}")
        else:
            given[rating.rater or number] = rating
    claimed = _LAYOUTS.get(release, _BETWEEN) if release else layout
    if layout and claimed != layout:
        load_issues.add(
            f"labels laid out as in release {layout}, not {release} as claimed, read as they are", path.name
        )
    return {clip: tuple(given.values()) for clip, given in ratings.items()}


def _layout(names: Set[str], path: Path) -> str:
    if {"FileName", "EmoDetail"} <= names:
        return _BETWEEN
    if {"FileName", "EmoClass_Major", "EmoClass_Second"} <= names:
        return "2.0" if "WorkerID" in names else "1.6"
    raise UsageError(
        f"{path}: columns FileName and EmoDetail (releases 1.7 to 1.12), or FileName, EmoClass_Major and "
        "EmoClass_Second (1.6 and 2.0) are needed, as published"
    )


def _wide(row: Mapping[str, str]) -> Rating | None:
    return _rating(
        row.get("WorkerID") or row.get("Workers") or "", row["EmoClass_Major"], row["EmoClass_Second"]
    )


def _detail(text: str) -> Rating | None:
    found = _DETAIL.fullmatch(text)
    return _rating(found[1].strip(), found[2], found[3]) if found else None


def _rating(rater: str, major: str, second: str) -> Rating | None:
    main, said = _label(major)
    if not main:
        return None
    secondary, also_said = _label_list(second)
    return Rating(rater or None, (main,), secondary, said or also_said)


@lru_cache(maxsize=100_000)
def _label(text: str) -> tuple[str, str | None]:
    """A label and the free text that may follow it: "Other-bored" is ``other``, "bored"."""
    word, dash, said = text.strip().partition("-")
    if dash and word.strip().lower() == OTHER:
        return OTHER, said.strip() or None
    return text.strip().lower(), None


@lru_cache(maxsize=100_000)
def _label_list(text: str) -> tuple[tuple[str, ...], str | None]:
    found = [_label(part) for part in text.split(",") if part.strip()]
    said = ", ".join(free for _, free in found if free)
    return tuple(dict.fromkeys(label for label, _ in found)), said or None


def _read_transcripts(folder: Path, load_issues: LoadIssues) -> dict[str, str]:
    """Clip -> what is said, where there are transcripts; hidden files are left out."""
    if not folder.is_dir():
        return {}
    paths = (path for path in folder.glob("*.txt") if not path.name.startswith("."))
    return {path.stem: text for path in paths if (text := read_text(path, load_issues=load_issues).strip())}
