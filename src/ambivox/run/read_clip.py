"""Read single clips: the same path as a study, without a directory."""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict, overload

from ambivox.audio import Channel, Clip, as_file, audio_facts, check_rate
from ambivox.calibration import KeptCalibration
from ambivox.corpora import Utterance
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AmbivoxError, AudioError, UsageError
from ambivox.models import LabelTokens, SpeechModel, load_model
from ambivox.models.default_reading import default_reading
from ambivox.models.protocol import check_taken
from ambivox.prompts import Prompt, RenderedPrompt, load_prompt, option_order
from ambivox.readouts import DEFAULT_READOUTS, Need, Reading, Readout, load_readouts, needs_of, unfold
from ambivox.reasons import Reason
from ambivox.record import Record
from ambivox.run.ask import ask, with_keys
from ambivox.run.calibrate import Calibrate, calibrated, check_kept, kept_calibration
from ambivox.run.clip_reading import Answer, ClipReading
from ambivox.run.clips import Clips
from ambivox.run.plan import Planned, unanswered
from ambivox.study import N_DRAWS

if TYPE_CHECKING:
    from typing_extensions import Unpack

BATCH_SIZE = 16
"""Clips that are asked about together."""

ONE_AT_A_TIME = threading.Lock()
"""Models and tokenizers are not made for several threads."""


@dataclass(frozen=True)
class Segment:
    """Which part of every clip is heard; see `read`."""

    start_s: float | None = None
    end_s: float | None = None
    channel: Channel = None


class ReadOptions(TypedDict, total=False):
    """The keyword arguments of `read`, which has one result, a list or an iterator by what it is given."""

    prompt: str | Sequence[str] | None
    emotions: str | EmotionSet
    readouts: Sequence[str] | None
    rate_hz: float | None
    start_s: float | None
    end_s: float | None
    channel: Channel
    order_seed: int | None
    ask_silent: bool
    calibrate: Calibrate
    batch_size: int
    device: str | None
    dtype: str | None


