"""The trainings of `benchmarks.chaos`: killed at random moments, and edited between start and resume.

A small random checkpoint of Qwen2-Audio learns from 16 tones; a step takes a few hundredths of a second.
"""

from __future__ import annotations

import csv
import json
import logging
import math
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import soundfile
import torch
from tests.finetuning.material import checkpoint, corpus

from ambivox.errors import AmbivoxError
from ambivox.finetuning.config import FinetuneConfig, LoraSpec, load_finetuning
from ambivox.finetuning.run import train

SCHEDULE = {"max_steps": 14, "evaluate_every": 3, "batch_size": 2, "learning_rate": 1e-3}
"""Four steps to an epoch, so that checkpoints lie inside epochs."""
PROMPT = "version: 1\nformat: word\nmax_new_tokens: 2\ntext: 'One of {{ options | join(\", \") }}?'\n"


def write_inputs(folder: Path, *, lora: bool = False) -> FinetuneConfig:
    """A checkpoint, a corpus, a prompt and a training."""
    corpus(folder)
    checkpoint(folder / "weights")
    (folder / "mine.yaml").write_text(PROMPT, encoding="utf-8")
    given = {
        "model": {"name": "./weights", "options": {"device": "cpu"}},
        "corpora": [{"name": "manifest", "path": "manifest.csv", "development": {"speakers": ["cat"]}}],
        "emotions": "iemocap4",
        "prompts": ["mine.yaml"],
        "lora": LoraSpec().model_dump(mode="json") if lora else None,
        "objective": "answer-sampling",
        "schedule": SCHEDULE,
    }
    (folder / "finetune.yaml").write_text(json.dumps(given), encoding="utf-8")
    return load_finetuning(folder / "finetune.yaml")


def weights(folder: Path) -> bytes:
    """All weights of a result, in one order."""
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    return b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))


def kill(folder: Path, rng: random.Random, n_kills: int) -> Counter[str]:
    """Kill trainings at random moments and go on, until so many kills have hit; compare with a whole one."""
    torch.set_num_threads(1)
    with quietly():
        return _kill(folder, rng, n_kills)


@contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings of the program: that a checkpoint was cut off is no news here."""
    log = logging.getLogger("ambivox")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _kill(folder: Path, rng: random.Random, n_kills: int) -> Counter[str]:
    found: Counter[str] = Counter()
    settings = {lora: write_inputs(folder / f"lora {lora}", lora=lora) for lora in (False, True)}
    whole, lasts_s = {}, math.inf
    for lora, config in settings.items():
        began_s = time.monotonic()
        whole[lora] = weights(train(config, folder / f"whole {lora}"))
        lasts_s = min(lasts_s, time.monotonic() - began_s)  # the first one also warms up
    fork = multiprocessing.get_context("fork")
    while found["kills"] < n_kills:
        lora, out = found["trainings"] % 2 == 1, folder / f"killed{found['trainings']}"
        found["trainings"] += 1
        for _ in range(rng.randint(2, 6)):
            child = fork.Process(target=train, args=(settings[lora], out))
            child.start()
            time.sleep(rng.uniform(0, lasts_s))
            if child.pid is not None and child.is_alive():
                os.kill(child.pid, signal.SIGKILL)
                found["kills"] += 1
            child.join()
        found["changed"] += weights(train(settings[lora], out)) != whole[lora]
        shutil.rmtree(out)
    return found


def _rewrite(folder: Path, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> None:
    path = folder / "manifest.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = change(list(csv.DictReader(file)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def _other_sound(folder: Path) -> None:
    samples, rate_hz = soundfile.read(folder / "ann0.wav")
    soundfile.write(folder / "ann0.wav", -samples, rate_hz)


def _in(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


EDITS: dict[str, Callable[[Path], Any]] = {
    "votes": lambda f: _rewrite(f, lambda rows: [rows[0] | {"votes.sad": "9"}, *rows[1:]]),
    "speaker": lambda f: _rewrite(f, lambda rows: [rows[0] | {"speaker": "bob"}, *rows[1:]]),
    "corpus shrank": lambda f: _rewrite(f, lambda rows: rows[1:]),
    "corpus grew": lambda f: _rewrite(f, lambda rows: [*rows, rows[0] | {"id": "new"}]),
    "sound of a clip": _other_sound,
    "prompt": _in("mine.yaml", "One of", "Which of"),
    "weights": _in("weights/config.json", "{", "{ "),
    "options": _in("finetune.yaml", '"learning_rate": 0.001', '"learning_rate": 0.002'),
}


def edit(folder: Path) -> Counter[str]:
    """Edit each input of a training that stopped, and of one that is finished; both have to be refused."""
    found: Counter[str] = Counter()
    for name, change in EDITS.items():
        here = folder / name
        config = write_inputs(here)
        for out, stop in ((here / "stopped", 7), (here / "finished", None)):

            def report(progress: Any, stop: int | None = stop) -> None:
                if progress.step == stop:
                    raise KeyboardInterrupt

            try:
                train(config, out, report=report)
            except AmbivoxError:
                found["stopped"] += 1
        change(here)
        for out in (here / "stopped", here / "finished"):
            found["edits"] += 1
            try:
                train(load_finetuning(here / "finetune.yaml"), out)
                found["mixed"] += 1
            except AmbivoxError as error:
                found["refused"] += "\n" not in str(error)
        shutil.rmtree(here)
    return found
