"""Fine-tuning on votes: any model of the engine ``transformers``, from one YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ambivox.errors import UsageError
from ambivox.finetune.config import TrainConfig, load_training

if TYPE_CHECKING:
    from ambivox.finetune.estimate import Estimate
    from ambivox.finetune.trainer import Report

__all__ = ["TrainConfig", "estimate_training", "load_training", "train_on_votes"]


def train_on_votes(config: TrainConfig, out: Path, *, report: Report = lambda progress: None) -> Path:
    """Train, or go on with a training that was interrupted; see `ambivox.finetune.run.train`.

    Raises:
        UsageError: the extra ``train`` is not installed.
    """
    with _extra():
        from ambivox.finetune.run import train
    return train(config, out, report=report)


def estimate_training(config: TrainConfig) -> Estimate:
    """What a training would take; see `ambivox.finetune.estimate.estimate`.

    Raises:
        UsageError: the extra ``train`` is not installed.
    """
    with _extra():
        from ambivox.finetune.estimate import estimate
    return estimate(config)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] not in ("torch", "transformers", "accelerate", "peft", "matplotlib"):
            raise
        raise UsageError("this needs the extra 'train': pip install 'ambivox[train]'") from None
