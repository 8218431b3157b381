"""The readouts by name, and how a study writes one with its options: ``mean(value=logit, normalise=sum)``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from ambivox.errors import UsageError, unknown_name
from ambivox.prompts import AnswerFormat
from ambivox.readouts import text, tokens
from ambivox.readouts.reading import Reading
from ambivox.record import Record
from ambivox.registry import Registry


@dataclass(frozen=True)
class Readout:
    """A named way from a record to a distribution.

    Args:
        function: ``(record, **options) -> Reading``; its keyword arguments are the options.
        level: ``text`` (what the model said) or ``token`` (its logits).
        formats: the answer formats it can read; None for all.
    """

    name: str
    level: Literal["text", "token"]
    function: Callable[..., Reading]
    description: str
    formats: tuple[AnswerFormat, ...] | None = None
    options: tuple[tuple[str, Any], ...] = field(default=())

    def applies(self, record: Record) -> bool:
        """Whether this readout can read the record's answer format."""
        return self.formats is None or record.format in self.formats

    def __call__(self, record: Record) -> Reading:
        """Read a record; a failed record gives a failed reading."""
        if record.status == "failed":
            return Reading(None, "failed", record.error or "")
        return self.function(record, **dict(self.options))


READOUTS: Registry[Readout] = Registry("readout", group="ambivox.readouts")

for _readout in (
    Readout("dictionary", "text", text.dictionary, "numbers per label", ("dictionary", "percentages")),
    Readout("label", "text", text.label, "one named label, one-hot", ("word", "letter")),
    Readout("first", "token", tokens.first, "first-step probabilities of the labels"),
    Readout("mean", "token", tokens.mean, "mean over steps of logit, probability or log-probability"),
    Readout("sequence", "token", tokens.sequence, "exact probability of each whole label"),
):
    READOUTS.add(_readout.name, _readout)

DEFAULT_READOUTS = ("dictionary", "label", "first", "mean", "mean(value=logit, normalise=sum)", "sequence")


def load_readout(spec: str) -> Readout:
    """A readout by its name, with options in brackets.

    Raises:
        UsageError: unknown readout or option, or a value that the option does not take.

    >>> load_readout("mean( value = logit )").name
    'mean(value=logit)'
    """
    match = re.fullmatch(r"\s*([\w-]+)\s*(?:\((.*)\))?\s*", spec)
    if not match:
        raise UsageError(f"readout {spec!r}: write it as name or name(option=value, ...)")
    readout = READOUTS[match[1]]
    if not (match[2] or "").strip():
        return readout
    options = tuple(_option(readout, part) for part in match[2].split(","))
    written = ", ".join(f"{name}={yaml.safe_dump(value).split()[0]}" for name, value in options)
    return Readout(
        f"{readout.name}({written})",
        readout.level,
        readout.function,
        readout.description,
        readout.formats,
        options,
    )


def load_readouts(specs: Sequence[str]) -> list[Readout]:
    """Several readouts; one that is named twice is kept once."""
    return list({readout.name: readout for readout in map(load_readout, specs)}.values())


def _option(readout: Readout, part: str) -> tuple[str, Any]:
    name, equals, written = (piece.strip() for piece in part.partition("="))
    known = [
        parameter.name
        for parameter in inspect.signature(readout.function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    if name not in known:
        raise unknown_name(f"option of readout {readout.name!r}", name, known)
    kind = get_type_hints(readout.function)[name]
    allowed = get_args(kind) if get_origin(kind) is Literal else (False, True)
    value = yaml.safe_load(written) if equals else None
    if value not in allowed:
        names = ", ".join(str(choice).lower() if kind is bool else choice for choice in allowed)
        raise UsageError(f"readout {readout.name!r}: {name}={written!r} is not one of {names}")
    return name, value
