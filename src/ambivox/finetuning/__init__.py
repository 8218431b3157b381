"""Fine-tuning on votes: any model of the engine ``transformers``, from one YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ambivox.errors import UsageError
from ambivox.finetuning.config import FinetuneConfig, load_finetuning

if TYPE_CHECKING:
    from ambivox.finetuning.estimate import Estimate
    from ambivox.finetuning.trainer import Report

__all__ = ["FinetuneConfig", "estimate_finetuning", "finetune", "load_finetuning"]


def finetune(config: FinetuneConfig, out: str | Path, *, report: Report = lambda progress: None) -> Path:
    """Train, or go on with a training that was interrupted; see `ambivox.finetuning.run.train`.

    Raises:
        UsageError: the extra ``finetune`` is not installed.
    """
    with _extra():
        from ambivox.finetuning.run import train
    return train(config, Path(out), report=report)


def estimate_finetuning(config: FinetuneConfig) -> Estimate:
    """What a training would take; see `ambivox.finetuning.estimate.estimate`.

    Raises:
        UsageError: the extra ``finetune`` is not installed.
    """
    with _extra():
        from ambivox.finetuning.estimate import estimate
    return estimate(config)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] not in ("torch", "transformers", "accelerate", "peft", "matplotlib"):
            raise
        raise UsageError("this needs the extra 'finetune': pip install 'ambivox[finetune]'") from None
