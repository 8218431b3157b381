"""Fine-tune `mini` with each objective on the same few steps; measure what that does to words and logits.

    python -m benchmarks.objectives --data ../shared/data

Two groups of speakers that neither `mini` nor the fine-tuning heard. *Held-out actors*: RAVDESS and EMO-DB,
whose clips have no votes; their truth is the soft target of `recipes.mini.targets` (what CREMA-D's raters
say when an actor intends an emotion, sharpened), as 20 made-up raters. *CREMA-D*: 12 clips of two actors with
real voice-only votes. Every objective is trained with several seeds, which draw the order of clips, options
and answers. Rows: the model before, after each objective, and controls that heard nothing. Writes JSON and
Markdown into results/ after each seed, and a log.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from recipes.mini.data import DEVELOPMENT_SPEAKERS, Clip, load_clips
from recipes.mini.targets import SHARPEN, VOTED, VoteTable, heard_target, option_matrix, restrict

from ambivox.corpora import load_corpus
from ambivox.emotions import load_emotions
from ambivox.finetuning.config import FinetuneConfig
from ambivox.finetuning.measure import SHOWN, Answers, as_plain, calibrate, collect
from ambivox.finetuning.objectives import OBJECTIVES
from ambivox.finetuning.parts import look_up
from ambivox.finetuning.run import train
from ambivox.finetuning.splits import Rated
from ambivox.metrics import METRICS, count_failed, one_hot_plurality, uniform
from ambivox.models import load_model
from ambivox.prompts import load_prompt
from ambivox.raters.distribution import count_votes, truth
from benchmarks.objectives_tables import markdown

RATERS = 20
"""Made-up raters per clip; about as many listened to each clip of EMO-DB."""

CLIPS_SEED = 0
"""Of the clips that are drawn: the same for every seed of a training."""

DEVELOPMENT = [f"{corpus}-{one}" for corpus, found in DEVELOPMENT_SPEAKERS.items() for one in found]

Groups = dict[str, list[Rated]]

PROMPTS = ("word", "letter", "dictionary")


def rounded(shares: np.ndarray, total: int) -> list[int]:
    """Whole numbers in proportion to shares, summing to ``total`` (largest remainders, first of ties).

    >>> rounded(np.array([1 / 3, 1 / 3, 1 / 3]), 100)
    [34, 33, 33]
    """
    exact = shares * total
    numbers = np.floor(exact).astype(np.int64)
    for place in np.argsort(numbers - exact, kind="stable")[: total - int(numbers.sum())]:
        numbers[place] += 1
    return [int(n) for n in numbers]


def write_manifest(clips: Sequence[Clip], votes: VoteTable, path: Path) -> None:
    """Clips with the votes of `RATERS` made-up raters in proportion to their soft targets."""
    matrix = option_matrix(VOTED)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "audio", "speaker", *(f"votes.{label}" for label in VOTED)])
        for clip in clips:
            counts = rounded(restrict(heard_target(clip, votes)[None], matrix)[0], RATERS)
            copy = path.parent / f"{clip.id.replace('/', '-')}{clip.path.suffix}"
            shutil.copyfile(clip.path, copy)
            writer.writerow([clip.id, copy.name, f"{clip.corpus}-{clip.speaker}", *counts])


def choose(clips: Sequence[Clip], split: str, per_emotion: int, rng: np.random.Generator) -> list[Clip]:
    """Up to so many clips of each of CREMA-D's six emotions from a split, drawn."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.split == split and clip.emotion in VOTED:
            groups[clip.emotion].append(clip)
    drawn = [rng.permutation(len(group))[:per_emotion] for group in groups.values()]
    return [group[k] for group, places in zip(groups.values(), drawn, strict=True) for k in sorted(places)]


def training(manifest: Path, objective: str, seed: int, given: argparse.Namespace) -> FinetuneConfig:
    """The same training for every objective: the audio tower stays, all other weights learn."""
    return FinetuneConfig.model_validate(
        {
            "corpora": [
                {
                    "name": "manifest",
                    "path": manifest,
                    "options": {"name": "actors", "licence": "RAVDESS CC BY-NC-SA 4.0; EMO-DB"},
                    "development": {"speakers": DEVELOPMENT},
                },
            ],
            "model": {"name": "mini", "options": {"device": "cpu"}},
            "prompts": PROMPTS,
            "objective": objective,
            "numbers": given.numbers,
            "lora": None,
            "freeze": ["audio_tower"],
            "augment": None,
            "schedule": {
                "max_steps": given.steps,
                "evaluate_every": given.steps // 3,
                "batch_size": 8,
                "learning_rate": given.learning_rate,
                "patience": 5,
            },
            "seed": seed,
        }
    )


def load_test(manifest: Path, data: Path) -> dict[str, list[Rated]]:
    """The two groups that are measured, rated."""
    emotions = load_emotions("cremad6")
    groups = {
        "held-out actors": load_corpus("manifest", manifest, name="actors"),
        "CREMA-D": load_corpus("crema-d", data / "crema-d"),
    }
    found: dict[str, list[Rated]] = {}
    for name, corpus in groups.items():
        votes = [count_votes(utterance.votes, emotions) for utterance in corpus]
        found[name] = [
            Rated(corpus.name, utterance, np.array(counted.counts, dtype=float), truth(counted, emotions))
            for utterance, counted in zip(corpus, votes, strict=True)
        ]
    return found


