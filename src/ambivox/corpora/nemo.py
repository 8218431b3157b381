"""nEMO: Polish sentences by nine actors in six emotions.

Source: Christop (2024), nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ambivox.corpora._acted import load_by_name
from ambivox.corpora._files import is_file, read_csv
from ambivox.corpora.corpus import Corpus
from ambivox.corpora.load_issues import LoadIssues

LICENCE = "CC BY-NC-SA 4.0"
INTENDED = {
    "anger": "angry",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
}

CLIP = re.compile(rf"([A-Z]{{2}}\d)_({'|'.join(INTENDED)})_(\d+)", re.IGNORECASE)
"""Speaker, emotion, and the number of the sentence."""


def load_nemo(root: str | Path) -> Corpus:
    """Load nEMO: ``samples/<speaker>_<emotion>_<sentence>.wav`` and ``data.tsv``; there are no votes.

    Utterances are sorted by clip name; what is said and the speaker's sex come from ``data.tsv``. The corpus
    has no published split: divide it by speakers.

    Args:
        root: the folder of the corpus.

    Returns:
        The corpus; its load issues count files that are not named as published and clips without a row.

    Raises:
        UsageError: no clip of nEMO here.
    """
    root = Path(root)
    load_issues = LoadIssues()
    rows = _read_rows(root / "data.tsv", load_issues)

    def describe(stem: str) -> dict[str, Any] | None:
        name = CLIP.fullmatch(stem)
        if name is None:
            return None
        clip = f"{name[1].upper()}_{name[2].lower()}_{name[3]}"
        row = rows.get(clip, {})
        if rows and not row:
            load_issues.add("clips without a row in data.tsv", clip, fix="copy data.tsv again")
        return {
            "id": clip,
            "speaker": name[1].upper(),
            "intended": INTENDED[name[2].lower()],
            "transcript": row.get("raw_text") or None,
            "sex": row.get("gender") or None,
        }

    return load_by_name(root, "nemo", LICENCE, describe, example="EB0_anger_43.wav", notes=load_issues)


def _read_rows(path: Path, load_issues: LoadIssues) -> dict[str, dict[str, str]]:
    if not is_file(path):
        load_issues.add(
            "no data.tsv, so neither transcripts nor the sex of speakers are known",
            fix="copy it beside samples",
        )
        return {}
    return {Path(row.get("file_id", "")).stem: row for _, row in read_csv(path)}
