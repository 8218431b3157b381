"""What comes of reading a clip: the answers by prompt, and their readings by readout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ambivox.raters.distribution import Array
from ambivox.readouts import Reading, load_readout
from ambivox.reasons import Reason
from ambivox.record import SILENT, Record


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
            "key": self.record.key,
            "text": reply and reply.text,
            "finish": reply and reply.finish,
            "order": [labels[n] for n in asked.prompt.order],
            "readings": {name: _reading_to_dict(name, one, labels) for name, one in self.readings.items()},
        }


@dataclass(frozen=True)
class ClipReading:
    """What a model made of one clip.

    Args:
        clip: its path as it was given, or ``clip 3`` for the fourth clip where it had none.
        answers: by prompt, in the order in which they were asked for.
    """

    clip: str
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

    @property
    def error(self) -> Reason | None:
        """Why the clip could not be read or the model failed on it; None where neither is so."""
        errors = (answer.record.error for answer in self.answers.values())
        return next((error for error in errors if error is not None and error.code != SILENT), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the clip, and every answer by prompt."""
        asked, sound, error = self.record.asked, self.record.sound, self.error
        return {
            "clip": self.clip,
            "model": asked.model.name,
            "error": error and asdict(error),
            "sound": sound and asdict(sound),
            "labels": list(asked.emotions.labels),
            "answers": {prompt: answer.to_dict() for prompt, answer in self.answers.items()},
        }


def _reading_to_dict(readout: str, reading: Reading, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "level": load_readout(readout).level,
        "status": reading.status,
        "distribution": by_label(reading.distribution, labels),
        "calibration": reading.calibration,
        "uncalibrated": by_label(reading.uncalibrated, labels),
        "note": reading.note,
        "mass": reading.mass,
        "forms_shift": reading.forms_shift,
        "lower": by_label(reading.lower, labels),
        "upper": by_label(reading.upper, labels),
    }


def by_label(p: Array | None, labels: Sequence[str]) -> dict[str, float] | None:
    """A distribution as plain data."""
    return None if p is None else dict(zip(labels, p.tolist(), strict=True))
