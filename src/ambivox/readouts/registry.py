"""The readouts by name, and how a study writes one with its options: ``mean(value=logit, normalise=sum)``."""

from __future__ import annotations

import functools
import inspect
import pickle
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ambivox.errors import UsageError, unknown_name
from ambivox.guarded import Guarded, a_, check_function, summary_of
from ambivox.prompts import AnswerFormat
from ambivox.raters.distribution import as_distributions
from ambivox.readouts import text, together, tokens
from ambivox.readouts.expected import expected
from ambivox.readouts.frequency import frequency
from ambivox.readouts.reading import NEXT_TO_NONE, STATUSES, Reading, Status
from ambivox.record import SILENT, Record
from ambivox.registry import Registry

Level = Literal["text", "token"]
"""What a readout reads: what the model said, or its logits."""
Need = Literal["score", "numbers", "draws", "lens"]
"""What a readout reads that a model must be asked for besides its answer: the probabilities of whole labels,
the logits of number tokens, sampled answers, the logits at every layer."""


@dataclass(frozen=True)
class Readout:
    """A named way from a record to a distribution.

    Args:
        name: as in `READOUTS`.
        function: ``(record, **options) -> Reading``; its keyword arguments are the options.
        level: ``text`` (what the model said) or ``token`` (its logits).
        formats: the answer formats it can read; None for all.
        needs: what a study has to ask for so that the record holds it.
        options: those that are set, in the order of the function.
        of_many: the same of many records, faster: ``(records, **options)`` -> their readings, None where one
            has to be read by `function`.
    """

    name: str
    level: Level
    function: Callable[..., Reading]
    description: str
    formats: tuple[AnswerFormat, ...] | None = None
    needs: tuple[Need, ...] = ()
    options: tuple[tuple[str, Any], ...] = field(default=())
    of_many: Callable[..., list[Reading | None]] | None = None

    @property
    def spec(self) -> str:
        """How it is written: its name with the options that are set, ``mean(value=logit)``."""
        return written(self.name, self.options)

    def applies(self, record: Record) -> bool:
        """Whether this readout can read the record's answer format."""
        return self.formats is None or record.asked.prompt.format in self.formats

    def __call__(self, record: Record) -> Reading:
        """Read a record; a failed record gives a failed reading."""
        if record.reply is None:
            status: Status = "silent" if record.error and record.error.code == SILENT else "failed"
            return Reading(None, status, record.error.text if record.error else "not asked")
        if self.level == "text" and record.reply.says == "transcript":
            return Reading(None, "undefined", "the model wrote down what was said, and answered no question")
        return _improbable(self.function(record, **dict(self.options)))

    def read_many(self, records: Sequence[Record]) -> list[Reading]:
        """Read many records, each as by itself."""
        if self.of_many is None:
            return list(map(self, records))
        found = self.of_many(records, **dict(self.options))
        return [
            self(record) if reading is None else _improbable(reading)
            for record, reading in zip(records, found, strict=True)
        ]


def _improbable(reading: Reading) -> Reading:
    """The reading with the status that its mass asks for."""
    if reading.status != "ok" or reading.mass is None or reading.mass >= NEXT_TO_NONE:
        return reading
    held = "less than 0.01%" if reading.mass < 1e-4 else f"{reading.mass:.2%}"
    note = f"the labels hold {held} of the probability here: the answer begins with something else"
    return replace(reading, status="improbable", note=f"{note}; {reading.note}" if reading.note else note)


def written(name: str, options: Iterable[tuple[str, Any]]) -> str:
    """A readout with its options, as `load_readout` reads it.

    >>> written("lens", [("layer", 2)]), written("sequence", [("per_token", True)])
    ('lens(layer=2)', 'sequence(per_token=true)')
    """
    pairs = ", ".join(f"{option}={_written(value)}" for option, value in options)
    return f"{name}({pairs})" if pairs else name


_BUILT_IN = (
    Readout("dictionary", "text", text.dictionary, "numbers per label", ("dictionary", "percentages")),
    Readout("label", "text", text.label, "one named label, one-hot", ("word", "letter", "sentence")),
    Readout("ranked", "text", text.ranked, "a ranked list, by the weights of its ranks", ("ranked",)),
    Readout("prose", "text", text.prose, "emotion words in a free description, counted", ("free",)),
    Readout("frequency", "text", frequency, "what sampled answers say, on average", needs=("draws",)),
    Readout(
        "first",
        "token",
        tokens.first,
        "first-step probabilities of the labels",
        of_many=together.first_of_many,
    ),
    Readout(
        "mean",
        "token",
        tokens.mean,
        "mean over steps of logit, probability or log-probability",
        of_many=together.mean_of_many,
    ),
    Readout(
        "answer",
        "token",
        tokens.answer,
        "the same over the steps at which a label is written",
        of_many=together.answer_of_many,
    ),
    Readout("final", "token", tokens.final, "softmax of the label logits at the final step"),
    Readout(
        "expected",
        "token",
        expected,
        "expectation of the numbers that were nearly printed",
        ("dictionary", "percentages"),
        needs=("numbers",),
    ),
    Readout("lens", "token", tokens.lens, "first, read at every decoder layer", needs=("lens",)),
    Readout("sequence", "token", tokens.sequence, "exact probability of each whole label", needs=("score",)),
)


