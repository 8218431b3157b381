"""A training from beginning to end: look up, split, train, keep the best, measure, write the card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from ambivox.errors import AmbivoxError, UsageError
from ambivox.finetuning.answers import LABEL_FORMATS
from ambivox.finetuning.checkpoints import (
    CHECKPOINTS,
    RESULT,
    keep_inputs,
    last_checkpoint,
    make_folder,
    saved_by_own_names,
    state_of,
    writing,
)
from ambivox.finetuning.config import FinetuneConfig
from ambivox.finetuning.contents import check_no_copies, contents_of, learnt_from
from ambivox.finetuning.examples import Examples
from ambivox.finetuning.parts import Parts, look_up
from ambivox.finetuning.result import METRICS, describe, save_result
from ambivox.finetuning.trainer import Report, VoteTrainer, make_trainer
from ambivox.finetuning.weights import freeze, with_lora
from ambivox.manifest import locked
from ambivox.models import load_model
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.checkpoint import quiet


def load_trainable(config: FinetuneConfig) -> tuple[TransformersModel, Any]:
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


def train(config: FinetuneConfig, out: Path, *, report: Report = lambda progress: None) -> Path:
    """Train, or go on with a training that was interrupted.

    Args:
        config: what to train on what.
        out: the directory: ``finetune.yaml``, ``checkpoints/``, and the result in ``model/``.
        report: told about the progress after every step.

    Returns:
        The folder of the result, which loads as a model.

    Raises:
        UsageError: see `look_up`; the same sound in two splits; the directory holds another training, or what
            it learns from has changed; another process trains there.
        AmbivoxError: a loss that is not a number, or a disk that is full; the last good checkpoint stays.
    """
    parts = look_up(config)
    contents = contents_of(parts.splits)
    check_no_copies(parts.splits, contents)
    out = out.resolve()
    make_folder(out, config)
    first = int(os.environ.get("RANK", 0)) == 0  # of several processes that train together
    with locked(out, "training") if first else nullcontext():
        if first:
            keep_inputs(out, config, learnt_from(parts, contents))
        main = True
        if not (out / RESULT / "config.json").is_file():
            main = _train(parts, out, last_checkpoint(out, thorough=True), report)
        if main and not (out / RESULT / METRICS).is_file():
            with writing(out):
                describe(parts, out / RESULT)
    return out / RESULT


def _train(parts: Parts, out: Path, checkpoint: Path | None, report: Report) -> bool:
    """Train and save the result; tells whether this is the main process of several."""
    torch.manual_seed(parts.config.seed)
    speech, model = load_trainable(parts.config)
    trainer = trainer_of(parts, speech, model, out, report)
    trainer.args.eval_on_start = checkpoint is None  # again, it would count as one without an improvement
    with writing(out), quiet(), saved_by_own_names(model):
        try:
            if checkpoint and _is_over(state := state_of(checkpoint)):
                trainer.take_back_to_best(state)
            else:
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except KeyboardInterrupt:
            raise _interrupted(trainer, out) from None
    main: bool = trainer.is_world_process_zero()
    if main:
        save_result(speech, model, trainer, out)
    trainer.accelerator.wait_for_everyone()
    return main


def _is_over(state: Mapping[str, Any]) -> bool:
    """Whether a training stopped at this step; the Trainer would take one step more."""
    over: bool = state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"]
    return over


def trainer_of(parts: Parts, speech: TransformersModel, model: Any, out: Path, report: Report) -> VoteTrainer:
    """The trainer of a training whose parts were looked up, with its examples in place."""
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
                numbers=config.numbers,
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
