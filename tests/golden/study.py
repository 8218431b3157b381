"""The golden study: what `mini` says of the 12 CREMA-D clips on every prompt, read and scored.

``python -m tests.golden.study`` writes `STUDY` again. Do so only where a number is meant to change, and say
in the commit which and why.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ambivox.prompts import PROMPTS
from ambivox.readouts import load_readouts, unfold
from ambivox.run import Study, run_study
from ambivox.scoring import ScoringOptions, score
from tests.scoring.rows import prompt_of, readout_of

STUDY = Path(__file__).with_name("study.json")
READOUTS = ("label", "dictionary", "ranked", "prose", "first", "sequence", "expected", "answer", "mean")


def golden(data: Path, out: Path) -> dict[str, Any]:
    """Readings by clip, prompt and readout, and scores by prompt and readout, at full precision."""
    study = Study.model_validate(
        {
            "corpora": [{"name": "crema-d", "path": data / "crema-d", "options": {"votes": "voice"}}],
            "models": ["mini"],
            "prompts": list(PROMPTS),
            "readouts": READOUTS,
            "controls": ["clip"],
        }
    )
    run, readouts = run_study(study, out), load_readouts(READOUTS)
    readings: dict[str, Any] = {}
    for record in run.records():
        read = {r.spec: r(record) for r in unfold(readouts, record) if r.applies(record)}
        readings[f"{record.asked.utterance.id} {record.asked.prompt.name}"] = {
            "text": record.replied.text,
            "readings": {
                name: {
                    "status": reading.status,
                    "distribution": None if reading.distribution is None else reading.distribution.tolist(),
                }
                for name, reading in read.items()
            },
        }
    scores = {
        f"{prompt_of(row)} {readout_of(row)}": {name: found.value for name, found in row.scores.items()}
        for row in score(run, ScoringOptions(cluster="clip")).rows
    }
    return {"readings": readings, "scores": scores}


def main() -> None:
    """Write the golden study from the speech data beside the repository."""
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    with tempfile.TemporaryDirectory() as folder:
        found = golden(data, Path(folder) / "run")
    STUDY.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
