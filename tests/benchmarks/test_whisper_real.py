"""Whisper tiny.en with OpenAI's weights on five CREMA-D clips: what it writes down, how labels are scored."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.whisper_weights import UnavailableError, checkpoint
from filelock import FileLock

from ambivox.audio import read_audio
from ambivox.models import load_model
from ambivox.models.whisper.engine import Whisper
from ambivox.readouts import load_readout
from ambivox.record import Record
from ambivox.run import Study, run_study
from ambivox.scoring import RowKey, ScoringOptions, score
from tests.models.whisper.test_whisper import loss_of

pytestmark = pytest.mark.usefixtures("few_noise_draws")

REPOSITORY = Path(__file__).resolve().parents[2]
CLIPS = REPOSITORY / "examples" / "crema-d"
FIVE = ("1001_DFA_ANG_XX", "1001_DFA_NEU_XX", "1001_IOM_HAP_XX", "1002_DFA_ANG_XX", "1002_DFA_NEU_XX")


@pytest.fixture(scope="module")
def model() -> Whisper:
    kept = REPOSITORY / "build" / "whisper"
    kept.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(kept / "lock"):
            folder = checkpoint("tiny.en", kept)
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    torch.set_num_threads(1)
    loaded = load_model(f"whisper:{folder}", device="cpu")
    assert isinstance(loaded, Whisper)
    return loaded


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    corpus = tmp_path_factory.mktemp("five")
    (corpus / "AudioWAV").mkdir()
    shutil.copytree(CLIPS / "processedResults", corpus / "processedResults")
    for clip in FIVE:
        shutil.copy(CLIPS / "AudioWAV" / f"{clip}.wav", corpus / "AudioWAV")
    return Study.model_validate(
        {
            "corpora": [{"name": "crema-d", "path": corpus, "options": {"votes": "voice"}}],
            "models": ["whisper:tiny.en"],
            "prompts": ["sentence"],
            "wordings": [{"fear": "fearful", "disgust": "disgusted"}],
            "readouts": ["sequence", "label"],
            "controls": ["clip", "silence"],
            "calibrations": ["content-free-silence", "prior-match"],
        }
    )


def test_five_clips_are_written_down_scored_and_calibrated(
    model: Whisper, study: Study, tmp_path: Path
) -> None:
    run = run_study(study, tmp_path / "run", models=[model])
    records = [record for record in run.records() if record.asked.control == "clip"]
    assert {record.asked.utterance.id: record.replied.text.rstrip("!.") for record in records} == {
        clip: "Don't forget a jacket" if "DFA" in clip else "I'm on my way to the meeting" for clip in FIVE
    }
    for record in records:
        assert load_readout("label")(record).status == "undefined"
        assert load_readout("sequence")(record).status == "improbable"
    first = load_readout("sequence")(records[0])
    assert first.distribution == pytest.approx(_by_plain_losses(model, records[0]), abs=1e-4)
    table = score(run, ScoringOptions(cluster="clip"))
    matched = [row for row in table.rows if isinstance(row.key, RowKey) and row.key.calibration]
    assert {row.key.calibration for row in matched} == {"content-free-silence", "prior-match"}
    assert all(row.failed == 0 for row in matched if row.key.readout == "sequence")


def _by_plain_losses(model: Whisper, record: Record) -> np.ndarray:
    samples, _ = read_audio(record.asked.clip.path)
    start = ["<|startoftranscript|>", "<|notimestamps|>"]
    logp = np.array([loss_of(model, samples, start, forms[0]) for forms in record.asked.prompt.answers])
    return np.exp(logp - np.logaddexp.reduce(logp))
