"""The model card of a trained model, written from measured numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

_TEXT = """---
base_model: {base}
library_name: transformers
pipeline_tag: audio-text-to-text
tags: [speech-emotion-recognition, ambivox]
---
# {name}

`{base}`, fine-tuned by `ambivox finetune` with the objective **{objective}** ({source}).
{trained_parameters:,} of {parameters:,} parameters were trained ({how}); {steps} steps, seed {seed}. Read a
clip with `ambivox read CLIP --model FOLDER`.

## Measured
Asked as any model is, options in an order of each clip's own, on speakers that no training step saw.
`jsd_bits` and `brier_mean`: lower is better. Failed readings count as uniform. In brackets 95% intervals
over {unit}. The vote prior is the mean of the training clips' votes. Development speakers decided which step
was kept, so their scores flatter the model.

{tables}

## Calibration
Temperature scaling of the token level, fitted on the development speakers; vote-ECE is the distance between
confidence and the share of raters who agree with it.

{calibration}

## Trained on
| split | corpus | licence | speakers | clips |
|---|---|---|---|---|
{splits}

Emotions: {emotions}. Prompts: {prompts}.{notes}

The licences of the corpora and of the base model apply to these weights. All numbers: `metrics.json`; the
course of the training: `curves.png`.
"""


def write_card(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Write ``README.md`` into the folder of a trained model from its metrics."""
    tables = metrics["tables"]
    text = _TEXT.format(
        **{key: metrics[key] for key in ("base", "objective", "source", "steps", "seed")},
        **{key: metrics[key] for key in ("parameters", "trained_parameters", "how")},
        name=metrics["name"],
        unit=next(iter(tables.values()))[0]["unit"],
        tables="\n\n".join(_table(use, rows) for use, rows in tables.items()),
        calibration=_calibration(metrics["calibration"]),
        splits="\n".join(
            f"| {s['use']} | {s['corpus']} | {s['licence']} | {', '.join(s['speakers'])} | {s['clips']} |"
            for s in metrics["splits"]
        ),
        emotions=", ".join(metrics["emotions"]),
        prompts=", ".join(metrics["prompts"]),
        notes="".join(f"\n- {note}" for note in metrics["notes"]),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _table(use: str, rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0]["scores"])
    lines = [
        f"### {use.capitalize()} speakers ({rows[0]['utterances']} clips)",
        f"| prompt | level | readout | failed | {' | '.join(names)} |",
        f"|---|---|---|---|{'---|' * len(names)}",
    ]
    for row in rows:
        cells = " | ".join(score_cell(*row["scores"][name]) for name in names)
        lines.append(f"| {row['prompt']} | {row['level']} | {row['readout']} | {row['failed']} | {cells} |")
    return "\n".join(lines)


def score_cell(value: float, low: float | None, high: float | None) -> str:
    """A score with its interval, for a table; a dash where there is none.

    >>> score_cell(0.25, 0.2, 0.3), score_cell(0.25, None, None), score_cell(float("nan"), None, None)
    ('0.250 [0.200, 0.300]', '0.250', '-')
    """
    if not isfinite(value):
        return "-"
    known = low is not None and high is not None and isfinite(low) and isfinite(high)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]" if known else f"{value:.3f}"


def _calibration(found: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| prompt | temperature | split | vote-ECE before | after |", "|---|---|---|---|---|"]
    for one in found:
        for use, (before, after) in one["vote_ece"].items():
            name = f"{one['prompt']} | {one['temperature']:.2f}"
            lines.append(f"| {name} | {use} | {before:.3f} | {after:.3f} |")
    return "\n".join(lines)
