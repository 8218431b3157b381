"""A training with every name looked up."""

from __future__ import annotations

from dataclasses import dataclass

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import UsageError
from ambivox.finetuning.answers import LABEL_FORMATS
from ambivox.finetuning.config import FinetuneConfig
from ambivox.finetuning.objectives import OBJECTIVES, Loss, Objective
from ambivox.finetuning.splits import Divided, Splits, check_disagreement, load_splits
from ambivox.prompts import Prompt, load_prompt


@dataclass(frozen=True)
class Parts:
    """A training with every name looked up, so that a mistake shows before the model is loaded."""

    config: FinetuneConfig
    emotions: EmotionSet
    prompts: tuple[Prompt, ...]
    objective: Objective
    loss: Loss
    divided: Divided

    @property
    def splits(self) -> Splits:
        """The rated clips of every use."""
        return self.divided.splits


def look_up(config: FinetuneConfig) -> Parts:
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
    divided = load_splits(config, emotions)
    if objective.needs_votes:
        check_disagreement(divided.splits["train"], objective.name)
    return Parts(config, emotions, prompts, objective, loss, divided)