def measured(name: str, rated: Groups, development: Sequence[Rated]) -> dict:
    """The scores of every clip of each group under one model, and the calibration of its token level."""
    speech, emotions = load_model(name, device="cpu"), load_emotions("cremad6")
    prompts = [load_prompt(prompt) for prompt in PROMPTS]
    groups = {"development": development} | rated
    answers = {group: collect(speech, clips, prompts, emotions) for group, clips in groups.items()}
    calibration = calibrate(answers, groups)  # type: ignore[arg-type]
    return {
        "scores": {group: [scores(one, rated[group]) for one in answers[group]] for group in rated},
        "calibration": [
            {"prompt": one.prompt, "temperature": one.temperature, "vote_ece": dict(one.vote_ece)}
            for one in calibration
        ],
    }


def scores(one: Answers, rated: Sequence[Rated]) -> dict:
    """What one readout of one prompt is worth on each clip, by metric; failed readings count as uniform."""
    failed = np.isnan(one.p).any(axis=1)
    p, q = count_failed(one.p, np.array([r.q for r in rated]), failed, failed_as="uniform")
    return {
        "prompt": one.prompt,
        "level": one.level,
        "readout": one.readout,
        "failed": int(failed.sum()),
        "statuses": dict(Counter(one.statuses)),
        "values": {name: METRICS[name].function(p, q) for name in SHOWN},
    }


def controls(rated: Groups, prior: np.ndarray) -> dict:
    """The scores of predictions that heard nothing, and of the most voted label."""
    found: dict[str, list[dict]] = {}
    for group, own in rated.items():
        q = np.array([one.q for one in own])
        rows = {
            "uniform": uniform(*q.shape),
            "vote prior": np.tile(prior, (len(q), 1)),
            "one-hot plurality": one_hot_plurality(q),
        }
        found[group] = [
            scores(Answers("", "token", name, p, ("ok",) * len(p)), own) for name, p in rows.items()
        ]
    return {"scores": found, "calibration": []}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with ravdess, emo-db and crema-d")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--steps", type=int, default=60, help="of 8 examples (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--numbers", choices=("tenths", "hundredths"), default="tenths")
    parser.add_argument("--train-clips", type=int, default=100, help="per emotion")
    parser.add_argument("--test-clips", type=int, default=10, help="per emotion")
    parser.add_argument("--development-clips", type=int, default=4, help="per emotion")
    parser.add_argument("--objectives", nargs="+", default=sorted(OBJECTIVES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    rng = np.random.default_rng(CLIPS_SEED)
    clips = [clip for clip in load_clips(given.data) if clip.corpus in (*SHARPEN, "crema-d")]
    votes = VoteTable(given.data)
    sizes = {"train": given.train_clips, "development": given.development_clips, "test": given.test_clips}
    chosen = {split: choose(clips, split, size, rng) for split, size in sizes.items()}
    with (
        tempfile.TemporaryDirectory() as scratch,
        (given.out / "objectives.log").open("w", encoding="utf-8") as log,
    ):
        manifest, tested = Path(scratch) / "manifest.csv", Path(scratch) / "test.csv"
        write_manifest(chosen["train"] + chosen["development"], votes, manifest)
        write_manifest(chosen["test"], votes, tested)
        rated = load_test(tested, given.data)
        splits = look_up(training(manifest, given.objectives[0], 0, given)).splits
        prior = np.mean([one.q for one in splits["train"]], axis=0)
        found = {
            "control": [controls(rated, prior)],
            "before": [measured("mini", rated, splits["development"])],
        }
        say(log, "before", found["before"][0], begun)
        sizes = {split: len(group) for split, group in chosen.items()}
        for done, seed in enumerate(given.seeds, 1):
            for objective in given.objectives:
                folder = train(
                    training(manifest, objective, seed, given), Path(scratch) / f"{objective}-{seed}"
                )
                one = measured(str(folder), rated, splits["development"])
                history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
                one |= {"seed": seed}
                one |= {key: history[key] for key in ("trained_parameters", "steps", "best_step")}
                found.setdefault(objective, []).append(one)
                say(log, f"{objective}, seed {seed}, best step {one['best_step']}", one, begun)
            settings = {k: v for k, v in vars(given).items() if k not in ("data", "out")}
            settings["seeds"] = given.seeds[:done]
            write(found, rated, sizes, settings, given.out, time.perf_counter() - begun)


def say(log: TextIO, name: str, found: dict, begun: float) -> None:
    """One line on the terminal and in the log."""
    parts = []
    for row in found["scores"]["held-out actors"]:
        if row["prompt"] != "letter":
            jsd = float(np.mean(row["values"]["jsd_bits"]))
            parts.append(f"{row['prompt']} {row['level']} jsd_bits {jsd:.3f}")
        if row["readout"] == "dictionary":
            counts = ", ".join(f"{n} {status}" for status, n in sorted(row["statuses"].items()))
            parts.append(f"dictionaries {counts}")
    line = f"{time.perf_counter() - begun:.0f} s: {name}: {'; '.join(parts)}"
    print(line, file=sys.stderr, flush=True)
    print(line, file=log, flush=True)


def write(found: dict, rated: Groups, clips: dict, settings: dict, out: Path, seconds: float) -> None:
    """Write what is there so far, so that a run that is cut short leaves its whole seeds."""
    fingerprint = load_model("mini", device="cpu").fingerprint
    whole = {"mini": fingerprint, "settings": settings, "clips": clips, "seconds": round(seconds)}
    whole["speakers"] = {group: [one.speaker for one in own] for group, own in rated.items()}
    whole["models"] = found
    whole = json.loads(json.dumps(as_plain(whole), default=lambda a: np.round(a, 5).tolist()))
    (out / "objectives.json").write_text(json.dumps(whole) + "\n", encoding="utf-8")
    (out / "objectives.md").write_text(markdown(whole), encoding="utf-8")


if __name__ == "__main__":
    main()
