"""Read a recording of any length as a track of distributions: a window that slides over it."""

from __future__ import annotations

import itertools
import logging
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ambivox.audio import (
    MIN_DURATION_S,
    NEAR_SILENCE_RMS,
    SAMPLE_RATE_HZ,
    AudioCaution,
    Channel,
    Clip,
    Heard,
    Recording,
    as_file,
    check_rate,
    open_recording,
)
from ambivox.calibration import KeptCalibration
from ambivox.corpora import Utterance
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AudioError, UsageError
from ambivox.models import SpeechModel
from ambivox.models.default_reading import default_reading
from ambivox.prompts import Prompt, load_prompt
from ambivox.raters.distribution import Array
from ambivox.readouts import DEFAULT_READOUTS, Reading, Readout, Status, load_readouts
from ambivox.reasons import Reason
from ambivox.record import SILENT, Record, Sound
from ambivox.run.ask import ask
from ambivox.run.calibrate import Calibrate, check_kept, kept_calibration
from ambivox.run.clip_reading import by_label
from ambivox.run.clips import Clips
from ambivox.run.plan import Planned
from ambivox.run.read_clip import BATCH_SIZE, ONE_AT_A_TIME, Question, loaded_model, question_of

SILENT_BELOW_RMS = NEAR_SILENCE_RMS
"""-60 dB of full scale: a window of which no 25 ms are louder is silent, and nothing is asked about it."""

_QUIET = Reason(SILENT, f"no 25 ms are louder than {20 * math.log10(SILENT_BELOW_RMS):.0f} dB of full scale")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class WindowReading:
    """What a model made of one window of a recording.

    Args:
        start_s, end_s: where the window lies in the recording.
        labels: of the emotion set, in the order of the distribution.
        reading: at token level, see `Reading`.
        cautions: what is odd about the sound of the window.
    """

    start_s: float
    end_s: float
    labels: tuple[str, ...]
    reading: Reading
    cautions: tuple[AudioCaution, ...] = ()

    @property
    def status(self) -> Status:
        """Of the reading; ``silent`` where there was nothing to ask about."""
        return self.reading.status

    @property
    def distribution(self) -> Array | None:
        """Shape ``(N,)``, sums to 1; None where the status says why."""
        return self.reading.distribution

    @property
    def mass(self) -> float | None:
        """The probability that the model gave to the labels, range 0 to 1."""
        return self.reading.mass

    @property
    def entropy_bits(self) -> float | None:
        """Of the distribution: how ambiguous the window is, range 0 to log2 N."""
        from ambivox.metrics import entropy_bits  # with scipy, which a wrong path should not wait for

        return None if self.distribution is None else float(entropy_bits(self.distribution))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "start_s": self.start_s,
            "end_s": self.end_s,
            "status": self.status,
            "distribution": by_label(self.distribution, self.labels),
            "calibration": self.reading.calibration,
            "uncalibrated": by_label(self.reading.uncalibrated, self.labels),
            "mass": self.mass,
            "entropy_bits": self.entropy_bits,
            "note": self.reading.note,
            "cautions": [caution.code for caution in self.cautions],
        }


