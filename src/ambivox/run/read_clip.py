"""Read single clips: the same path as a study, for one prompt and without a directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ambivox.audio import Channel
from ambivox.corpora import Utterance
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AmbivoxError
from ambivox.models import SpeechModel, load_model
from ambivox.prompts import load_prompt, option_order
from ambivox.readouts import DEFAULT_READOUTS, Reading, load_readouts, needs_of, unfold
from ambivox.record import SILENT, Record
from ambivox.run.ask import ask, with_keys
from ambivox.run.plan import Planned, unanswered
from ambivox.study import N_DRAWS


@dataclass(frozen=True)
class ClipReading:
    """What a model made of one clip.

    Args:
        record: what was asked and answered.
        readings: by readout as it is written; only those that can read the prompt's answer format.
    """

    record: Record
    readings: Mapping[str, Reading]

    @property
    def text(self) -> str | None:
        """What the model said; None if the clip could not be read."""
        return self.record.reply.text if self.record.reply else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the answer, and every reading as probabilities by label."""
        asked, reply, sound = self.record.asked, self.record.reply, self.record.sound
        labels = asked.emotions.labels
        return {
            "model": asked.model.name,
            "prompt": asked.prompt.name,
            "text": reply and reply.text,
            "finish": reply and reply.finish,
            "sound": sound and asdict(sound),
            "labels": list(labels),
            "order": [labels[n] for n in asked.prompt.order],
            "readings": {name: _reading_to_dict(one, labels) for name, one in self.readings.items()},
        }


def _reading_to_dict(reading: Reading, labels: Sequence[str]) -> dict[str, Any]:
    p = reading.distribution
    return {
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
    prompt: str = "dictionary",
    emotions: str | EmotionSet = "cremad6",
    readouts: Sequence[str] = DEFAULT_READOUTS,
    start_s: float | None = None,
    end_s: float | None = None,
    channel: Channel = None,
    order_seed: int | None = None,
    ask_silent: bool = False,
) -> ClipReading:
    """Ask a model about one clip and read its answer out in every way that applies.

    Args:
        clip: a sound file.
        model: a name, or a loaded model (load it once for many clips).
        prompt, emotions, readouts: by name; see ``ambivox prompts | emotions | readouts``.
        start_s, end_s: the segment of the file, in seconds.
        channel: of the file, a number from 0, or ``"mix"`` for the average of all; None averages, too, with a
            caution where the channels differ and an error where they cancel out.
        order_seed: permutes the options; None keeps the order of the set.
        ask_silent: ask about digital silence, too; otherwise its readings have the status ``silent`` and no
            distribution.

    Returns:
        The record, of which ``record.sound.cautions`` say what is odd about the clip, and the readings.

    Raises:
        UsageError: an unknown name.
        AmbivoxError: the clip cannot be read or heard whole, or the model fails on it.
    """
    model = load_model(model) if isinstance(model, str) else model
    emotions = load_emotions(emotions) if isinstance(emotions, str) else emotions
    wanted = load_readouts(readouts)
    order = option_order(len(emotions), order_seed)
    rendered = load_prompt(prompt).render(emotions, order=order)
    utterance = Utterance(id=Path(clip).stem, audio=Path(clip), start_s=start_s, end_s=end_s, channel=channel)
    needs = needs_of(wanted, rendered.format)
    n_draws = N_DRAWS if "draws" in needs else 0
    label_tokens = model.label_tokens(rendered.answers, numbers="numbers" in needs)
    record = unanswered(utterance, rendered, emotions, model, label_tokens, seed=order_seed)
    planned = with_keys([Planned(record, needs, n_draws, ask_silent)], seed=0)
    record = ask(model, planned)[0]
    if record.error is not None and record.error.code != SILENT:
        raise AmbivoxError(record.error.text)
    return ClipReading(record, {r.spec: r(record) for r in unfold(wanted, record) if r.applies(record)})
