"""Fine-tune `mini` with each objective on the same few steps; measure what that does to words and logits.

    python benchmarks/objectives.py --data ../shared/data

Two groups of speakers that neither `mini` nor the fine-tuning heard. *Held-out actors*: RAVDESS and EMO-DB,
whose clips have no votes; their truth is the soft target of `ambivox.training.targets` (what CREMA-D's raters
say when an actor intends an emotion, sharpened), as 20 made-up raters. *CREMA-D*: 12 clips of two actors with
real voice-only votes. Rows: the model before, after each objective, and controls that heard nothing. Writes
JSON and Markdown into results/.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ambivox.corpora import load_corpus
from ambivox.distribution import count_votes, truth
from ambivox.emotions import load_emotions
from ambivox.finetune.answers import rounded
from ambivox.finetune.card import score_cell
from ambivox.finetune.config import TrainConfig
from ambivox.finetune.measure import SHOWN, Answers, Row, as_plain, calibrate, collect, table
from ambivox.finetune.objectives import OBJECTIVES
from ambivox.finetune.parts import look_up
from ambivox.finetune.run import train
from ambivox.finetune.splits import Rated
from ambivox.metrics import count_failed, jsd_bits
from ambivox.models import load_model
from ambivox.prompts import load_prompt
from ambivox.statistics import mean_interval
from ambivox.training.data import DEVELOPMENT_SPEAKERS, Clip, load_clips
from ambivox.training.targets import VOTED, VoteTable, heard_target, option_matrix, restrict

RATERS = 20
"""Made-up raters per clip; about as many listened to each clip of EMO-DB."""

DEVELOPMENT = [f"{corpus}-{one}" for corpus, found in DEVELOPMENT_SPEAKERS.items() for one in found]

Groups = dict[str, list[Rated]]

PROMPTS = ("word", "letter", "dictionary")


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


def training(manifest: Path, objective: str, given: argparse.Namespace) -> TrainConfig:
    """The same training for every objective: the audio tower stays, all other weights learn."""
    return TrainConfig.model_validate(
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
            "seed": given.seed,
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


def measured(name: str, rated: Groups, development: Sequence[Rated], prior: np.ndarray) -> dict:
    """The tables of one model on each group, and the calibration of its token level."""
    speech, emotions = load_model(name, device="cpu"), load_emotions("cremad6")
    prompts = [load_prompt(prompt) for prompt in PROMPTS]
    groups = {"development": development} | rated
    answers = {group: collect(speech, clips, prompts, emotions) for group, clips in groups.items()}
    return {
        "tables": {
            group: [asdict(row) for row in table(answers[group], rated[group], prior)] for group in rated
        },
        "token_minus_text": {group: contrasts(answers[group], rated[group]) for group in rated},
        "calibration": [asdict(one) for one in calibrate(answers, groups)],  # type: ignore[arg-type]
    }


def contrasts(answers: Sequence[Answers], rated: Sequence[Rated]) -> list[dict]:
    """jsd_bits of token level minus text level on the same clips: below 0, the logits are nearer."""
    q = np.array([one.q for one in rated])
    found = []
    for text, token in zip(answers[::2], answers[1::2], strict=True):
        values = [
            jsd_bits(*count_failed(one.p, q, np.isnan(one.p).any(axis=1), counts_as="uniform"))
            for one in (text, token)
        ]
        interval = mean_interval(values[1] - values[0], range(len(rated)))
        ends = (interval.estimate, interval.low, interval.high)
        found.append(
            {"prompt": text.prompt, "difference": ends, "nearer": int((values[1] < values[0]).sum())}
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with ravdess, emo-db and crema-d")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--steps", type=int, default=60, help="of 8 examples (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--train-clips", type=int, default=100, help="per emotion")
    parser.add_argument("--test-clips", type=int, default=10, help="per emotion")
    parser.add_argument("--development-clips", type=int, default=4, help="per emotion")
    parser.add_argument("--objectives", nargs="+", default=sorted(OBJECTIVES))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    rng = np.random.default_rng(given.seed)
    clips, votes = load_clips(given.data), VoteTable(given.data)
    sizes = {"train": given.train_clips, "development": given.development_clips, "test": given.test_clips}
    chosen = {split: choose(clips, split, size, rng) for split, size in sizes.items()}
    with tempfile.TemporaryDirectory() as scratch:
        manifest, tested = Path(scratch) / "manifest.csv", Path(scratch) / "test.csv"
        write_manifest(chosen["train"] + chosen["development"], votes, manifest)
        write_manifest(chosen["test"], votes, tested)
        rated = load_test(tested, given.data)
        parts = look_up(training(manifest, given.objectives[0], given))
        prior = np.mean([one.q for one in parts.splits["train"]], axis=0)
        development = parts.splits["development"]
        found = {"before": measured("mini", rated, development, prior)}
        say("before", found["before"], begun)
        for objective in given.objectives:
            folder = train(training(manifest, objective, given), Path(scratch) / objective)
            found[objective] = measured(str(folder), rated, development, prior)
            history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
            found[objective] |= {key: history[key] for key in ("trained_parameters", "steps", "best_step")}
            say(objective, found[objective], begun)
            clips = {split: len(group) for split, group in chosen.items()}
            write(found, rated, clips, given, time.perf_counter() - begun)


def say(name: str, found: dict, begun: float) -> None:
    rows = [row for row in found["tables"]["held-out actors"] if row["prompt"] == "word"]
    scores = ", ".join(f"{row['level']} jsd_bits {row['scores']['jsd_bits'][0]:.3f}" for row in rows)
    print(f"{name}: {time.perf_counter() - begun:.0f} s: word, {scores}", file=sys.stderr, flush=True)


def write(found: dict, rated: Groups, clips: dict, given: argparse.Namespace, seconds: float) -> None:
    """Write what is there so far, so that a run that is cut short leaves its whole objectives."""
    settings = {k: v for k, v in vars(given).items() if k not in ("data", "out")}
    fingerprint = load_model("mini", device="cpu").fingerprint
    whole = {"mini": fingerprint, "settings": settings, "clips": clips, "seconds": round(seconds)}
    whole["models"] = found
    given.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_plain(whole), indent=1)
    (given.out / "objectives.json").write_text(text + "\n", encoding="utf-8")
    (given.out / "objectives.md").write_text(markdown(whole, rated), encoding="utf-8")


_HEAD = """# Objectives on `mini`

