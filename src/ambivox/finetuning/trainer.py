"""Training itself: transformers' Trainer with our loss, watched for losses that are not numbers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from accelerate import PartialState
from torch import Tensor

from ambivox.errors import AmbivoxError
from ambivox.finetuning.checkpoints import seal
from ambivox.finetuning.config import Schedule
from ambivox.finetuning.examples import Examples, batch
from ambivox.finetuning.objectives import Loss, label_log_p, text_loss
from ambivox.metrics import jsd_bits
from ambivox.models.hf.adapter import TransformersModel

SELECT_BY = "jsd_bits"
"""What decides when to stop and which step is kept: token level, mean over the development examples."""


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Args:
        step, total: optimiser steps done, and in all.
        loss: of the last logged stretch, nats; None before.
        jsd_bits: of the last evaluation on development speakers, token level; None before.
    """

    step: int
    total: int
    loss: float | None
    jsd_bits: float | None


Report = Callable[[Progress], None]


class VoteTrainer(transformers.Trainer):  # type: ignore[misc]
    """The Trainer of transformers with a loss on votes; everything else is its own."""

    def __init__(self, speech: TransformersModel, loss: Loss, **given: Any) -> None:
        super().__init__(**given)
        self.vote_loss = loss
        self.loss_is_scaled_for_ga = False  # a mean over the batch
        self._dtype = speech.model.dtype
        # as the engine does: VibeVoice adds noise to what it heard unless told not to
        takes = inspect.signature(speech.model.forward).parameters
        self._fixed = {"sample": False} if "sample" in takes else {}

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Mean loss of a batch, shape ``()``, and the label distributions ``(B, N)`` where asked for."""
        texts, token_logits, done = [], [], 0
        for part in inputs["parts"]:
            labels = part["labels"]
            logits = model(
                **{k: self._cast(v) for k, v in part.items() if k != "labels"}, **self._fixed
            ).logits
            texts.append(text_loss(logits, labels))
            rows = torch.arange(len(labels), device=labels.device)
            begins = (labels != -100).int().argmax(1) - 1
            ids = inputs["token_ids"][done : done + len(labels)]
            token_logits.append(logits[rows, begins].gather(1, ids))
            done += len(labels)
        log_p = label_log_p(torch.cat(token_logits), inputs["shares"])
        losses = self.vote_loss(torch.cat(texts), log_p, inputs["q"], inputs["labelled"])
        loss = losses.mean()
        if not torch.isfinite(loss):
            raise AmbivoxError(
                f"step {self.state.global_step + 1}: the loss is {loss.item():g}: lower learning_rate or "
                "train in float32"
            )
        return (loss, {"p": log_p.exp()}) if return_outputs else loss

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        # the Trainer only logs what a checkpoint did not restore, and goes on with the weights it began with
        tied = getattr(self.model, "all_tied_weights_keys", None) or {}
        lost = [key for key in load_result.missing_keys if key not in tied]
        if lost or load_result.unexpected_keys:
            first = (lost or load_result.unexpected_keys)[0]
            raise AmbivoxError(f"a checkpoint does not hold the weights of this model (first: {first})")

    def take_back_to_best(self, state: Mapping[str, Any]) -> None:
        """End a training that a checkpoint says is over, as it would have ended."""
        self.state.global_step, self.state.log_history = state["global_step"], state["log_history"]
        self.state.best_global_step = state["best_global_step"]
        self.state.best_metric = state["best_metric"]
        if best := self.state.best_global_step:
            self.state.best_model_checkpoint = f"{self.args.output_dir}/checkpoint-{best}"
            self._load_best_model()

    def _cast(self, value: Tensor) -> Tensor:
        return value.to(self._dtype) if value.is_floating_point() else value


def make_trainer(
    speech: TransformersModel,
    model: Any,
    loss: Loss,
    train: Examples,
    development: Examples,
    schedule: Schedule,
    *,
    out: Path,
    seed: int,
    report: Report,
) -> VoteTrainer:
    """A trainer that evaluates and saves every ``evaluate_every`` steps, and keeps the best and the last."""
    arguments = transformers.TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=schedule.batch_size,
        per_device_eval_batch_size=schedule.batch_size,
        gradient_accumulation_steps=schedule.accumulation,
        num_train_epochs=schedule.epochs,
        max_steps=schedule.max_steps or -1,
        learning_rate=schedule.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=schedule.warmup,
        weight_decay=schedule.weight_decay,
        bf16=schedule.precision == "bfloat16",
        fp16=schedule.precision == "float16",
        activation_checkpointing=schedule.activation_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        eval_strategy="steps",
        eval_steps=schedule.evaluate_every,
        eval_on_start=True,
        save_strategy="steps",
        save_steps=schedule.evaluate_every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=SELECT_BY,
        greater_is_better=False,
        restore_callback_states_from_checkpoint=True,
        logging_steps=_log_every(schedule.evaluate_every),
        label_names=["q"],
        remove_unused_columns=False,
        dataloader_num_workers=schedule.workers,
        dataloader_pin_memory=speech.model.device.type == "cuda",
        ddp_find_unused_parameters=False,
        use_cpu=speech.model.device.type == "cpu",
        seed=seed,
        data_seed=seed,
        disable_tqdm=True,
        report_to="none",
    )
    # Several GPUs are for `accelerate launch`; in one process the Trainer would split batches, parts and all.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    trainer = VoteTrainer(
        speech,
        loss,
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=development,
        data_collator=partial(batch, pad_token=int(speech.model.generation_config.pad_token_id)),
        compute_metrics=_scores,
        callbacks=[
            transformers.EarlyStoppingCallback(early_stopping_patience=schedule.patience),
            _Resumable(train, out),
            _Reporter(report),
        ],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _log_every(evaluate_every: int) -> int:
    """About ten times between evaluations, and at each, so that no average goes over a checkpoint."""
    return next(n for n in range(max(1, evaluate_every // 10), 0, -1) if evaluate_every % n == 0)


def _scores(found: transformers.EvalPrediction) -> dict[str, float]:
    p = np.asarray(found.predictions, dtype=np.float64)
    q = np.asarray(found.label_ids, dtype=np.float64)
    p, q = (rows / rows.sum(axis=-1, keepdims=True) for rows in (p, q))  # float32 on the way
    return {SELECT_BY: float(jsd_bits(p, q).mean())}


class _Resumable(transformers.TrainerCallback):  # type: ignore[misc]
    """What a training needs besides the Trainer's checkpoints to end, resumed, as one that never stopped.

    The data are told which epoch it is by the data loader, but not by the one that skips what was seen of an
    epoch, and not in several processes; a checkpoint names the best one by where it lay; nothing says that it
    is whole.
    """

    def __init__(self, train: Examples, out: Path) -> None:
        self.train, self.out = train, out

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.best_global_step:
            state.best_model_checkpoint = str(self.out / f"checkpoint-{state.best_global_step}")

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.train.set_epoch(int(state.epoch))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            seal(self.out / f"checkpoint-{state.global_step}")


class _Reporter(transformers.TrainerCallback):  # type: ignore[misc]
    """Tells `report` how far the training is, from the main process."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.loss: float | None = None
        self.jsd_bits: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._tell(state)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **_: Any) -> None:
        loss = logs.get("loss")
        self.loss = loss if isinstance(loss, float) and math.isfinite(loss) else self.loss
        self.jsd_bits = logs.get(f"eval_{SELECT_BY}", self.jsd_bits)
        self._tell(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._tell(state)

    def _tell(self, state: Any) -> None:
        if state.is_world_process_zero:
            self.report(Progress(state.global_step, state.max_steps, self.loss, self.jsd_bits))