@overload
def read(  # type: ignore[overload-overlap]
    clip: Clip, model: str | SpeechModel = ..., **options: Unpack[ReadOptions]
) -> ClipReading: ...
@overload
def read(
    clip: list[Clip] | list[str] | list[Path] | tuple[Clip, ...],
    model: str | SpeechModel = ...,
    **options: Unpack[ReadOptions],
) -> list[ClipReading]: ...
@overload
def read(
    clip: Iterator[Clip], model: str | SpeechModel = ..., **options: Unpack[ReadOptions]
) -> Iterator[ClipReading]: ...
def read(
    clip: Clip | Sequence[Clip] | Iterator[Clip],
    model: str | SpeechModel = "mini",
    *,
    prompt: str | Sequence[str] | None = None,
    emotions: str | EmotionSet = "cremad6",
    readouts: Sequence[str] | None = None,
    rate_hz: float | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: Channel = None,
    order_seed: int | None = None,
    ask_silent: bool = False,
    calibrate: Calibrate = None,
    batch_size: int = BATCH_SIZE,
    device: str | None = None,
    dtype: str | None = None,
) -> ClipReading | list[ClipReading] | Iterator[ClipReading]:
    """Ask a model about a clip, or about many, and read its answers out.

    Safe to call from several threads, which are answered one after another.

    Args:
        clip: a sound file as a path, as bytes, or opened for reading; or samples with their `rate_hz`, of
            shape ``(n_samples,)`` or ``(n_samples, n_channels)``, floats with a full scale of 1 or int16.
            Or a list of these, or an iterator.
        model: a name, or a loaded model (load it once for many calls).
        prompt: one or several, by name or as a YAML file; the model is asked all of them at once. None asks
            what stands for the model: the text level from a prompt that asks for a distribution, the token
            level from one whose answer begins with a label (see `default_reading`).
        emotions: a set, by name or as a YAML file.
        readouts: by name; None takes all usual ones, or without a prompt those that stand for the model.
        rate_hz: of samples; a file says its own.
        start_s, end_s: the segment of the clip, in seconds.
        channel: of the clip, a number from 0, or ``"mix"`` for the average of all; None averages, too, with a
            caution where the channels differ and an error where they cancel out.
        order_seed: permutes the options; None keeps the order of the set.
        ask_silent: ask about digital silence, too; otherwise its readings have the status ``silent`` and no
            distribution.
        calibrate: the file that `ambivox calibrate` wrote, or what `ambivox.calibrate` gave: readings come
            calibrated, with the distribution before beside them. Without prompts and readouts, those that it
            was fitted to are asked; what it was not fitted to is refused.
        batch_size: clips that are asked about together, at least 1; so many are taken from an iterator before
            the first result comes out (1 for clips that arrive slowly).
        device, dtype: of a model that is given by name, as for `load_model`.

    Returns:
        The answers by prompt, each with its record and its readings: one result for one clip, a list for a
        list, an iterator for an iterator. Of several clips, one that fails is a result with an `error`.

    Raises:
        UsageError: an unknown name, a prompt that is given twice, a rate that sound has not, a device or
            dtype for a model that is loaded already, or a calibration of another model, prompt, readout or
            emotion set.
        AmbivoxError: the one clip cannot be read or heard whole, or the model fails on it; or the model
            cannot be loaded.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size {batch_size}: at least 1 is needed")
    rate = check_rate(rate_hz)
    name = model if isinstance(model, str) else model.name
    kept = kept_calibration(calibrate)
    wanted = wanted_readouts(name, prompt, readouts, kept)
    emotions = load_emotions(emotions) if isinstance(emotions, str) else emotions
    check_kept(kept, wanted, emotions)
    if isinstance(model, str) and isinstance(clip, str | Path) and rate is None:
        audio_facts(clip, start_s, end_s, channel)  # what cannot be heard should not wait for the model
    options = {key: value for key, value in {"device": device, "dtype": dtype}.items() if value is not None}
    reader = reader_of(
        model,
        wanted,
        emotions,
        options=options,
        segment=Segment(start_s, end_s, channel),
        rate_hz=rate,
        order_seed=order_seed,
        ask_silent=ask_silent,
        kept=kept,
    )
    if isinstance(clip, list | tuple):
        return list(reader.stream(iter(clip), batch_size))
    if isinstance(clip, Iterator) and not hasattr(clip, "read"):
        return reader.stream(clip, batch_size)
    [result] = reader.batch([("clip", clip)])  # type: ignore[list-item]
    if result.error:
        raise AmbivoxError(result.error.text)
    return result


def reader_of(
    model: str | SpeechModel,
    wanted: Sequence[tuple[Prompt, Sequence[Readout]]],
    emotions: EmotionSet,
    *,
    options: Mapping[str, str] = MappingProxyType({}),
    segment: Segment = Segment(),
    rate_hz: int | None = None,
    order_seed: int | None = None,
    ask_silent: bool = False,
    kept: KeptCalibration | None = None,
) -> Reader:
    """A model with its prompts and readouts, ready for any number of clips; see `read` for what is given."""
    with ONE_AT_A_TIME:
        loaded = loaded_model(model, options)
        questions = [
            question_of(loaded, *each, emotions, order_seed, ask_silent=ask_silent, kept=kept)
            for each in wanted
        ]
    return Reader(loaded, tuple(questions), emotions, segment, rate_hz)


def loaded_model(model: str | SpeechModel, options: Mapping[str, str]) -> SpeechModel:
    """The model of a name, or the one that is given, for which options come too late."""
    if isinstance(model, str):
        return load_model(model, **options)
    if options:
        raise UsageError(f"{' and '.join(options)}: the model is loaded already: give them to load_model")
    return model


@dataclass(frozen=True)
class Question:
    """One prompt as every clip meets it."""

    prompt: RenderedPrompt
    readouts: tuple[Readout, ...]
    needs: tuple[Need, ...]
    label_tokens: LabelTokens
    order_seed: int | None
    ask_silent: bool
    kept: KeptCalibration | None = None

    def about(self, utterance: Utterance, emotions: EmotionSet, model: SpeechModel) -> Planned:
        """The request about one clip."""
        record = unanswered(utterance, self.prompt, emotions, model, self.label_tokens, seed=self.order_seed)
        return Planned(record, self.needs, N_DRAWS if "draws" in self.needs else 0, self.ask_silent)

    def answer(self, record: Record) -> Answer:
        """What came of the request, read in every way that was asked for."""
        return Answer(
            record, {r.spec: self.read(r, record) for r in unfold(self.readouts, record) if r.applies(record)}
        )

    def read(self, readout: Readout, record: Record) -> Reading:
        """One reading, calibrated where that was asked for."""
        reading = readout(record)
        if self.kept is None:
            return reading
        scaling = self.kept.scaling_of(self.prompt.name, self.prompt.text_hash, readout.spec)
        return calibrated(reading, scaling, self.kept.method)


def question_of(
    model: SpeechModel,
    prompt: Prompt,
    readouts: Sequence[Readout],
    emotions: EmotionSet,
    order_seed: int | None,
    *,
    ask_silent: bool,
    kept: KeptCalibration | None = None,
) -> Question:
    """One prompt and what is read of its answers, made ready for a model that takes it.

    Raises:
        UsageError: the model does not take it, or a calibration of something else.
    """
    check_taken(model, [prompt])
    rendered = prompt.render(emotions, order=option_order(len(emotions), order_seed))
    if kept is not None:
        kept.check_model(model.fingerprint, emotions.labels)
        readouts = [r for r in readouts if r.formats is None or rendered.format in r.formats]
        for readout in readouts:
            kept.scaling_of(rendered.name, rendered.text_hash, readout.spec)
    needs = needs_of(readouts, rendered.format)
    label_tokens = model.label_tokens(rendered.answers, numbers="numbers" in needs)
    return Question(rendered, tuple(readouts), needs, label_tokens, order_seed, ask_silent, kept)


@dataclass(frozen=True)
class Reader:
    """A model with its questions, for any number of clips."""

    model: SpeechModel
    questions: tuple[Question, ...]
    emotions: EmotionSet
    segment: Segment
    rate_hz: int | None = None

    def asked(self) -> dict[str, Any]:
        """Plain data: all that an answer depends on besides the sound."""
        return {
            "model": self.model.name,
            "fingerprint": self.model.fingerprint,
            "emotions": list(self.emotions.labels),
            "prompts": {q.prompt.name: q.prompt.text_hash for q in self.questions},
            "readouts": {q.prompt.name: [r.spec for r in q.readouts] for q in self.questions},
            "segment": asdict(self.segment),
            "ask_silent": any(q.ask_silent for q in self.questions),
            "calibration": self.questions[0].kept and self.questions[0].kept.content_hash,
        }

    def keys(self, path: Path) -> list[str]:
        """What each answer about a sound file depends on, as a hash; the file is read and not decoded."""
        return [planned.record.key for planned in with_keys(self._planned(path, path), seed=0)]

    def stream(self, clips: Iterator[Clip], batch_size: int) -> Iterator[ClipReading]:
        """One result for each clip, as they come; where the clips end in an error, those before it first."""
        named = ((f"clip {n}", clip) for n, clip in enumerate(clips))
        broken: Exception | None = None
        while broken is None:
            batch: list[tuple[str, Clip]] = []
            try:
                for one in itertools.islice(named, batch_size):
                    batch.append(one)
            except Exception as error:  # of whoever gives the clips; what was given before it is answered
                broken = error
            if not batch and broken is None:
                return
            yield from self.batch(batch)
        raise broken

    def batch(self, clips: Sequence[tuple[str, Clip]]) -> list[ClipReading]:
        """One result for each clip; it comes with a name for where it has no path."""
        with tempfile.TemporaryDirectory(prefix="ambivox-") as folder:
            planned = [one for name, clip in clips for one in self._planned(clip, Path(folder, name))]
            answered = iter(self._ask([one for one in planned if one.record.error is None]))
            records = [one.record if one.record.error else next(answered) for one in planned]
        size, results = len(self.questions), []
        for n, (name, clip) in enumerate(clips):
            own = [_without_folder(record, folder) for record in records[n * size : (n + 1) * size]]
            answers = {q.prompt.name: q.answer(record) for q, record in zip(self.questions, own, strict=True)}
            results.append(ClipReading(str(clip) if isinstance(clip, str | Path) else name, answers))
        return results

    def _planned(self, clip: Clip, path: Path) -> list[Planned]:
        """What to ask about a clip, which is written to the path where it has none of its own."""
        try:
            path, error = as_file(clip, self.rate_hz, path), None
        except AudioError as refused:
            error = Reason("clip", str(refused))
        utterance = Utterance(path.stem, path, **asdict(self.segment))
        planned = [question.about(utterance, self.emotions, self.model) for question in self.questions]
        return [replace(one, record=one.record.failed(error)) for one in planned] if error else planned

    def _ask(self, planned: Sequence[Planned]) -> list[Record]:
        keyed = with_keys(planned, seed=0)
        with Clips() as sounds:
            sounds.prepare(one.record for one in keyed)  # decoded while another thread is answered
            with ONE_AT_A_TIME:
                return ask(self.model, keyed, sounds)


def _without_folder(record: Record, folder: str) -> Record:
    """The record of a clip that had no path of its own, by its name."""
    asked = record.asked
    clip = replace(asked.clip, path=asked.clip.path.removeprefix(f"{folder}{os.sep}"))
    error = record.error and replace(record.error, text=record.error.text.replace(f"{folder}{os.sep}", ""))
    return replace(record, asked=replace(asked, clip=clip), error=error)


def wanted_readouts(
    model: str,
    prompt: str | Sequence[str] | None,
    readouts: Sequence[str] | None,
    kept: KeptCalibration | None = None,
) -> list[tuple[Prompt, list[Readout]]]:
    """The prompts to ask a model by name, and how to read each answer; see `read`.

    Raises:
        UsageError: an unknown name, no prompt, or one that is given twice.
    """
    usual: Mapping[str, Sequence[str]] = {}
    if kept is not None:
        usual = kept.readouts
    elif prompt is None:
        usual = default_reading(model)
    names = list(usual) if prompt is None else [prompt] if isinstance(prompt, str) else list(prompt)
    prompts = [load_prompt(name) for name in names]
    if not prompts:
        raise UsageError("no prompt: give at least one, or leave it out for those that stand for the model")
    for n, one in enumerate(prompts):
        if one.name in [other.name for other in prompts[:n]]:
            raise UsageError(f"the prompt {one.name!r} is given twice")
    return [
        (one, load_readouts(readouts or usual.get(name, DEFAULT_READOUTS)))
        for name, one in zip(names, prompts, strict=True)
    ]
