"""The tables of `benchmarks/objectives.py` for readers, from what it wrote as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from ambivox.finetuning.card import score_cell
from ambivox.finetuning.measure import SHOWN
from ambivox.statistics import crossed_interval

FEWEST_SPEAKERS = 5
"""Fewer are no sample of speakers: the interval then draws clips."""

_HEAD = """# Objectives on `mini`

`python -m benchmarks.objectives`: {steps} steps of 8 examples, learning rate {learning_rate:g}, numbers in
{numbers}, all weights but the audio tower's; seeds {seeds}; {train} training and {development} development
clips; {seconds} s in all on one busy CPU core; `mini` with fingerprint {mini}.
The vote prior is the mean soft target of the training clips. Failed readings count as uniform. Scores are
means over clips and seeds with 95% intervals over speakers and seeds at once (`crossed_interval`); over clips
and seeds for CREMA-D, whose speakers are two, so the true intervals are wider there. An interval is for its
own line: lines share speakers, so compare two by the differences below.
"""


def markdown(whole: dict) -> str:
    """All tables."""
    settings = whole["settings"] | whole["clips"] | {"mini": whole["mini"][:12], "seconds": whole["seconds"]}
    settings["seeds"] = ", ".join(str(seed) for seed in settings["seeds"])
    lines = [_HEAD.format(**settings), *_dictionaries(whole)]
    for group, speakers in whole["speakers"].items():
        truth_is = "soft targets as made-up raters" if group == "held-out actors" else "real voice-only votes"
        count = f"{len(speakers)} clips of {len(set(speakers))} speakers"
        lines += ["", f"## {group}: {count} ({truth_is})", "", *_scores(whole, group)]
    lines += ["", "## jsd_bits of token level minus text level on the same clips"]
    lines += ["Below 0 the logits are nearer; how many clips is the mean over seeds.", ""]
    lines += [*_token_minus_text(whole), "", "## jsd_bits after minus before on the same clips"]
    lines += ["Below 0 the objective helped.", "", *_after_minus_before(whole)]
    lines += ["", "## Calibration of the token level"]
    lines += [
        "Temperature fitted on development clips; vote-ECE; means over the seeds without a failed reading.",
        "",
        *_calibration(whole),
    ]
    return "\n".join(lines) + "\n"


def _dictionaries(whole: dict) -> list[str]:
    names = [f"seed {seed}" for seed in whole["settings"]["seeds"]]
    lines = ["## Dictionaries that could not be read, by seed", "In brackets the step that was kept.", ""]
    lines += [f"| objective | group | {' | '.join(names)} | ok or renormalised |"]
    lines += [f"|---|---|{'---|' * len(names)}---|"]
    for name, runs in _models(whole):
        for group, speakers in whole["speakers"].items():
            rows = [r for run in runs for r in run["scores"][group] if r["readout"] == "dictionary"]
            kept = [f" (step {run['best_step']})" if "best_step" in run else "" for run in runs]
            cells = [f"{r['failed']}/{len(speakers)}{step}" for r, step in zip(rows, kept, strict=True)]
            cells += [""] * (len(names) - len(cells))
            whole_ones = sum(row["statuses"].get(s, 0) for row in rows for s in ("ok", "renormalised"))
            ok = sum(row["statuses"].get("ok", 0) for row in rows)
            asked = len(rows) * len(speakers)
            shares = f"{whole_ones / asked:.1%} (ok {ok / asked:.1%})"
            lines.append(f"| {name} | {group} | {' | '.join(cells)} | {shares} |")
    return lines


def _scores(whole: dict, group: str) -> list[str]:
    lines = [f"| objective | prompt | level | readout | failed | {' | '.join(SHOWN)} |"]
    lines.append(f"|---|---|---|---|---|{'---|' * len(SHOWN)}")
    for name, runs in whole["models"].items():
        for same in zip(*(run["scores"][group] for run in runs), strict=True):
            row = same[0]
            values = {metric: np.array([one["values"][metric] for one in same]) for metric in SHOWN}
            cells = [_cell(values[metric], whole, group, clip=True) for metric in SHOWN]
            failed = f"{sum(one['failed'] for one in same)}/{values[SHOWN[0]].size}"
            level = "" if name == "control" else row["level"]
            told = [name, row["prompt"], level, row["readout"], failed, *cells]
            lines.append(f"| {' | '.join(told)} |")
    return lines


def _token_minus_text(whole: dict) -> list[str]:
    lines = ["| objective | prompt | group | difference | nearer on |", "|---|---|---|---|---|"]
    for name, runs in _models(whole):
        for group, speakers in whole["speakers"].items():
            for prompt, text, token in _pairs(runs, group):
                nearer = f"{(token < text).sum(axis=1).mean():.1f} of {len(speakers)}"
                lines.append(
                    f"| {name} | {prompt} | {group} | {_cell(token - text, whole, group)} | {nearer} |"
                )
    return lines


def _after_minus_before(whole: dict) -> list[str]:
    lines = ["| objective | prompt | group | text | token |", "|---|---|---|---|---|"]
    models = dict(_models(whole))
    before = models.pop("before")
    for name, runs in models.items():
        for group in whole["speakers"]:
            for now, then in zip(_pairs(runs, group), _pairs(before, group), strict=True):
                cells = [_cell(now[n] - then[n], whole, group) for n in (1, 2)]
                lines.append(f"| {name} | {now[0]} | {group} | {' | '.join(cells)} |")
    return lines


def _calibration(whole: dict) -> list[str]:
    lines = ["| objective | prompt | group | temperature | before | after | seeds |"]
    lines += ["|---|---|---|---|---|---|---|"]
    [(_, before), *_], groups = _models(whole), ["development", *whole["speakers"]]
    prompts = dict.fromkeys(row["prompt"] for row in before[0]["scores"]["CREMA-D"])
    for name, runs in _models(whole):
        for prompt, group in product(prompts, groups):
            fitted = [one for run in runs for one in run["calibration"] if one["prompt"] == prompt]
            found = [
                (one["temperature"], *one["vote_ece"][group]) for one in fitted if group in one["vote_ece"]
            ]
            cells = "a reading failed | |"
            if found:
                cells = "{:.2f} | {:.3f} | {:.3f}".format(*np.mean(found, axis=0))
            lines.append(f"| {name} | {prompt} | {group} | {cells} | {len(found)} of {len(runs)} |")
    return lines


def _models(whole: dict) -> Iterator[tuple[str, list[dict]]]:
    return ((name, runs) for name, runs in whole["models"].items() if name != "control")


def _pairs(runs: list[dict], group: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """By prompt, jsd_bits at text and at token level, each of shape ``(seeds, clips)``."""
    rows = list(zip(*(run["scores"][group] for run in runs), strict=True))
    for text, token in zip(rows[::2], rows[1::2], strict=True):
        values = [np.array([one["values"]["jsd_bits"] for one in level]) for level in (text, token)]
        yield text[0]["prompt"], values[0], values[1]


def _cell(values: np.ndarray, whole: dict, group: str, *, clip: bool = False) -> str:
    speakers = whole["speakers"][group]
    units = speakers if len(set(speakers)) >= FEWEST_SPEAKERS else range(len(speakers))
    found = crossed_interval(values, units)
    ends = np.array([found.low, found.high])
    low, high = np.clip(ends, 0, 1) if clip else ends
    return score_cell(found.estimate, float(low), float(high))
