"""The study: one YAML file that says which corpora, models, prompts and readouts meet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ambivox.errors import UsageError, unknown_name
from ambivox.readouts import DEFAULT_READOUTS
from ambivox.yaml_file import read_mapping

Control = Literal["clip", "silence", "noise", "swapped", "no-audio", "transcript-only"]
"""What the model hears in place of the clip: the clip itself, silence or noise of the same length, another
clip of the corpus, or nothing at all, without the words and with them."""
N_DRAWS = 20
"""How many answers are sampled for a readout that needs them, unless a study says otherwise."""

CONTROLS: tuple[Control, ...] = get_args(Control)

MAX_CONTEXT_TURNS = 30
"""More turns than this have not been studied; AER-LLM found 10 to 20 best."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CorpusSpec(_Strict):
    """A corpus: the loader's name, where it lies, and the loader's own options."""

    name: str
    path: Path
    options: dict[str, Any] = Field(default_factory=dict)
    limit: Annotated[int, Field(ge=1)] | None = None


class ModelSpec(_Strict):
    """A model: its name, and options of its engine such as ``dtype`` or ``device``."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


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
    models: Annotated[tuple[Annotated[ModelSpec, BeforeValidator(_named)], ...], Field(min_length=1)] = (
        ModelSpec(name="mini"),
    )
    prompts: Annotated[tuple[str, ...], Field(min_length=1)] = ("word", "letter", "dictionary", "percentages")
    emotions: str = "cremad6"
    readouts: Annotated[tuple[str, ...], Field(min_length=1)] = DEFAULT_READOUTS
    controls: Annotated[tuple[Control, ...], Field(min_length=1)] = ("clip",)
    calibrations: tuple[str, ...] = ()
    order_seeds: Literal["rotations"] | Annotated[tuple[int | None, ...], Field(min_length=1)] = (None,)
    wordings: Annotated[tuple[dict[str, str] | None, ...], Field(min_length=1)] = (None,)
    transcript: bool = False
    context_turns: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MAX_CONTEXT_TURNS)], ...], Field(min_length=1)
    ] = (0,)
    n_draws: Annotated[int, Field(ge=1)] = N_DRAWS
    temperatures: Annotated[
        tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], Field(min_length=1)
    ] = (1.0,)
    seed: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=1)] = 128
    shard_size: Annotated[int, Field(ge=1)] = 128


def load_study(path: Path) -> Study:
    """Read a study; its relative paths start at the folder of the file.

    Raises:
        UsageError: the file is missing or not YAML, or a key or value is not one of `Study` (it is named).
    """
    data = read_mapping(path, "a study")
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        raise _validation_error(path, error) from None
    return _with_absolute_paths(study, path.resolve().parent)


def _with_absolute_paths(study: Study, folder: Path) -> Study:
    def name_of(name: str) -> str:
        return str(folder / name) if name.endswith((".yaml", ".yml")) else name

    return study.model_copy(
        update={
            "corpora": tuple(c.model_copy(update={"path": folder / c.path}) for c in study.corpora),
            "prompts": tuple(name_of(name) for name in study.prompts),
            "emotions": name_of(study.emotions),
        }
    )


def _validation_error(path: Path, error: ValidationError) -> UsageError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return UsageError(f"{path}: {where}: {first['msg'][0].lower()}{first['msg'][1:]}")
    inner: dict[str, type[_Strict]] = {"corpora": CorpusSpec, "models": ModelSpec}
    model = inner[str(first["loc"][0])] if len(first["loc"]) > 1 else Study
    return UsageError(f"{path}: {unknown_name('key', str(first['loc'][-1]), model.model_fields)}")
