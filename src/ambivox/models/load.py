"""Models by name: the bundled checkpoint, an engine with a model, a folder, or a hub name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError, validate_call

from ambivox.errors import UsageError, unknown_name
from ambivox.guarded import Guarded, a_, check_function
from ambivox.models.protocol import SpeechModel
from ambivox.registry import Registry

ModelLoader = Callable[..., SpeechModel]
"""``loader(rest, **options)``, with `rest` what follows the colon in ``engine:rest`` (empty without one)."""

HUB_NAMES = (
    "Qwen/Qwen2-Audio-7B-Instruct",
    "Qwen/Qwen2.5-Omni-7B",
    "google/gemma-3n-E4B-it",
    "mistralai/Voxtral-Mini-3B-2507",
    "nvidia/audio-flamingo-3-hf",
    "nvidia/music-flamingo-hf",
    "zai-org/GLM-ASR-Nano-2512",
)
"""Suggested when a short name comes close; any other hub name works as well."""


def load_model(name: str, **options: Any) -> SpeechModel:
    """Load a speech model.

    Args:
        name: ``mini`` (bundled), ``engine:model`` such as ``transformers:Qwen/Qwen2-Audio-7B-Instruct``, a
            folder, or a hub name; the last two go to the engine ``transformers``, or to ``whisper`` where
            the checkpoint is of its class. The URL of a server, as in ``http://localhost:8000/v1``, goes to
            the engine ``openai``.
        options: for the engine, for example ``device``, ``dtype``, ``batch_size``; see `load_transformers`.

    Raises:
        UsageError: unknown name or option, or an extra is not installed.
        AmbivoxError: the checkpoint cannot be loaded whole.
    """
    engine, colon, rest = name.partition(":")
    if name.startswith(("http://", "https://")):
        engine, rest = "openai", name
    elif name in MODELS:  # before a folder: which model 'mini' is must not depend on where one stands
        engine, rest = name, ""
    elif Path(name).is_dir():
        engine, rest = "transformers", name
    elif not colon:
        if "/" not in name:
            raise _unknown(name)
        engine, rest = "transformers", name
    loader = MODELS[engine]
    try:
        inspect.signature(loader).bind(rest, **options)
    except TypeError as error:
        raise UsageError(f"model {name!r}: {error}") from None
    return loader(rest, **options)


Loaded = TypeVar("Loaded")


def with_options(loader: Callable[..., Loaded], name: str, options: Mapping[str, Any]) -> Loaded:
    """Call a loader with options that a user wrote, if they have the names, types and ranges it declares.

    Raises:
        UsageError: they have not; the first that is wrong is named.
    """
    try:
        return validate_call(config=ConfigDict(strict=True))(loader)(name, **options)
    except ValidationError as error:
        known = [p.name for p in inspect.signature(loader).parameters.values() if p.kind is p.KEYWORD_ONLY]
        raise wrong_option(error, known) from None


def wrong_option(error: ValidationError, known: Iterable[str]) -> UsageError:
    """The error for the first option that pydantic found wrong."""
    first = error.errors()[0]
    option = str(first["loc"][0])
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return unknown_name("option", option, known)
    message = f"{first['msg'][:1].lower()}{first['msg'][1:]}, not {first['input']!r:.60}"
    return UsageError(f"option {option}: {message}")


def checkpoint_of(name: str) -> str:
    """The folder or hub name behind a name of the engine ``transformers``, or of the bundled model."""
    if name == "mini":
        return str(_mini_folder())
    return name.removeprefix("transformers:").removeprefix("whisper:")


def _unknown(name: str) -> UsageError:
    wanted = name.casefold()
    short = {hub.split("/")[1].casefold(): hub for hub in HUB_NAMES}
    near = [short[s] for s in difflib.get_close_matches(wanted, short, n=2, cutoff=0.5)]
    near += [hub for s, hub in short.items() if wanted in s and hub not in near]
    if not near:
        return unknown_name("model", name, MODELS)
    return UsageError(
        f"unknown model {name!r}: did you mean {' or '.join(map(repr, near))}? "
        f"(known: {', '.join(sorted(MODELS))}, a folder, or any hub name 'org/name')"
    )


def _transformers(name: str, **options: Any) -> SpeechModel:
    """Any audio-text chat model that transformers loads: transformers:org/name or transformers:folder."""
    if not name:
        raise UsageError("'transformers' needs a model: transformers:org/name or transformers:folder")
    from ambivox.models.hf.load import load_transformers

    return _by_transformers(load_transformers, name, options)


def _whisper(name: str, **options: Any) -> SpeechModel:
    """Whisper, asked by the likelihood of label sentences: whisper:org/name or whisper:folder."""
    if not name:
        raise UsageError("'whisper' needs a model: whisper:openai/whisper-small or whisper:folder")
    from ambivox.models.whisper.load import load_whisper

    return _by_transformers(load_whisper, name, options)


def _by_transformers(loader: ModelLoader, name: str, options: Mapping[str, Any]) -> SpeechModel:
    try:
        return with_options(loader, name, options)
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] not in ("torch", "transformers", "accelerate", "huggingface_hub"):
            raise
        raise UsageError("this needs the extra 'transformers': pip install 'ambivox[transformers]'") from None


def _openai(name: str, **options: Any) -> SpeechModel:
    """A model behind an OpenAI-type chat endpoint: openai:NAME, or the URL of a server."""
    if not name:
        raise UsageError("'openai' needs a model: openai:NAME with base_url, or http://host:8000/v1")
    try:
        from ambivox.models.openai.adapter import load_openai
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] not in ("openai", "httpx2"):
            raise
        raise UsageError("this needs the extra 'openai': pip install 'ambivox[openai]'") from None
    return with_options(load_openai, name, options)


def _mini(_: str, **options: Any) -> SpeechModel:
    """The small bundled model, for trying things out without a download; with options, by transformers."""
    folder = _mini_folder()
    if not (folder / "config.json").is_file():
        raise UsageError("the bundled model 'mini' is not part of this installation: reinstall ambivox")
    if not options:
        from ambivox.models.bundled.engine import load_bundled

        return load_bundled(folder, "mini")
    model: Any = _transformers(str(folder), **options)
    model.name = "mini"
    return model  # type: ignore[no-any-return]


def _listener(name: str, **options: Any) -> SpeechModel:
    """A synthetic listener of set probabilities, for sounds that carry a known distribution."""
    from ambivox.testing.listener.listener import load_listener

    return load_listener(name, **options)


def _mini_folder() -> Path:
    return Path(str(resources.files("ambivox.models") / "mini"))


_MEMBERS = ("name", "fingerprint", "max_audio_s", "label_tokens", "generate", "score")


def as_engine(name: str, item: object) -> ModelLoader:
    """An engine of another package: a function ``(rest, **options) -> SpeechModel``."""
    return Guarded(f"model {name!r}", check_function(item, "rest"), _as_model)


def _as_model(result: Any, rest: str) -> SpeechModel:
    missing = [member for member in _MEMBERS if not hasattr(result, member)]
    if missing:
        raise ValueError(f"it gives {a_(result)} without {', '.join(missing)}, expected a SpeechModel")
    model: SpeechModel = result
    return model


_BUILT_IN: dict[str, ModelLoader] = {
    "transformers": _transformers,
    "whisper": _whisper,
    "mini": _mini,
    "listener": _listener,
    "openai": _openai,
}

MODELS = Registry(
    "model",
    group="ambivox.models",
    accept=as_engine,
    built_in=_BUILT_IN,
)
"""Models and engines by name; other packages add theirs as entry points of the group ``ambivox.models``."""