`python benchmarks/objectives.py`: {steps} steps of 8 examples, learning rate {rate:g}, seed {seed}, audio
tower frozen; {train} training and {development} development clips; {seconds} s in all on one busy CPU core;
`mini` with fingerprint {mini}. The vote prior is the mean soft target of the training clips. Failed readings
count as uniform. One seed and one short training each: differences between objectives that are smaller than
the intervals say nothing. 95% intervals over clips: there are too few speakers to resample them, so the true
ones are wider.
"""


def markdown(whole: dict, rated: Groups) -> str:
    """The tables for readers."""
    settings, clips = whole["settings"], whole["clips"]
    head = _HEAD.format(
        steps=settings["steps"],
        rate=settings["learning_rate"],
        seed=settings["seed"],
        train=clips["train"],
        development=clips["development"],
        seconds=whole["seconds"],
        mini=whole["mini"][:12],
    )
    lines = [head]
    for group, own in rated.items():
        truth_is = (
            f"soft targets as {RATERS} made-up raters, not votes"
            if group == "held-out actors"
            else "real voice-only votes"
        )
        speakers = len({one.speaker for one in own})
        lines += [f"## {group}: {len(own)} clips of {speakers} speakers ({truth_is})", ""]
        lines += _scores(whole["models"], group)
    lines += [
        "## jsd_bits of token level minus text level on the same clips",
        "Below 0 the logits are nearer.",
        "",
    ]
    lines += ["| objective | prompt | group | difference | nearer on |", "|---|---|---|---|---|"]
    for name, model in whole["models"].items():
        for group, found in model["token_minus_text"].items():
            for one in found:
                nearer = f"{one['nearer']} of {len(rated[group])}"
                cell = score_cell(*one["difference"])
                lines.append(f"| {name} | {one['prompt']} | {group} | {cell} | {nearer} |")
    lines += [
        "",
        "## Calibration of the token level",
        "Temperature fitted on development clips; vote-ECE.",
        "",
    ]
    lines += ["| objective | prompt | temperature | group | before | after |", "|---|---|---|---|---|---|"]
    for name, model in whole["models"].items():
        for one in model["calibration"]:
            for group, (before, after) in one["vote_ece"].items():
                cells = f"{one['temperature']:.2f} | {group} | {before:.3f} | {after:.3f}"
                lines.append(f"| {name} | {one['prompt']} | {cells} |")
    return "\n".join(lines) + "\n"


def _scores(models: dict, group: str) -> list[str]:
    lines = [f"| objective | prompt | level | readout | failed | {' | '.join(SHOWN)} |"]
    lines.append(f"|---|---|---|---|---|{'---|' * len(SHOWN)}")
    for name, model in models.items():
        for row in model["tables"][group]:
            if row["level"] != "control" or name == "before":
                lines.append(_line("control" if row["level"] == "control" else name, Row(**row)))
    return [*lines, ""]


def _line(name: str, row: Row) -> str:
    cells = " | ".join(score_cell(*row.scores[metric]) for metric in SHOWN)
    level = "" if row.level == "control" else row.level
    return f"| {name} | {row.prompt} | {level} | {row.readout} | {row.failed}/{row.utterances} | {cells} |"


if __name__ == "__main__":
    main()
