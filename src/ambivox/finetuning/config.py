"""The training: one YAML file that says which model learns what from which speakers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ambivox.raters.distribution import Outside
from ambivox.yaml_file import read_as

Labels = Literal["votes", "intended"]
Use = Literal["train", "development", "test"]
Precision = Literal["float32", "bfloat16", "float16"]
Part = Literal["attention", "feed-forward"]
Numbers = Literal["tenths", "hundredths"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Speakers(_Strict):
    """Speakers of one corpus, as the corpus names them."""

    speakers: Annotated[tuple[str, ...], Field(min_length=1)]


class SplitSpec(_Strict):
    """A standard split of `ambivox.corpora.splits` by name, with its options; ``fold`` is one of several."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    fold: Annotated[int, Field(ge=0)] = 0


class CorpusSpec(_Strict):
    """A corpus and how its speakers are split.

    Every clip goes where ``use`` says, but for the speakers named under ``development`` and ``test``; or
    ``split`` names a standard one. ``labels: intended`` takes the emotion that an actor was asked for as the
    one label of a clip, in place of votes.
    """

    name: str
    path: Path
    options: dict[str, Any] = Field(default_factory=dict)
    limit: Annotated[int, Field(ge=1)] | None = None
    labels: Labels = "votes"
    use: Use = "train"
    development: Speakers | None = None
    test: Speakers | None = None
    split: Annotated[SplitSpec, BeforeValidator(_named)] | None = None

    @model_validator(mode="after")
    def _one_way_to_split(self) -> CorpusSpec:
        if self.split and (self.development or self.test or self.use != "train"):
            raise ValueError("split: leaves nothing to 'use', 'development' and 'test': leave them out")
        return self


class ModelSpec(_Strict):
    """What to start from: a name, and options of the engine such as ``dtype`` or ``device``."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class ObjectiveSpec(_Strict):
    """What is minimised: a name of `OBJECTIVES` and its options."""

    name: str
    options: dict[str, float] = Field(default_factory=dict)


class LoraSpec(_Strict):
    """Low-rank adapters on the language model (Hu et al. 2021, arXiv 2106.09685), merged at the end."""

    rank: Annotated[int, Field(ge=1)] = 8
    alpha: Annotated[int, Field(ge=1)] = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    modules: Annotated[tuple[Part, ...], Field(min_length=1)] = ("attention", "feed-forward")


class AugmentSpec(_Strict):
    """Changes to a clip that leave its emotion; see `ambivox.finetuning.augment` for the sources."""

    gain_db: Annotated[float, Field(ge=0, le=20)] = 6.0
    shift_s: Annotated[float, Field(ge=0, le=1)] = 0.1
    noise_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    snr_db: tuple[float, float] = (15.0, 30.0)
    time_masks: Annotated[int, Field(ge=0)] = 2
    frequency_masks: Annotated[int, Field(ge=0)] = 2


class Schedule(_Strict):
    """How long and how fast; a batch is ``batch_size * accumulation * processes`` examples."""

    epochs: Annotated[float, Field(gt=0)] = 3.0
    max_steps: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    batch_size: Annotated[int, Field(ge=1)] = 4
    accumulation: Annotated[int, Field(ge=1)] = 1
    precision: Precision = "float32"
    activation_checkpointing: bool = False
    workers: Annotated[int, Field(ge=0)] = 0
    evaluate_every: Annotated[int, Field(ge=1)] = 100
    patience: Annotated[int, Field(ge=1)] = 5


class FinetuneConfig(_Strict):
    """A training; every field but corpora has a default.

    ``lora: null`` trains all weights; ``freeze`` names modules (steps of their paths) that then stay as they
    are. ``numbers`` is how dictionaries and percentages are written; take what the model writes of itself.
    """

    corpora: Annotated[tuple[CorpusSpec, ...], Field(min_length=1)]
    model: Annotated[ModelSpec, BeforeValidator(_named)] = ModelSpec(name="mini")
    emotions: str = "cremad6"
    outside: Outside = "drop"
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("word", "letter", "dictionary", "percentages")
    numbers: Numbers = "tenths"
    objective: Annotated[ObjectiveSpec, BeforeValidator(_named)] = ObjectiveSpec(name="yu-2026")
    lora: LoraSpec | None = LoraSpec()
    freeze: tuple[str, ...] = ()
    augment: AugmentSpec | None = AugmentSpec()
    schedule: Schedule = Schedule()
    seed: Annotated[int, Field(ge=0)] = 0


def load_finetuning(path: Path) -> FinetuneConfig:
    """Read a training; its relative paths start at the folder of the file.

    Raises:
        UsageError: the file is missing or not YAML, or a key or value is not one of `FinetuneConfig`.
    """
    config = read_as(path, "a training", FinetuneConfig)
    folder = path.resolve().parent

    def name_of(name: str) -> str:
        return str(folder / name) if name.endswith((".yaml", ".yml")) else name

    local = folder / config.model.name
    model = str(local) if local.is_dir() else config.model.name
    return config.model_copy(
        update={
            "model": config.model.model_copy(update={"name": model}),
            "corpora": tuple(c.model_copy(update={"path": folder / c.path}) for c in config.corpora),
            "prompts": tuple(name_of(name) for name in config.prompts),
            "emotions": name_of(config.emotions),
        }
    )
