"""What a row is about, as data: the keys that scores, claims, tables and pictures share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, get_args

from ambivox.readouts import Readout, written
from ambivox.record import Record

ControlName = Literal["uniform", "vote-prior", "sharpened-prior", "one-hot-plurality", "noise-ceiling"]
"""Controls that ask no model: see `ambivox.metrics.controls` and `ambivox.statistics.noise_ceiling`."""

CONTROL_NAMES: tuple[ControlName, ...] = get_args(ControlName)

Options = tuple[tuple[str, Any], ...]

Question = tuple[str, int, tuple[tuple[str, str], ...], float | None]


@dataclass(frozen=True)
class RowKey:
    """One readout of the answers of one model to one prompt, hearing one thing.

    Args:
        corpus, model: their names.
        control: what was heard: ``clip`` for the clips themselves, else a control of the study.
        prompt: its name; empty where a number is over several prompts.
        context_turns: how many earlier turns of the dialogue were shown.
        wording: label and the word that stood for it, of those that were not called by their label.
        temperature: of sampled answers; None where none were asked for.
        readout: its registered name, such as ``mean``.
        options: those that were set, such as ``("value", "logit")``, in the order of the readout's function.
        calibration: applied to the readings; None for the plain ones.
        run: which run it is of, where several stand in one table.
    """

    corpus: str
    model: str
    control: str = "clip"
    prompt: str = ""
    context_turns: int = 0
    wording: tuple[tuple[str, str], ...] = ()
    temperature: float | None = None
    readout: str = ""
    options: Options = ()
    calibration: str | None = None
    run: str = ""

    @property
    def question(self) -> Question:
        """The prompt and the levels of a study's factors; orders of the options repeat one question."""
        return self.prompt, self.context_turns, self.wording, self.temperature

    @property
    def read_by(self) -> tuple[str, Options, str | None]:
        """The readout with its options, and what calibrates it."""
        return self.readout, self.options, self.calibration

    @property
    def request(self) -> RowKey:
        """The same without its readout: the answers that several readouts read."""
        return replace(self, readout="", options=(), calibration=None)

    def heard(self, control: str) -> RowKey:
        """The same with something else in place of what was heard."""
        return replace(self, control=control)


@dataclass(frozen=True)
class ControlKey:
    """A control that asks no model, scored on the clips of a corpus.

    `run` says on those of which run, where several stand in one table and have not the same clips.
    """

    corpus: str
    control: ControlName
    run: str = ""


Key = RowKey | ControlKey


def request_key(record: Record) -> RowKey:
    """The key of all rows that read a record, without their readout."""
    asked = record.asked
    return _one_key(
        asked.utterance.corpus,
        asked.model.name,
        asked.control,
        asked.prompt.name,
        asked.context_turns,
        asked.emotions.labels,
        asked.prompt.wording,
        asked.temperature,
    )


@lru_cache(maxsize=4096)  # a run has millions of records and few keys
def _one_key(
    corpus: str,
    model: str,
    control: str,
    prompt: str,
    context_turns: int,
    labels: tuple[str, ...],
    wording: tuple[str, ...],
    temperature: float | None,
) -> RowKey:
    words = zip(labels, wording, strict=False)
    return RowKey(
        corpus=corpus,
        model=model,
        control=control,
        prompt=prompt,
        context_turns=context_turns,
        wording=tuple((label, word) for label, word in words if word != label),
        temperature=temperature,
    )


def read_by(key: RowKey, readout: Readout) -> RowKey:
    """The key of what a readout makes of the answers that a key is about."""
    return replace(key, readout=readout.name, options=readout.options, calibration=None)


def prompt_text(key: RowKey) -> str:
    """The prompt and the levels of a study's factors, for people.

    >>> prompt_text(RowKey("iemocap", "m", prompt="word", context_turns=3, temperature=0.7))
    'word, 3 turns before, T=0.7'
    """
    words = "/".join(word for _, word in key.wording)
    factors = (
        f"{key.context_turns} turns before" if key.context_turns else "",
        f"worded {words}" if words else "",
        f"T={key.temperature:g}" if key.temperature not in (None, 1.0) else "",
    )
    return ", ".join([key.prompt, *filter(None, factors)])


def readout_text(key: RowKey) -> str:
    """The readout with its options and what calibrates it, for people.

    >>> readout_text(RowKey("crema-d", "m", readout="lens", options=(("layer", 2),), calibration="batch"))
    'lens(layer=2) + batch'
    """
    spec = written(key.readout, key.options)
    return f"{spec} + {key.calibration}" if key.calibration else spec


def control_text(key: ControlKey) -> str:
    """The control, for people.

    >>> control_text(ControlKey("crema-d", "one-hot-plurality"))
    'one-hot plurality'
    """
    return {"one-hot-plurality": "one-hot plurality"}.get(key.control, key.control.replace("-", " "))
