"""A small checkpoint and a small rated corpus, both made up: what training needs and nothing else."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

from ambivox.finetuning.config import FinetuneConfig
from tests.models.hf.checkpoints import qwen2_audio

SPEAKERS = ("ann", "bob", "cat", "dan")
CLIPS_EACH = 4
LABELS = ("neutral", "happy", "angry", "sad")


def checkpoint(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return qwen2_audio(folder, max_source_positions=100)  # 2 s


def corpus(folder: Path, *, single: bool = False) -> Path:
    """A manifest of tones: each has a pitch that tells what most of its five raters heard."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    path = folder / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "audio", "speaker", *(f"votes.{label}" for label in LABELS)])
        for speaker in SPEAKERS:
            for n in range(CLIPS_EACH):
                time_s = np.arange(int((0.4 + 0.1 * n) * 16_000)) / 16_000
                samples = 0.2 * np.sin(2 * np.pi * 300 * 2**n * time_s) + 0.01 * rng.normal(size=len(time_s))
                name = f"{speaker}{n}.wav"
                soundfile.write(folder / name, samples, 16_000)
                votes = np.eye(len(LABELS), dtype=int)[n]
                if not single:
                    votes = 3 * votes + np.eye(len(LABELS), dtype=int)[(n + 1) % 4] * 2
                writer.writerow([name, name, speaker, *votes])
    return path


def config(tmp_path: Path, model: Path, manifest: Path, **changes: object) -> FinetuneConfig:
    """A short training of all weights; ``schedule`` is merged, everything else replaced."""
    schedule = {"max_steps": 6, "evaluate_every": 2, "batch_size": 4, "learning_rate": 1e-3}
    given: dict[str, object] = {
        "model": {"name": str(model), "options": {"device": "cpu"}},
        "corpora": [
            {
                "name": "manifest",
                "path": str(manifest),
                "development": {"speakers": ["cat"]},
                "test": {"speakers": ["dan"]},
            }
        ],
        "emotions": "iemocap4",
        "prompts": ["word"],  # a random model asked for numbers would write all that it may
        "lora": None,
        "augment": None,
    }
    given |= changes
    given["schedule"] = schedule | (given.get("schedule") or {})
    return FinetuneConfig.model_validate(given)