def track(
    recording: Clip,
    model: str | SpeechModel = "mini",
    *,
    window_s: float = 4.0,
    hop_s: float = 1.0,
    prompt: str | None = None,
    emotions: str | EmotionSet = "cremad6",
    rate_hz: float | None = None,
    channel: Channel = None,
    calibrate: Calibrate = None,
    batch_size: int = BATCH_SIZE,
    device: str | None = None,
    dtype: str | None = None,
) -> Iterator[WindowReading]:
    """Ask a model about every window of a recording, whatever its length, at token level.

    Windows start at 0, `hop_s`, 2 `hop_s` and so on, to the nearest frame of the file, up to the first that
    reaches its end, where it is cut off; a rest shorter than 0.1 s is left out. Each reads what
    `ambivox.read` reads from the same segment: it is decoded and resampled on its own, when its turn comes,
    so that memory does not grow with the recording. Safe to call from several threads, as `read` is.

    Args:
        recording: a sound file as a path, as bytes, or opened for reading; or samples with their `rate_hz`,
            as for `read`. All but a path are written to a temporary file, which lasts as long as the results
            are taken.
        model: a name, or a loaded model.
        window_s: how long a window is, in seconds.
        hop_s: how much later than the last each window starts, in seconds.
        prompt: by name or as a YAML file, read as it suits its answers; None asks what stands for the model
            where an answer begins with a label (see `default_reading`).
        emotions: a set, by name or as a YAML file.
        rate_hz: of samples; a file says its own.
        channel: of the recording, as for `read`.
        calibrate: as for `read`.
        batch_size: windows that are asked about together, at least 1.
        device, dtype: of a model that is given by name, as for `load_model`.

    Returns:
        One result for each window, in order, as they come. No 25 ms of a window with the status ``silent``
        are louder than -60 dB of full scale (`SILENT_BELOW_RMS`). A window that cannot be heard, or that the
        model fails on, has the status ``failed``.

    Raises:
        UsageError: an unknown name, a window or hop that is not a positive time, a window that is shorter
            than any model hears or longer than this one does, or a calibration of something else.
        AmbivoxError: the recording cannot be read, has no such channel, or no sound; or the model cannot be
            loaded. While the results are taken: the recording cannot be decoded to its end.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size {batch_size}: at least 1 is needed")
    _check_times(window_s, hop_s)
    rate = check_rate(rate_hz)
    name = model if isinstance(model, str) else model.name
    kept = kept_calibration(calibrate)
    asked, readout = _at_token_level(name, prompt, kept)
    emotions = load_emotions(emotions) if isinstance(emotions, str) else emotions
    check_kept(kept, [(asked, [readout])], emotions)
    given = _Given(recording, rate)
    with given.named_as_given():
        sound = open_recording(given.path, channel)
    if round(hop_s * sound.rate_hz) < 1:
        raise UsageError(f"hop {hop_s:g} s: shorter than a frame of {given.name}, at {sound.rate_hz} Hz")
    options = {key: value for key, value in {"device": device, "dtype": dtype}.items() if value is not None}
    with ONE_AT_A_TIME:
        loaded = loaded_model(model, options)
        question = question_of(loaded, asked, [readout], emotions, None, ask_silent=False, kept=kept)
    if loaded.max_audio_s is not None and window_s > loaded.max_audio_s + 1 / SAMPLE_RATE_HZ:
        raise UsageError(f"window {window_s:g} s: {loaded.name} hears at most {loaded.max_audio_s:g} s")
    if hop_s > window_s:
        _LOG.warning(
            "hop %g s is longer than the window: %g s between windows are not heard", hop_s, hop_s - window_s
        )
    return _Tracker(loaded, question, emotions, sound, given).stream(window_s, hop_s, batch_size)


def _check_times(window_s: float, hop_s: float) -> None:
    for name, value in (("window", window_s), ("hop", hop_s)):
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name} {value:g} s: give seconds, more than 0")
    if window_s < MIN_DURATION_S:
        raise UsageError(f"window {window_s:g} s: at least {MIN_DURATION_S} s is needed")


def _at_token_level(
    model: str, prompt: str | None, kept: KeptCalibration | None = None
) -> tuple[Prompt, Readout]:
    """The prompt to ask a model by name, and the token-level readout that suits it."""
    if prompt is not None:
        loaded = load_prompt(prompt)
        readouts = [r for r in load_readouts(DEFAULT_READOUTS) if _reads_tokens(r, loaded)]
        return loaded, next((r for r in readouts if r.formats), readouts[0])  # made for it, or for any answer
    usual = {
        name: load_readouts(specs)
        for name, specs in (default_reading(model) if kept is None else kept.readouts).items()
    }
    # Where the text level stands beside it, the answer is numbers first of all.
    for name in sorted(usual, key=lambda name: any(r.level == "text" for r in usual[name])):
        loaded = load_prompt(name)
        for readout in usual[name]:
            if _reads_tokens(readout, loaded):
                return loaded, readout
    if kept is not None:
        raise UsageError("calibration: fitted to nothing at token level: fit one to a token-level readout")
    raise UsageError(f"nothing at token level stands for the model {model!r}: name a prompt")


def _reads_tokens(readout: Readout, prompt: Prompt) -> bool:
    return readout.level == "token" and (readout.formats is None or prompt.format in readout.formats)


class _Given:
    """A recording as a file: the one that was named, or a temporary one that is gone when nobody needs it."""

    def __init__(self, recording: Clip, rate_hz: int | None) -> None:
        self.folder = "" if isinstance(recording, str | Path) else tempfile.mkdtemp(prefix="ambivox-")
        if self.folder:
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        with self.named_as_given():
            self.path = as_file(recording, rate_hz, Path(self.folder, "recording"))
        self.name = self.path.name if self.folder else str(self.path)

    @contextmanager
    def named_as_given(self) -> Iterator[None]:
        """Leave the temporary folder out of errors."""
        try:
            yield
        except AudioError as error:
            raise AudioError(self.told(str(error))) from None

    def told(self, text: str) -> str:
        """A text without the temporary folder."""
        return text.replace(f"{self.folder}{os.sep}", "") if self.folder else text


@dataclass(frozen=True)
class _Tracker:
    """A model with its question about one recording."""

    model: SpeechModel
    question: Question
    emotions: EmotionSet
    recording: Recording
    given: _Given

    def stream(self, window_s: float, hop_s: float, batch_size: int) -> Iterator[WindowReading]:
        heard = self.recording.hear(self.recording.windows(window_s, hop_s))
        while True:
            with self.given.named_as_given():
                batch = list(itertools.islice(heard, batch_size))
            if not batch:
                return
            with Clips() as sounds:
                planned = [self._planned(*window, sounds) for window in batch]
                with ONE_AT_A_TIME:
                    answered = iter(ask(self.model, [p for p in planned if not p.record.error], sounds))
            for one in planned:
                yield self._reading(one.record if one.record.error else next(answered))

    def _planned(self, segment: tuple[float, float], heard: Heard, sounds: Clips) -> Planned:
        """What to ask about a window, whose sound is put among the others; with an error where nothing is."""
        path, channel = self.recording.path, self.recording.channel
        utterance = Utterance(path.stem, path, start_s=segment[0], end_s=segment[1], channel=channel)
        planned = self.question.about(utterance, self.emotions, self.model)
        if isinstance(heard, AudioError):
            return replace(planned, record=planned.record.failed(Reason("clip", self.given.told(str(heard)))))
        samples, facts = heard
        sound = Sound(len(samples) / SAMPLE_RATE_HZ, facts.silent, facts.cautions)
        if facts.silent or any(caution.code == "near-silence" for caution in facts.cautions):
            return replace(planned, record=planned.record.failed(_QUIET, sound))
        sounds.hold(planned.record, samples, sound)
        return planned

    def _reading(self, record: Record) -> WindowReading:
        clip = record.asked.clip
        reading = self.question.read(self.question.readouts[0], record)
        cautions = record.sound.cautions if record.sound else ()
        return WindowReading(clip.start_s or 0.0, clip.end_s or 0.0, self.emotions.labels, reading, cautions)