def as_readout(name: str, item: object) -> Readout:
    """A readout from a `Readout`, or one of the text from a function ``(record, *, options) -> Reading``."""
    if not isinstance(item, Readout):
        if not callable(item):
            raise ValueError(f"expected a Readout or a function (record), not {a_(item)}")
        item = Readout(name, "text", item, summary_of(item))
    if item.name != name:
        raise ValueError(f"it calls itself {item.name!r}: name and entry point must be the same")
    for word, known, given in (
        ("level", Level, [item.level]),
        ("formats", AnswerFormat, item.formats or ()),
        ("needs", Need, item.needs),
    ):
        for value in given:
            if value not in get_args(known):
                raise ValueError(f"{word}: {value!r} is not one of {', '.join(get_args(known))}")
    function = check_function(item.function, "record")
    readout = replace(item, function=Guarded(f"readout {name!r}", function, _as_reading), of_many=None)
    try:
        pickle.dumps(readout)
    except Exception:  # pickle raises what it likes
        raise ValueError("it cannot be sent to other processes: def it at the top of its module") from None
    return readout


def _as_reading(result: object, record: Record) -> Reading:
    if not isinstance(result, Reading):
        raise ValueError(f"it gives {a_(result)}, expected a Reading")
    if result.status not in STATUSES:
        raise ValueError(f"status {result.status!r} is not one of {', '.join(STATUSES)}")
    if result.distribution is None:
        return result
    p = as_distributions(result.distribution, "its distribution,")
    if p.shape != (len(record.asked.emotions),):
        raise ValueError(f"its distribution has shape {p.shape} for {len(record.asked.emotions)} labels")
    return replace(result, distribution=p)


READOUTS = Registry(
    "readout",
    group="ambivox.readouts",
    accept=as_readout,
    built_in={readout.name: readout for readout in _BUILT_IN},
)
"""Readouts by name; other packages add theirs as entry points of the group ``ambivox.readouts``."""

DEFAULT_READOUTS = (
    "dictionary",
    "label",
    "ranked",
    "prose",
    "first",
    "mean",
    "mean(value=logit, normalise=sum)",
    "answer",
    "expected",
    "sequence",
)


def load_readout(spec: str) -> Readout:
    """A readout by its name, with options in brackets.

    Raises:
        UsageError: unknown readout or option, or a value that the option does not take.

    >>> load_readout("mean( normalise = sum, value=logit )").spec
    'mean(value=logit, normalise=sum)'
    """
    match = re.fullmatch(r"\s*([\w-]+)\s*(?:\((.*)\))?\s*", spec)
    if not match:
        raise UsageError(f"readout {spec!r}: write it as name or name(option=value, ...)")
    readout = READOUTS[match[1]]
    parts = (match[2] or "").split(",")
    if not "".join(parts).strip():
        return readout
    given = [_option(readout, part) for part in parts]
    if len(dict(given)) < len(given):
        raise UsageError(f"readout {spec!r}: an option is given twice")
    # In the order of the function, so that one choice of options is one readout.
    return replace(readout, options=_in_order(readout, given))


def load_readouts(specs: Sequence[str]) -> list[Readout]:
    """Several readouts; one that is named twice is kept once."""
    return list({readout.spec: readout for readout in map(load_readout, specs)}.values())


def unfold(readouts: Sequence[Readout], record: Record) -> tuple[Readout, ...]:
    """The readouts, with a ``lens`` that names no layer as one readout per layer that the record holds."""
    lens = None if record.reply is None else record.reply.lens
    layers = 0 if lens is None else len(lens)
    return _unfolded(tuple(readouts), layers) if layers else tuple(readouts)


@functools.lru_cache
def _unfolded(readouts: tuple[Readout, ...], layers: int) -> tuple[Readout, ...]:
    unfolded: list[Readout] = []
    for readout in readouts:
        if of_all_layers(readout):
            every = ([*readout.options, ("layer", layer)] for layer in range(1, layers + 1))
            unfolded += [replace(readout, options=_in_order(readout, options)) for options in every]
        else:
            unfolded.append(readout)
    return tuple(unfolded)


def of_all_layers(readout: Readout) -> bool:
    """Whether it reads layers and names none, so that it is read at each."""
    return "lens" in readout.needs and "layer" not in dict(readout.options)


def needs_of(readouts: Sequence[Readout], answers: AnswerFormat) -> tuple[Need, ...]:
    """What to ask a model for, so that all of the readouts that can read a format have what they read.

    >>> needs_of(load_readouts(["label", "sequence"]), "word")
    ('score',)
    """
    reading = (readout for readout in readouts if readout.formats is None or answers in readout.formats)
    return tuple(sorted({need for readout in reading for need in readout.needs}))


def _options(readout: Readout) -> list[str]:
    parameters = inspect.signature(readout.function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]


def _in_order(readout: Readout, options: Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(options, key=lambda option: _options(readout).index(option[0])))


def _option(readout: Readout, part: str) -> tuple[str, Any]:
    name, _, written = (piece.strip() for piece in part.partition("="))
    if name not in _options(readout):
        raise unknown_name(f"option of readout {readout.name!r}", name, _options(readout))
    kind = get_type_hints(readout.function)[name]
    try:
        return name, TypeAdapter(kind).validate_strings(written)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UsageError(f"readout {readout.name!r}: {name}={written!r}: {reason}") from None


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
