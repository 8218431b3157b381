"""The study: one YAML file that says which corpora, models, prompts and readouts meet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ambivox.choices import Control
from ambivox.errors import UsageError, unknown_name
from ambivox.readouts import DEFAULT_READOUTS
from ambivox.yaml_file import read_mapping

N_DRAWS = 20
"""How many answers are sampled for a readout that needs them, unless a study says otherwise."""

CONTROLS: tuple[Control, ...] = get_args(Control)

MAX_CONTEXT_TURNS = 30
"""More turns than this have not been studied; AER-LLM found 10 to 20 best."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CorpusSpec(_Strict):
    """A corpus: the loader's name, where it lies, and the loader's own options."""

    name: str
    """The loader's name, see `ambivox corpora list`."""
    path: Path
    """Where the corpus lies; a relative path starts at the folder of this file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The loader's own options."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Only so many utterances, the first ones."""


class ModelSpec(_Strict):
    """A model: its name, and options of its engine such as ``dtype`` or ``device``."""

    name: str
    """`mini`, a folder with a checkpoint, or a hub name."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the engine, such as `dtype` or `device`."""


MAX_SEED = 2**63 - 1
"""As a record can hold it."""


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Study(_Strict):
    """The grid of a study; every field but corpora has a default.

    ``readouts`` say what is asked of the model besides its answer: see `Readout.needs`; ``calibrations`` add
    the controls that they need. ``order_seeds`` are
    seeds of permutations of the options (null keeps the order of the set), or ``rotations`` for every one of
    its rotations. ``wordings`` say which form stands for a label among the options (null: the labels
    themselves). ``transcript`` shows what is said in the clip, ``context_turns`` how many turns of the
    dialogue before it, with speakers and words. ``n_draws`` answers are sampled at each of ``temperatures``
    where a readout needs them.
    """

    corpora: Annotated[tuple[CorpusSpec, ...], Field(min_length=1)]
    """What is asked about."""
    models: Annotated[tuple[Annotated[ModelSpec, BeforeValidator(_named)], ...], Field(min_length=1)] = (
        ModelSpec(name="mini"),
    )
    """Who is asked; a name alone will do for each."""
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("word", "letter", "dictionary", "percentages")
    """Names of built-in prompts, or paths of your own."""
    emotions: str = "cremad6"
    """The name of an emotion set, or the path of your own."""
    readouts: Annotated[tuple[str, ...], Field(min_length=1)] = DEFAULT_READOUTS
    """How answers are read, and with that what the model is asked for besides its answer."""
    controls: Annotated[tuple[Control, ...], Field(min_length=1)] = ("clip", "silence", "no-audio", "swapped")
    """What the model hears: the clip, and what stands in for it. Claims on hearing need the stand-ins."""
    calibrations: tuple[str, ...] = ()
    """Add the controls that these calibrations divide by."""
    calibrate: Path | None = None
    """A file of `ambivox calibrate` by which readings are scored calibrated, too; beside the plain ones."""
    order_seeds: Literal["rotations"] | Annotated[tuple[int | None, ...], Field(min_length=1)] = (None,)
    """Seeds of permutations of the options (null: the order of the set), or `rotations` for each of them."""
    wordings: Annotated[tuple[dict[str, str] | None, ...], Field(min_length=1)] = (None,)
    """Which form stands for a label among the options; null: the labels themselves."""
    transcript: bool = False
    """Show what is said in the clip."""
    transcripts_from: Path | None = None
    """The folder of a run whose model wrote down what is said (Whisper), for clips without a transcript."""
    context_turns: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MAX_CONTEXT_TURNS)], ...], Field(min_length=1)
    ] = (0,)
    """How many turns of the dialogue before the clip are shown, with speakers and words."""
    n_draws: Annotated[int, Field(ge=1)] = N_DRAWS
    """How many answers are sampled where a readout needs them."""
    temperatures: Annotated[
        tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], Field(min_length=1)
    ] = (1.0,)
    """At which temperatures they are sampled."""
    ask_silent: bool = False
    """Ask about digital silence, too; by default it has the status `silent` and no distribution."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of noise, swapped clips and sampled answers."""
    batch_size: Annotated[int, Field(ge=1)] = 128
    """How many requests go to the model together."""
    shard_size: Annotated[int, Field(ge=1)] = 128
    """How many records make a file."""

    @model_validator(mode="after")
    def _check_levels(self) -> Study:
        for name in ("prompts", "controls", "order_seeds", "wordings", "context_turns", "temperatures"):
            levels = getattr(self, name)
            for level in levels if isinstance(levels, tuple) else ():
                if levels.count(level) > 1:
                    raise ValueError(f"{name}: {level!r} is given twice, and would be counted twice")
        for seed in self.order_seeds if isinstance(self.order_seeds, tuple) else ():
            if seed is not None and not 0 <= seed <= MAX_SEED:
                raise ValueError(f"order_seeds: {seed} is not between 0 and {MAX_SEED}")
        return self


def load_study(path: str | Path) -> Study:
    """Read a study; its relative paths start at the folder of the file.

    Raises:
        UsageError: the file is missing or not YAML, or a key or value is not one of `Study` (it is named).
    """
    path = Path(path)
    data = read_mapping(path, "a study")
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        raise _validation_error(path, error) from None
    return _with_absolute_paths(study, path.resolve().parent)


def resolved_model(name: str, folder: Path) -> str:
    """The name of a model that a file in `folder` asks for: of a path to a folder, the whole path.

    A plain name is a registered model or one of a hub, whatever folders happen to lie there.
    """
    here = (folder / name).resolve()
    given_as_path = "/" in name or "\\" in name
    return str(here) if given_as_path and here.is_dir() else name


def _with_absolute_paths(study: Study, folder: Path) -> Study:
    def name_of(name: str) -> str:
        return str(folder / name) if name.endswith((".yaml", ".yml")) else name

    return study.model_copy(
        update={
            "corpora": tuple(c.model_copy(update={"path": folder / c.path}) for c in study.corpora),
            "models": tuple(
                m.model_copy(update={"name": resolved_model(m.name, folder)}) for m in study.models
            ),
            "prompts": tuple(name_of(name) for name in study.prompts),
            "emotions": name_of(study.emotions),
            "transcripts_from": study.transcripts_from and folder / study.transcripts_from,
            "calibrate": study.calibrate and folder / study.calibrate,
        }
    )


def _validation_error(path: Path, error: ValidationError) -> UsageError:
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        return UsageError(": ".join(filter(None, (str(path), where, said[:1].lower() + said[1:]))))
    inner: dict[str, type[_Strict]] = {"corpora": CorpusSpec, "models": ModelSpec}
    model = inner[str(first["loc"][0])] if len(first["loc"]) > 1 else Study
    return UsageError(f"{path}: {unknown_name('key', str(first['loc'][-1]), model.model_fields)}")
