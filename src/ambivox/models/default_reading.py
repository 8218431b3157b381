"""What a model is asked about a clip where nobody names a prompt: data kept with the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ambivox.errors import UsageError
from ambivox.models.load import checkpoint_of
from ambivox.yaml_file import read_mapping

FILE = "reading.yaml"

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]  # of a registry; no path that a checkpoint brings
_Readouts = Annotated[tuple[str, ...], Field(min_length=1)]
_PROMPTS = TypeAdapter(Annotated[dict[_Name, _Readouts], Field(min_length=1)])


def default_reading(model: str) -> dict[str, tuple[str, ...]]:
    """The readouts by prompt that stand for a model: what its checkpoint brings, or what is usual.

    Args:
        model: as for `load_model`.

    Raises:
        UsageError: the file of the checkpoint is not one of prompts and readouts.

    >>> default_reading("org/name")
    {'dictionary': ('dictionary', 'expected'), 'word': ('first',)}
    """
    checkpoint = Path(checkpoint_of(model))
    usual = Path(__file__).parent / ("whisper" if _is_whisper(model, checkpoint) else "") / FILE
    path = checkpoint / FILE if (checkpoint / FILE).is_file() else usual
    try:
        return _PROMPTS.validate_python(read_mapping(path, "what is read"))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UsageError(f"{path}: {where}: give the readouts of each prompt, as 'word: [first]'") from None


def _is_whisper(model: str, checkpoint: Path) -> bool:
    """Whether a name says so or a folder does; what a hub name stands for is known when it is loaded."""
    if model.startswith("whisper:"):
        return True
    try:
        config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False  # loading it will say what is wrong
    return isinstance(config, dict) and config.get("model_type") == "whisper"
