"""Read single clips: the same path as a study, without a directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ambivox.audio import Channel
from ambivox.corpora import Utterance
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AmbivoxError, UsageError
from ambivox.models import SpeechModel, load_model
from ambivox.models.default_reading import default_reading
from ambivox.prompts import Prompt, load_prompt, option_order
from ambivox.readouts import DEFAULT_READOUTS, Reading, Readout, load_readout, load_readouts, needs_of, unfold
from ambivox.record import SILENT, Record
from ambivox.run.ask import ask, with_keys
from ambivox.run.plan import Planned, unanswered
from ambivox.study import N_DRAWS


@dataclass(frozen=True)
class Answer:
    """What a model answered to one prompt about one clip.

    Args:
        record: what was asked and answered; ``record.sound.cautions`` say what is odd about the clip.
        readings: by readout as it is written; only those that can read the prompt's answer format.
    """

    record: Record
    readings: Mapping[str, Reading]

    @property
    def text(self) -> str | None:
        """What the model said; None if it was not asked."""
        return self.record.reply.text if self.record.reply else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: what was said, and every reading as probabilities by label."""
        asked, reply = self.record.asked, self.record.reply
        labels = asked.emotions.labels
        return {
            "text": reply and reply.text,
            "finish": reply and reply.finish,
            "order": [labels[n] for n in asked.prompt.order],
            "readings": {name: _reading_to_dict(name, one, labels) for name, one in self.readings.items()},
        }


@dataclass(frozen=True)
class ClipReading:
    """What a model made of one clip.

    Args:
        answers: by prompt, in the order in which they were asked for.
    """

    answers: Mapping[str, Answer]

    @property
    def readings(self) -> dict[str, Reading]:
        """All readings, by prompt and readout as in ``word/first``."""
        return {
            f"{prompt}/{readout}": reading
            for prompt, answer in self.answers.items()
            for readout, reading in answer.readings.items()
        }

    @property
    def record(self) -> Record:
        """The first record: clip, model, emotions and sound are the same in all."""
        return next(iter(self.answers.values())).record

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the clip, and every answer by prompt."""
        asked, sound = self.record.asked, self.record.sound
        return {
            "model": asked.model.name,
            "sound": sound and asdict(sound),
            "labels": list(asked.emotions.labels),
            "answers": {prompt: answer.to_dict() for prompt, answer in self.answers.items()},
        }


def _reading_to_dict(readout: str, reading: Reading, labels: Sequence[str]) -> dict[str, Any]:
    p = reading.distribution
    return {
        "level": load_readout(readout).level,
        "status": reading.status,
        "distribution": None if p is None else dict(zip(labels, p.tolist(), strict=True)),
        "note": reading.note,
        "mass": reading.mass,
        "forms_shift": reading.forms_shift,
    }


def read(
    clip: str | Path,
    model: str | SpeechModel = "mini",
    *,
    prompt: str | Sequence[str] | None = None,
    emotions: str | EmotionSet = "cremad6",
    readouts: Sequence[str] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: Channel = None,
    order_seed: int | None = None,
    ask_silent: bool = False,
) -> ClipReading:
    """Ask a model about one clip and read its answers out.

    Args:
        clip: a sound file.
        model: a name, or a loaded model (load it once for many clips).
        prompt: one or several, by name or as a YAML file; the model is asked all of them at once. None asks
            what stands for the model: the text level from a prompt that asks for a distribution, the token
            level from one whose answer begins with a label (see `default_reading`).
        emotions: a set, by name or as a YAML file.
        readouts: by name; None takes all usual ones, or without a prompt those that stand for the model.
        start_s, end_s: the segment of the file, in seconds.
        channel: of the file, a number from 0, or ``"mix"`` for the average of all; None averages, too, with a
            caution where the channels differ and an error where they cancel out.
        order_seed: permutes the options; None keeps the order of the set.
        ask_silent: ask about digital silence, too; otherwise its readings have the status ``silent`` and no
            distribution.

    Returns:
        The answers by prompt, each with its record and its readings.

    Raises:
        UsageError: an unknown name, or a prompt that is given twice.
        AmbivoxError: the clip cannot be read or heard whole, or the model fails on it.
    """
    name = model if isinstance(model, str) else model.name
    wanted = wanted_readouts(name, prompt, readouts)
    emotions = load_emotions(emotions) if isinstance(emotions, str) else emotions
    model = load_model(model) if isinstance(model, str) else model
    utterance = Utterance(id=Path(clip).stem, audio=Path(clip), start_s=start_s, end_s=end_s, channel=channel)
    planned = with_keys(
        [
            _planned(utterance, template, each, emotions, model, order_seed, ask_silent)
            for template, each in wanted
        ],
        seed=0,
    )
    answers = {}
    for record, (template, each) in zip(ask(model, planned), wanted, strict=True):
        if record.error is not None and record.error.code != SILENT:
            raise AmbivoxError(record.error.text)
        readings = {r.spec: r(record) for r in unfold(each, record) if r.applies(record)}
        answers[template.name] = Answer(record, readings)
    return ClipReading(answers)


def wanted_readouts(
    model: str, prompt: str | Sequence[str] | None, readouts: Sequence[str] | None
) -> list[tuple[Prompt, list[Readout]]]:
    """The prompts to ask a model by name, and how to read each answer; see `read`.

    Raises:
        UsageError: an unknown name, no prompt, or one that is given twice.
    """
    usual = default_reading(model) if prompt is None else {}
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


def _planned(
    utterance: Utterance,
    prompt: Prompt,
    readouts: Sequence[Readout],
    emotions: EmotionSet,
    model: SpeechModel,
    order_seed: int | None,
    ask_silent: bool,
) -> Planned:
    rendered = prompt.render(emotions, order=option_order(len(emotions), order_seed))
    needs = needs_of(readouts, rendered.format)
    label_tokens = model.label_tokens(rendered.answers, numbers="numbers" in needs)
    record = unanswered(utterance, rendered, emotions, model, label_tokens, seed=order_seed)
    return Planned(record, needs, N_DRAWS if "draws" in needs else 0, ask_silent)
