"""A training from beginning to end: look up, split, train, keep the best, measure, write the card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AmbivoxError, UsageError
from ambivox.finetune.answers import LABEL_FORMATS
from ambivox.finetune.checkpoints import (
    CHECKPOINTS,
    RESULT,
    last_checkpoint,
    open_folder,
    saved_by_own_names,
    writing,
    written_aside,
)
from ambivox.finetune.config import TrainConfig
from ambivox.finetune.examples import Examples
from ambivox.finetune.objectives import OBJECTIVES, Loss, Objective
from ambivox.finetune.splits import Splits, check_disagreement, load_splits
from ambivox.finetune.trainer import Report, VoteTrainer, make_trainer
from ambivox.finetune.weights import freeze, with_lora
from ambivox.models import load_model
from ambivox.models.checkpoint import quiet
from ambivox.models.transformers import TransformersModel
from ambivox.prompts import Prompt, load_prompt


@dataclass(frozen=True)
class Parts:
    """A training with every name looked up, so that a mistake shows before the model is loaded."""

    config: TrainConfig
    emotions: EmotionSet
    prompts: tuple[Prompt, ...]
    objective: Objective
    loss: Loss
    splits: Splits
    notes: tuple[str, ...]


def look_up(config: TrainConfig) -> Parts:
    """Look up names and split the corpora.

    Raises:
        UsageError: an unknown name or option, or clips that cannot be split or learnt from as asked.
    """
    emotions = load_emotions(config.emotions)
    prompts = tuple(load_prompt(name) for name in config.prompts)
    if not any(prompt.format in LABEL_FORMATS for prompt in prompts):
        raise UsageError(
            "prompts: none asks for one label, whose tokens decide when to stop: add 'word' or 'letter'"
        )
    objective = OBJECTIVES[config.objective.name]
    loss = objective.with_options(config.objective.options)
    splits, notes = load_splits(config, emotions)
    if objective.needs_votes:
        check_disagreement(splits["train"], objective.name)
    return Parts(config, emotions, prompts, objective, loss, splits, notes)


def load_trainable(config: TrainConfig) -> tuple[TransformersModel, Any]:
    """The model as it is asked, and what of it is trained (the same, or with adapters in its layers).

    Raises:
        UsageError: the model is not one of the engine ``transformers``, or there is nothing to train.
    """
    options = dict(config.model.options)
    if config.lora is None:
        options.setdefault("dtype", "float32")  # small steps vanish in half precision
    speech = load_model(config.model.name, **options)
    if not isinstance(speech, TransformersModel):
        raise UsageError(f"{config.model.name}: only models of the engine 'transformers' can be trained")
    if config.lora is None:
        freeze(speech.model, config.freeze)
        return speech, speech.model
    if config.freeze:
        raise UsageError("freeze: with LoRA only the adapters are trained; give 'lora: null' or no 'freeze'")
    with quiet():
        return speech, with_lora(speech.model, config.lora)


def train(config: TrainConfig, out: Path, *, report: Report = lambda progress: None) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: what to train on what.
        out: the directory: ``train.yaml``, ``checkpoints/``, and the result in ``model/``.
        report: told about the progress after every step.

    Returns:
        The folder of the result, which loads as a model.

    Raises:
        UsageError: see `look_up`; or the directory holds another training.
        AmbivoxError: a loss that is no number, or a disk that is full; the last good checkpoint stays.
    """
    parts = look_up(config)
    out = out.resolve()
    checkpoint = open_folder(out, config)
    if (out / RESULT / "config.json").is_file():
        return out / RESULT
    torch.manual_seed(config.seed)
    speech, model = load_trainable(config)
    trainer = _trainer(parts, speech, model, out, report)
    with writing(out), quiet(), saved_by_own_names(model):
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except KeyboardInterrupt:
            raise _interrupted(trainer, out) from None
    if trainer.is_world_process_zero():
        _save(speech, model, out)
    trainer.accelerator.wait_for_everyone()
    return out / RESULT


def _trainer(parts: Parts, speech: TransformersModel, model: Any, out: Path, report: Report) -> VoteTrainer:
    config = parts.config
    shown = [prompt for prompt in parts.prompts if prompt.format in LABEL_FORMATS]
    with quiet():
        return make_trainer(
            speech,
            model,
            parts.loss,
            Examples(
                speech,
                parts.splits["train"],
                parts.prompts,
                parts.emotions,
                answer=parts.objective.answer,
                augmentation=config.augment,
                seed=config.seed,
            ),
            Examples(
                speech,
                parts.splits["development"],
                shown,
                parts.emotions,
                orders="rotating",
                seed=config.seed,
            ),
            config.schedule,
            out=out / CHECKPOINTS,
            seed=config.seed,
            report=report,
        )


def _interrupted(trainer: VoteTrainer, out: Path) -> AmbivoxError:
    kept = last_checkpoint(out)
    where = f"goes on from {kept.name}" if kept else "begins again"
    state = trainer.state
    return AmbivoxError(
        f"interrupted after {state.global_step} of {state.max_steps} steps; the same command {where}"
    )


def _save(speech: TransformersModel, model: Any, out: Path) -> None:
    """Write the result: adapters are merged, so that it loads by the same path as any other model."""
    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    with writing(out), quiet(), written_aside(out / RESULT) as folder:
        merged.save_pretrained(folder)
        speech.chat.processor.save_pretrained(folder)
