"""Answers that are known already: what a model was given once it need not be given again."""

from __future__ import annotations

from collections.abc import Iterable

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.models.protocol import FloatArray
from ambivox.prompts import RenderedPrompt
from ambivox.readouts import Need
from ambivox.record import Record
from ambivox.run.clips import WITHOUT_AUDIO
from ambivox.run.plan import Planned

Given = tuple[RenderedPrompt, tuple[Need, ...], int]
"""All that a model is given: prompt, what is read besides the answer, and how many samples of silence."""

LIMIT = 4096
"""Answers in memory at a time; the oldest go first."""


class AnswerCache:
    """What one model answered to input that other clips may share: no clip at all, or silence of one length.

    Records are added in the order of the plan, those of shards that were there included, so that a run that
    goes on knows at every request what an uninterrupted one would know.
    """

    def __init__(self) -> None:
        self._answers: dict[Given, Record] = {}
        self._keys: set[str] = set()

    def add(self, planned: Planned, record: Record) -> None:
        """Keep the answer to a request that was put to the model; others are passed over."""
        if record.reply is None or record.answer_of is not None:
            return
        given = shared_input(
            planned, round(record.sound.duration_s * SAMPLE_RATE_HZ) if record.sound else None
        )
        if given is None:
            return
        self._keys.add(record.key)
        self._answers[given] = record
        while len(self._answers) > LIMIT:
            del self._answers[next(iter(self._answers))]

    def find(self, given: Given) -> Record | None:
        """The record that was asked with just this input."""
        return self._answers.get(given)

    def hold(self, records: Iterable[Record]) -> bool:
        """Whether every record that stands for another's answer refers to one that was asked in this run."""
        seen = self._keys.copy()
        for record in records:
            if record.answer_of is None:
                seen.add(record.key)
            elif record.answer_of not in seen:
                return False
        return True


def shared_input(planned: Planned, samples: FloatArray | int | None) -> Given | None:
    """What the model is given, where other clips may give it just the same; None where each is asked for.

    Sampled answers are drawn for each clip again, and each clip has noise of its own.

    Args:
        samples: what is heard, or how long it is.
    """
    control = planned.record.asked.control
    if planned.n_draws or control not in (*WITHOUT_AUDIO, "silence"):
        return None
    if samples is None or control in WITHOUT_AUDIO:
        return planned.record.asked.prompt, planned.needs, 0
    return planned.record.asked.prompt, planned.needs, samples if isinstance(samples, int) else len(samples)
