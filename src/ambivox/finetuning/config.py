"""The training: one YAML file that says which model learns what from which speakers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ambivox.choices import Outside
from ambivox.study import resolved_model
from ambivox.yaml_file import read_as

Labels = Literal["votes", "intended"]
Use = Literal["train", "development", "test"]
Precision = Literal["float32", "bfloat16", "float16"]
Part = Literal["attention", "feed-forward"]
Numbers = Literal["tenths", "hundredths"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Speakers(_Strict):
    """Speakers of one corpus, as the corpus names them."""

    speakers: Annotated[tuple[str, ...], Field(min_length=1)]
    """As the corpus names them."""


class SplitSpec(_Strict):
    """A standard split of `ambivox.corpora.splits` by name, with its options; ``fold`` is one of several."""

    name: str
    """One of the standard splits, see `ambivox corpora inspect`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The split's own options."""
    fold: Annotated[int, Field(ge=0)] = 0
    """Which of several folds."""


class CorpusSpec(_Strict):
    """A corpus and how its speakers are split.

    Every clip goes where ``use`` says, but for the speakers named under ``development`` and ``test``; or
    ``split`` names a standard one. ``labels: intended`` takes the emotion that an actor was asked for as the
    one label of a clip, in place of votes.
    """

    name: str
    """The loader's name, see `ambivox corpora list`."""
    path: Path
    """Where the corpus lies; a relative path starts at the folder of this file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The loader's own options."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Only so many utterances, the first ones."""
    labels: Labels = "votes"
    """`votes`, or `intended`: the emotion that an actor was asked for, as the one label of a clip."""
    use: Use = "train"
    """Where every clip goes that nothing else is said of."""
    development: Speakers | None = None
    """Speakers that decide when to stop."""
    test: Speakers | None = None
    """Speakers that are measured at the end."""
    split: Annotated[SplitSpec, BeforeValidator(_named)] | None = None
    """A standard split by name, in place of naming speakers."""

    @model_validator(mode="after")
    def _one_way_to_split(self) -> CorpusSpec:
        if self.split and (self.development or self.test or self.use != "train"):
            raise ValueError("split: leaves nothing to 'use', 'development' and 'test': leave them out")
        return self


class ModelSpec(_Strict):
    """What to start from: a name, and options of the engine such as ``dtype`` or ``device``."""

    name: str
    """`mini`, a folder with a checkpoint, or a hub name."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the engine, such as `dtype` or `device`."""


class ObjectiveSpec(_Strict):
    """What is minimised: a name of `OBJECTIVES` and its options."""

    name: str
    """What is minimised."""
    options: dict[str, float] = Field(default_factory=dict)
    """The objective's own options."""


class LoraSpec(_Strict):
    """Low-rank adapters on the language model (Hu et al. 2021, arXiv 2106.09685), merged at the end."""

    rank: Annotated[int, Field(ge=1)] = 8
    """Of each adapter."""
    alpha: Annotated[int, Field(ge=1)] = 16
    """Adapters are scaled by alpha / rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """On the input of each adapter."""
    modules: Annotated[tuple[Part, ...], Field(min_length=1)] = ("attention", "feed-forward")
    """Which parts of the language model get adapters."""


class AugmentSpec(_Strict):
    """Changes to a clip that leave its emotion; see `ambivox.finetuning.augment` for the sources."""

    gain_db: Annotated[float, Field(ge=0, le=20)] = 6.0
    """Louder or softer by at most this."""
    shift_s: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Earlier or later by at most this."""
    noise_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The share of clips with noise added."""
    snr_db: tuple[float, float] = (15.0, 30.0)
    """The range of the signal-to-noise ratio."""
    time_masks: Annotated[int, Field(ge=0)] = 2
    """How many spans of time are silenced."""
    frequency_masks: Annotated[int, Field(ge=0)] = 2
    """How many bands of frequency are silenced."""


class Schedule(_Strict):
    """How long and how fast; a batch is ``batch_size * accumulation * processes`` examples."""

    epochs: Annotated[float, Field(gt=0)] = 3.0
    """How often every clip is seen under every prompt."""
    max_steps: Annotated[int, Field(ge=1)] | None = None
    """Stop after so many steps at the latest."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """At its highest."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """The share of steps in which it rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Of AdamW."""
    batch_size: Annotated[int, Field(ge=1)] = 4
    """Examples at a time on each process."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Batches to a step."""
    precision: Precision = "float32"
    """Of the computation; weights are kept as the model has them."""
    activation_checkpointing: bool = False
    """Compute activations twice to save memory."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that decode audio."""
    evaluate_every: Annotated[int, Field(ge=1)] = 100
    """Steps between two looks at the development speakers."""
    patience: Annotated[int, Field(ge=1)] = 5
    """Stop after so many looks without an improvement."""


class FinetuneConfig(_Strict):
    """A training; every field but corpora has a default.

    ``lora: null`` trains all weights; ``freeze`` names modules (steps of their paths) that then stay as they
    are. ``numbers`` is how dictionaries and percentages are written; take what the model writes of itself.
    """

    corpora: Annotated[tuple[CorpusSpec, ...], Field(min_length=1)]
    """What is learnt from, and what is measured on."""
    model: Annotated[ModelSpec, BeforeValidator(_named)] = ModelSpec(name="mini")
    """What to start from."""
    emotions: str = "cremad6"
    """The name of an emotion set, or the path of your own."""
    outside: Outside = "drop"
    """How votes outside the set enter."""
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("word", "letter", "dictionary", "percentages")
    """What is asked; options in a new random order every time."""
    numbers: Numbers = "tenths"
    """How dictionaries and percentages are written: as the model writes them of itself."""
    objective: Annotated[ObjectiveSpec, BeforeValidator(_named)] = ObjectiveSpec(name="yu-2026")
    """What is minimised."""
    lora: LoraSpec | None = LoraSpec()
    """Adapters; null trains all weights."""
    freeze: tuple[str, ...] = ()
    """Modules (steps of their paths) that stay as they are."""
    augment: AugmentSpec | None = AugmentSpec()
    """Changes to clips; null leaves them alone."""
    schedule: Schedule = Schedule()
    """How long and how fast."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of everything that is drawn."""


def load_finetuning(path: str | Path) -> FinetuneConfig:
    """Read a training; its relative paths start at the folder of the file.

    Raises:
        UsageError: the file is missing or not YAML, or a key or value is not one of `FinetuneConfig`.
    """
    path = Path(path)
    config = read_as(path, "a training", FinetuneConfig)
    folder = path.resolve().parent

    def name_of(name: str) -> str:
        return str(folder / name) if name.endswith((".yaml", ".yml")) else name

    model = resolved_model(config.model.name, folder)
    return config.model_copy(
        update={
            "model": config.model.model_copy(update={"name": model}),
            "corpora": tuple(c.model_copy(update={"path": folder / c.path}) for c in config.corpora),
            "prompts": tuple(name_of(name) for name in config.prompts),
            "emotions": name_of(config.emotions),
        }
    )
