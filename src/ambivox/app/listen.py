"""Ask one or two questions about a clip: one request in, all that a page shows of it out."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ambivox.app.limits import DEFAULT_LIMITS, Limits, checked_length_s, without_folder
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AmbivoxError, first_line
from ambivox.models import SpeechModel
from ambivox.present.html.tokens import said_tokens
from ambivox.present.text.reading import headlines
from ambivox.prompts import Prompt
from ambivox.readouts import Level, Reading, Readout, Status, load_readout
from ambivox.run import Answer, ClipReading
from ambivox.run.read_clip import reader_of, wanted_readouts

Wanted = Sequence[tuple[Prompt, Sequence[Readout]]]
"""Prompts, and how their answers are read."""


@dataclass(frozen=True)
class Question:
    """Whom to ask, and with which prompt.

    Args:
        model: a loaded model.
        prompt: by name; None asks what stands for the model (see `default_reading`).
    """

    model: SpeechModel
    prompt: str | None = None


@dataclass(frozen=True)
class Asked:
    """One request of a page.

    Args:
        clip: the sound file.
        questions: answered side by side.
        emotions: the name of a set.
        order_seed: of the order of the options; None for the order of the set.
        layers: whether to read every decoder layer, too.
    """

    clip: Path
    questions: tuple[Question, ...]
    emotions: str = "cremad6"
    order_seed: int | None = None
    layers: bool = False


@dataclass(frozen=True)
class Step:
    """One generated token: the probability that it begins a label, for those that have any, largest first."""

    number: int
    labels: tuple[tuple[str, float], ...]

    @property
    def mass(self) -> float:
        """The probability on all labels, range 0 to 1."""
        return sum(share for _, share in self.labels)


@dataclass(frozen=True)
class Piece:
    """A part of an answer and the tokens that wrote it."""

    text: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Said:
    """What was asked, and the answer: whole, and cut where label tokens stand (see `said_tokens`)."""

    prompt: str
    asked: str
    text: str | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Shown:
    """A reading as it is shown: shares of shape ``(N,)``, or None with the status and note that say why."""

    prompt: str
    readout: str
    level: Level
    status: Status
    note: str
    shares: tuple[float, ...] | None
    mass: float | None


@dataclass(frozen=True)
class Answered:
    """What came of one question.

    Args:
        model: who was asked.
        said: the answer to each prompt.
        shown: of each prompt the first reading of either level.
        cautions: what is odd about the clip.
        layers: the token level after each decoder layer; empty where they were not asked for.
        no_layers: why there are none though they were asked for.
        error: why there is no answer at all.
    """

    model: str
    said: tuple[Said, ...] = ()
    shown: tuple[Shown, ...] = ()
    cautions: tuple[str, ...] = ()
    layers: tuple[Shown, ...] = ()
    no_layers: str = ""
    error: str = ""


@dataclass(frozen=True)
class Listened:
    """All that is shown of a clip."""

    clip: str
    length_s: float
    labels: tuple[str, ...]
    answers: tuple[Answered, ...]
    time_s: float

    @property
    def cautions(self) -> tuple[str, ...]:
        """What is odd about the clip, each once."""
        return tuple(dict.fromkeys(caution for one in self.answers for caution in one.cautions))


def listen(asked: Asked, limits: Limits = DEFAULT_LIMITS) -> Listened:
    """Ask about a clip; safe to call from several threads, which are answered one after another.

    Raises:
        AmbivoxError: the clip cannot be heard, or is larger or longer than it may be; an unknown emotion set.
            What goes wrong with one question alone stands in its answer.
    """
    length_s = checked_length_s(asked.clip, limits.max_bytes, limits.max_clip_s)
    emotions = load_emotions(asked.emotions)
    started_s = time.perf_counter()
    answers = tuple(_answered(question, asked, emotions) for question in asked.questions)
    return Listened(asked.clip.name, length_s, emotions.labels, answers, time.perf_counter() - started_s)


def _answered(question: Question, asked: Asked, emotions: EmotionSet) -> Answered:
    name = question.model.name
    try:
        return _asked_of(question.model, wanted_readouts(name, question.prompt, None), asked, emotions)
    except AmbivoxError as error:
        return Answered(name, error=without_folder(str(error), asked.clip))
    except Exception as error:  # an engine may raise anything, and the page goes on
        return Answered(name, error=f"{name} failed: {type(error).__name__}: {first_line(error)}")


def _asked_of(model: SpeechModel, wanted: Wanted, asked: Asked, emotions: EmotionSet) -> Answered:
    result = _read(model, wanted, asked, emotions)
    sound = result.record.sound
    said = tuple(_said(name, answer) for name, answer in result.answers.items())
    shown = tuple(_shown(name, reading) for name, reading in headlines(result).items())
    cautions = tuple(caution.text for caution in sound.cautions) if sound else ()
    answer = Answered(model.name, said, shown, cautions)
    return _with_layers(answer, model, asked, emotions) if asked.layers else answer


def _read(model: SpeechModel, wanted: Wanted, asked: Asked, emotions: EmotionSet) -> ClipReading:
    reader = reader_of(model, wanted, emotions, order_seed=asked.order_seed)
    [result] = reader.batch([(asked.clip.name, asked.clip)])
    if result.error is not None:
        raise AmbivoxError(result.error.text)
    return result


def _with_layers(answer: Answered, model: SpeechModel, asked: Asked, emotions: EmotionSet) -> Answered:
    """With `first` at every layer, of the prompt whose answer begins with a label; asked apart, since not all
    models show theirs.
    """
    begun = (
        one for one in answer.shown if one.level == "token" and load_readout(one.readout).formats is None
    )
    prompt = next((one.prompt for one in begun), None)
    if prompt is None:
        return replace(answer, no_layers="no answer begins with a label: choose the prompt 'word'")
    try:
        # With the scores of whole labels, by which labels that begin with the same token are told apart.
        wanted = wanted_readouts(model.name, prompt, ["lens", "sequence"])
        result = _read(model, wanted, asked, emotions)
    except AmbivoxError as error:
        return replace(answer, no_layers=without_folder(str(error), asked.clip))
    shown = (_shown(name, reading) for name, reading in result.readings.items())
    return replace(answer, layers=tuple(one for one in shown if load_readout(one.readout).name == "lens"))


def _said(prompt: str, answer: Answer) -> Said:
    return Said(prompt, answer.record.asked.prompt.text, answer.text, _pieces(answer))


def _pieces(answer: Answer) -> tuple[Piece, ...]:
    found = said_tokens(answer.record)
    if found is None:
        return ()
    labels = answer.record.asked.emotions.labels
    steps = [_step(n, row, labels) for n, row in enumerate(_rows(found["p"], len(labels)), 1)]
    rest = iter(steps)
    cut = found["pieces"] or [(f"[{step.number}]", 1) for step in steps]
    return tuple(Piece(text, tuple(itertools.islice(rest, count))) for text, count in cut)


def _rows(flat: Sequence[int], width: int) -> list[Sequence[int]]:
    return [flat[at : at + width] for at in range(0, len(flat), width)]


def _step(number: int, thousandths: Sequence[int], labels: Sequence[str]) -> Step:
    ranked = sorted(zip(thousandths, labels, strict=True), key=lambda pair: -pair[0])
    return Step(number, tuple((label, share / 1000) for share, label in ranked if share > 0))


def _shown(name: str, reading: Reading) -> Shown:
    prompt, _, readout = name.partition("/")
    shares = None if reading.distribution is None else tuple(reading.distribution.tolist())
    level = load_readout(readout).level
    return Shown(prompt, readout, level, reading.status, reading.note, shares, reading.mass)
