"""What a training leaves behind: a folder that loads as a model, with its numbers, curves and card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ambivox.finetuning.card import write_card
from ambivox.finetuning.checkpoints import RESULT, writing
from ambivox.finetuning.curves import draw_curves
from ambivox.finetuning.measure import as_plain, calibrate, collect, table
from ambivox.finetuning.parts import Parts
from ambivox.finetuning.splits import USES, Divided
from ambivox.finetuning.trainer import SELECT_BY, VoteTrainer
from ambivox.finetuning.weights import trained_parameters
from ambivox.models import load_model
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.checkpoint import quiet
from ambivox.write_aside import write_aside, write_folder_aside

METRICS, HISTORY = "metrics.json", "history.json"


def save_result(speech: TransformersModel, model: Any, trainer: VoteTrainer, out: Path) -> None:
    """Write the result: adapters are merged, so that it loads by the same path as any other model."""
    facts = {
        "parameters": sum(p.numel() for p in speech.model.parameters()),
        "trained_parameters": sum(p.numel() for p in trained_parameters(model)),
        "steps": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "history": trainer.state.log_history,
    }
    facts["parameters"] -= facts["trained_parameters"] if model is not speech.model else 0
    merged = speech.model if model is speech.model else model.merge_and_unload()
    with writing(out), quiet(), write_folder_aside(out / RESULT) as folder:
        merged.save_pretrained(folder)
        speech.chat.processor.save_pretrained(folder)
        (folder / HISTORY).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def describe(parts: Parts, folder: Path) -> None:
    """Measure a saved result as any model is measured; write ``metrics.json``, ``curves.png``, the card."""
    options = {k: v for k, v in parts.config.model.options.items() if k != "revision"}
    speech = load_model(str(folder), **options)
    facts = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    held_out = {use: parts.splits[use] for use in USES[1:] if parts.splits[use]}
    answers = {use: collect(speech, rated, parts.prompts, parts.emotions) for use, rated in held_out.items()}
    prior = np.mean([one.q for one in parts.splits["train"]], axis=0)
    tables = {use: table(answers[use], rated, prior, parts.emotions) for use, rated in held_out.items()}
    config, objective = parts.config, parts.objective
    settings = "".join(f", {name} {value:g}" for name, value in config.objective.options.items())
    metrics = {
        "name": folder.parent.name,
        "base": Path(config.model.name).name if Path(config.model.name).is_dir() else config.model.name,
        "objective": objective.name + settings,
        "source": objective.source,
        "how": "all weights" if config.lora is None else f"LoRA of rank {config.lora.rank}, merged",
        **{key: value for key, value in facts.items() if key != "history"},
        "seed": config.seed,
        "emotions": parts.emotions.labels,
        "prompts": [prompt.name for prompt in parts.prompts],
        "splits": _facts_of_splits(parts.divided),
        "notes": parts.divided.notes,
        "tables": {use: [asdict(row) for row in rows] for use, rows in tables.items()},
        "calibration": [asdict(one) for one in calibrate(answers, held_out)],
    }
    of_prior = next(row for row in tables["development"] if row.readout == "vote-prior")
    draw_curves(facts["history"], folder / "curves.png", prior=of_prior.scores[SELECT_BY][0])
    write_card(folder, metrics)
    with write_aside(folder / METRICS) as aside:  # last: its presence says that the rest is there
        aside.write_text(json.dumps(as_plain(metrics), indent=1, ensure_ascii=False), encoding="utf-8")


def _facts_of_splits(divided: Divided) -> list[dict[str, Any]]:
    found = []
    for use, rated in divided.splits.items():
        for corpus in dict.fromkeys(one.corpus for one in rated):
            own = [one for one in rated if one.corpus == corpus]
            speakers = sorted({str(one.utterance.speaker) for one in own})
            licence = divided.licences[corpus]
            found.append(
                {"use": use, "corpus": corpus, "licence": licence, "speakers": speakers, "clips": len(own)}
            )
    return found
